//! A user pool, access keys and signers for this crate's tests.

pub(crate) use local_iam::testing::{NOW_MS, REGION, Signer, post, store};

use std::sync::{Arc, OnceLock};

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use local_kit::clock::Clock;
use rsa::pkcs1::EncodeRsaPrivateKey;
use serde_json::{Map, Value, json};

use super::auth::{Authenticator, JwtIssuer};
use crate::config::AuthMode;

pub(crate) const ISSUER: &str = "http://localhost:4000/us-east-1_test";
pub(crate) const CLIENT_ID: &str = "web-client";

/// A user pool with one key, generated once for each test process because it takes a while.
pub(crate) struct Pool {
    pub(crate) encoding_key: EncodingKey,
    keys: JwkSet,
}

impl Pool {
    pub(crate) const KEY_ID: &str = "key-1";

    pub(crate) fn shared() -> &'static Self {
        static POOL: OnceLock<Pool> = OnceLock::new();
        POOL.get_or_init(|| {
            let private = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).expect("a key");
            let der = private.to_pkcs1_der().expect("encodable");
            let encoding_key = EncodingKey::from_rsa_der(der.as_bytes());
            let mut key =
                Jwk::from_encoding_key(&encoding_key, Algorithm::RS256).expect("an RSA key");
            key.common.key_id = Some(Self::KEY_ID.into());
            Pool {
                encoding_key,
                keys: JwkSet { keys: vec![key] },
            }
        })
    }

    pub(crate) fn jwt_issuer(&self) -> JwtIssuer {
        let keys = self.keys.clone();
        JwtIssuer {
            issuer: ISSUER.into(),
            client_id: CLIENT_ID.into(),
            keys: Arc::new(move || keys.clone()),
        }
    }

    pub(crate) fn sign(&self, claims: &Map<String, Value>) -> String {
        let header = Header {
            kid: Some(Self::KEY_ID.into()),
            ..Header::new(Algorithm::RS256)
        };
        encode(&header, claims, &self.encoding_key).expect("signed")
    }

    pub(crate) fn access_claims() -> Map<String, Value> {
        let now = NOW_MS / 1000;
        let claims = json!({
            "sub": "sub-ada", "iss": ISSUER, "client_id": CLIENT_ID, "token_use": "access", "username": "ada",
            "iat": now - 60, "exp": now + 3600,
        });
        claims.as_object().expect("an object").clone()
    }

    /// A valid access token with this validity.
    pub(crate) fn fresh_access_token(&self, validity_s: i64) -> String {
        let now = Clock::system().now_ms() / 1000;
        let mut claims = Self::access_claims();
        claims.insert("iat".into(), (now - 3600).into());
        claims.insert("exp".into(), (now + validity_s).into());
        self.sign(&claims)
    }
}

/// An authenticator with the system's clock. Sign for it with [`Pool::fresh_access_token`] and [`Signer::fresh`].
pub(crate) fn authenticator(modes: &[AuthMode]) -> Authenticator {
    authenticator_with(modes, Clock::system())
}

pub(crate) fn authenticator_with(modes: &[AuthMode], clock: Clock) -> Authenticator {
    let issuer = Pool::shared().jwt_issuer();
    Authenticator::new(issuer, store(), REGION.into(), modes.to_vec(), clock)
}
