//! Forged tokens of every kind, which must be refused, and a few similar tokens that must be accepted.
//!
//! One table serves everything that checks a user pool's tokens: our verifier, AppSync on the local stack, and npm's
//! `aws-jwt-verify` as the referee. `tests/fixtures/forged_tokens.json` is the table for a fixed time, with keys that
//! were thrown away (`cargo run -p system-tests --bin forge-tokens` makes it again). On a stack the table is made with
//! the stack's own key, because only the signer can make the best forgeries.

use std::path::Path;

use jsonwebtoken::EncodingKey;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, crypto, decode_header};
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::pkcs8::{DecodePrivateKey as _, EncodePublicKey as _, LineEnding};
use serde_json::{Value, json};

use crate::TestStack;

mod rows;

pub use rows::{Row, rows};

/// A user pool whose private key is known.
pub struct Pool {
    pub issuer: String,
    pub client_id: String,
    pub key_id: String,
    key: EncodingKey,
    public_pem: String,
}

impl Pool {
    /// Makes a pool with a new key.
    pub fn new(issuer: &str, client_id: &str, key_id: &str) -> Self {
        let key = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).expect("a key");
        Self::with_key(issuer, client_id, key_id, &key)
    }

    /// Makes a pool with the key that the local stack keeps, as PEM.
    pub fn from_pem(issuer: &str, client_id: &str, key_id: &str, pem: &str) -> Self {
        let key = RsaPrivateKey::from_pkcs8_pem(pem).expect("a private key");
        Self::with_key(issuer, client_id, key_id, &key)
    }

    /// Returns the pool of a stack that keeps its key in `state_dir`.
    pub fn of(stack: &TestStack, state_dir: &Path) -> Self {
        let info = &stack.running.info;
        let pool_id = &info.user_pool.pool_id;
        let header = decode_header(stack.access_token("alice")).expect("a token");
        let pem = std::fs::read_to_string(state_dir.join(format!("cognito-{pool_id}.pem")));
        Self::from_pem(
            &info.endpoints.issuer(pool_id),
            &info.user_pool.client_id,
            &header.kid.expect("a key's id"),
            &pem.expect("the pool's key"),
        )
    }

    fn with_key(issuer: &str, client_id: &str, key_id: &str, key: &RsaPrivateKey) -> Self {
        let public = key.to_public_key().to_public_key_pem(LineEnding::LF);
        let der = key.to_pkcs1_der().expect("encodable");
        Self {
            issuer: issuer.to_owned(),
            client_id: client_id.to_owned(),
            key_id: key_id.to_owned(),
            key: EncodingKey::from_rsa_der(der.as_bytes()),
            public_pem: public.expect("encodable"),
        }
    }

    /// Returns the public key as the pool's key set has it.
    pub fn jwks(&self) -> JwkSet {
        let mut key = Jwk::from_encoding_key(&self.key, Algorithm::RS256).expect("an RSA key");
        key.common.key_id = Some(self.key_id.clone());
        JwkSet { keys: vec![key] }
    }

    /// Returns the signature of a token; `message` is the token's first two parts.
    fn sign(&self, message: &str, algorithm: Algorithm) -> String {
        crypto::sign(message.as_bytes(), &self.key, algorithm).expect("signed")
    }

    /// Signs as an attacker who uses the public key as a shared secret.
    fn sign_with_public_key(&self, message: &str) -> String {
        let secret = EncodingKey::from_secret(self.public_pem.as_bytes());
        crypto::sign(message.as_bytes(), &secret, Algorithm::HS256).expect("signed")
    }
}

/// Returns the table as a file, for languages that only read it.
pub fn fixture(now_s: i64) -> Value {
    let pool = Pool::new(
        "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Forged",
        "web-client",
        "key-1",
    );
    let rows = rows(&pool, now_s);
    json!({
        "now": now_s,
        "issuer": pool.issuer,
        "clientId": pool.client_id,
        "jwks": pool.jwks(),
        "rows": rows,
    })
}
