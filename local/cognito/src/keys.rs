//! The pool's signing key: 2,048-bit RSA, in a file of the state directory that only its owner may read.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse,
    RSAKeyParameters, RSAKeyType,
};
use local_kit::private_files;
use ring::rand::SystemRandom;
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents,
};
use rsa::RsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, LineEnding};
use rsa::traits::PublicKeyParts as _;
use sha2::{Digest as _, Sha256};

use crate::OpenError;
use crate::config::UserPoolConfig;
use crate::error::CognitoError;

const BITS: usize = 2048;

/// The key of all pools of this process that share one.
static SHARED: OnceLock<PoolKey> = OnceLock::new();

/// The key, which may still be being generated.
#[derive(Clone, Debug)]
pub(crate) struct PoolKey {
    made: Arc<OnceLock<Result<SigningKey, String>>>,
}

impl PoolKey {
    /// Reads the stored key, or starts to generate one.
    pub(crate) fn open(config: &UserPoolConfig, state: Option<&Path>) -> Result<Self, OpenError> {
        let file = match state {
            Some(state) => Some(key_file(&config.pool_id, state)?),
            None if config.shares_key => {
                return Ok(SHARED.get_or_init(|| Self::start(None)).clone());
            }
            None => None,
        };
        if let Some(file) = file.as_deref().filter(|file| file.exists()) {
            let read = |error| OpenError::Key(file.display().to_string(), error);
            let pem = std::fs::read_to_string(file).map_err(read)?;
            let key = RsaPrivateKey::from_pkcs8_pem(&pem)
                .map_err(|error| read(io::Error::other(error)))?;
            let key = SigningKey::new(&key).map_err(|error| read(io::Error::other(error)))?;
            let made = Arc::new(OnceLock::from(Ok(key)));
            return Ok(Self { made });
        }
        Ok(Self::start(file))
    }

    /// Starts to generate a key, and keeps it in the file.
    fn start(file: Option<PathBuf>) -> Self {
        let key = Self {
            made: Arc::default(),
        };
        let for_thread = key.clone();
        let run = move || {
            // Only this thread sets the key.
            let _ = for_thread
                .made
                .set(make(file.as_deref()).inspect_err(|error| {
                    tracing::error!(error, "the user pool's signing key can't be made");
                }));
        };
        if let Err(error) = std::thread::Builder::new()
            .name("cognito-key".into())
            .spawn(run)
        {
            let _ = key.made.set(Err(error.to_string()));
        }
        key
    }

    /// Blocks until the key is generated.
    pub(crate) fn wait(&self) -> Result<&SigningKey, CognitoError> {
        let made = self.made.wait().as_ref();
        made.map_err(|error| {
            CognitoError::internal(format!("The signing key can't be made: {error}"))
        })
    }

    /// Returns once [`PoolKey::wait`] doesn't block.
    pub(crate) async fn ready(&self) {
        if self.made.get().is_none() {
            let made = Arc::clone(&self.made);
            let _ = tokio::task::spawn_blocking(move || {
                made.wait();
            })
            .await;
        }
    }
}

fn key_file(pool_id: &str, state: &Path) -> Result<PathBuf, OpenError> {
    std::fs::create_dir_all(state)
        .map_err(|error| OpenError::StateDirectory(state.display().to_string(), error))?;
    Ok(state.join(format!("cognito-{pool_id}.pem")))
}

fn make(file: Option<&Path>) -> Result<SigningKey, String> {
    let key =
        RsaPrivateKey::new(&mut rsa::rand_core::OsRng, BITS).map_err(|error| error.to_string())?;
    if let Some(file) = file {
        let pem = key
            .to_pkcs8_pem(LineEnding::LF)
            .map_err(|error| error.to_string())?;
        private_files::write(file, pem.as_bytes())
            .map_err(|error| format!("`{}`: {error}", file.display()))?;
    }
    SigningKey::new(&key)
}

pub(crate) struct SigningKey {
    pair: RsaKeyPair,
    kid: String,
    /// Modulus and exponent, in big-endian bytes.
    n: Vec<u8>,
    e: Vec<u8>,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

impl SigningKey {
    fn new(key: &RsaPrivateKey) -> Result<Self, String> {
        let der = key.to_pkcs8_der().map_err(|error| error.to_string())?;
        // `ring` signs fast even in a debug build.
        let pair = RsaKeyPair::from_pkcs8(der.as_bytes()).map_err(|error| error.to_string())?;
        let (n, e) = (key.n().to_bytes_be(), key.e().to_bytes_be());
        Ok(Self {
            pair,
            kid: STANDARD.encode(Sha256::digest(&n)),
            n,
            e,
        })
    }

    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CognitoError> {
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message,
                &mut signature,
            )
            .map_err(|_| CognitoError::internal("The token can't be signed."))?;
        Ok(signature)
    }

    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = RsaPublicKeyComponents {
            n: &self.n,
            e: &self.e,
        };
        key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            .is_ok()
    }

    pub(crate) fn jwk_set(&self) -> JwkSet {
        let common = CommonParameters {
            public_key_use: Some(PublicKeyUse::Signature),
            key_algorithm: Some(KeyAlgorithm::RS256),
            key_id: Some(self.kid.clone()),
            ..CommonParameters::default()
        };
        let algorithm = AlgorithmParameters::RSA(RSAKeyParameters {
            key_type: RSAKeyType::RSA,
            n: URL_SAFE_NO_PAD.encode(&self.n),
            e: URL_SAFE_NO_PAD.encode(&self.e),
        });
        JwkSet {
            keys: vec![Jwk { common, algorithm }],
        }
    }
}
