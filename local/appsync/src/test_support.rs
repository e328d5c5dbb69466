//! A user pool, access keys and signers for the tests of this module.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rsa::pkcs1::EncodeRsaPrivateKey;
use serde_json::{Map, Value, json};

use super::auth::{Authenticator, SignedRequest, UserPoolTrust};
use crate::clock::Clock;
use crate::config::AuthMode;
use crate::iam::{CredentialStore, Principal};

pub(crate) const REGION: &str = "us-east-1";
pub(crate) const ISSUER: &str = "http://localhost:4000/us-east-1_test";
pub(crate) const CLIENT_ID: &str = "web-client";
/// 2 January 2026.
pub(crate) const NOW_MS: i64 = 1_767_312_000_000;

/// A user pool with one key, made once for each test process: a key takes a while.
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

    pub(crate) fn trust(&self) -> UserPoolTrust {
        let keys = self.keys.clone();
        UserPoolTrust {
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

    /// A right access token, valid now, for the given time.
    pub(crate) fn fresh_access_token(&self, validity_s: i64) -> String {
        let now = Clock::system().now_ms() / 1000;
        let mut claims = Self::access_claims();
        claims.insert("iat".into(), (now - 3600).into());
        claims.insert("exp".into(), (now + validity_s).into());
        self.sign(&claims)
    }
}

/// An authenticator with the system's clock: sign for it with [`Pool::fresh_access_token`] and [`Signer::fresh`].
pub(crate) fn authenticator(modes: &[AuthMode]) -> Authenticator {
    authenticator_with(modes, Clock::system())
}

pub(crate) fn authenticator_with(modes: &[AuthMode], clock: Clock) -> Authenticator {
    let trust = Pool::shared().trust();
    Authenticator::new(trust, store(), REGION.into(), modes.to_vec(), clock)
}

/// A worker's key that doesn't expire, a role's key, and one that has expired.
pub(crate) fn store() -> CredentialStore {
    let store = CredentialStore::default();
    let principal = |id: &str, secret: &str, token: Option<&str>, expires_at_ms| Principal {
        access_key_id: id.into(),
        secret_access_key: secret.into(),
        session_token: token.map(Into::into),
        account_id: "000000000000".into(),
        arn: format!("arn:aws:iam::000000000000:user/{id}"),
        expires_at_ms,
        policy: vec![],
    };
    store.insert(principal("AKIDWORKER", "worker-secret", None, None));
    store.insert(principal("ASIAROLE", "role-secret", Some("session"), None));
    store.insert(principal(
        "ASIAEXPIRED",
        "role-secret",
        Some("session"),
        Some(NOW_MS - 1),
    ));
    store
}

pub(crate) fn post(headers: &[(&str, &str)], body: &str) -> SignedRequest {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
        map.insert(name, HeaderValue::from_str(value).expect("a value"));
    }
    SignedRequest {
        method: Method::POST,
        uri: Uri::from_static("/graphql"),
        headers: map,
        body: bytes::Bytes::copy_from_slice(body.as_bytes()),
    }
}

/// Signs with AWS's own signer.
pub(crate) struct Signer<'a> {
    pub(crate) key: &'a str,
    pub(crate) secret: &'a str,
    pub(crate) token: Option<&'a str>,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
    pub(crate) host: &'a str,
    pub(crate) path: &'a str,
    /// Since the Unix epoch.
    pub(crate) at: Duration,
}

impl Default for Signer<'_> {
    fn default() -> Self {
        Self {
            key: "AKIDWORKER",
            secret: "worker-secret",
            token: None,
            region: REGION,
            service: "appsync",
            host: "localhost:4000",
            path: "/graphql",
            at: Duration::from_millis(NOW_MS.unsigned_abs()),
        }
    }
}

impl Signer<'_> {
    /// Signs with the present time.
    pub(crate) fn fresh() -> Self {
        Self {
            at: Duration::from_millis(Clock::system().now_ms().unsigned_abs()),
            ..Self::default()
        }
    }

    pub(crate) fn sign(&self, body: &str) -> SignedRequest {
        let credentials = Credentials::new(
            self.key,
            self.secret,
            self.token.map(Into::into),
            None,
            "test",
        );
        let identity = credentials.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(UNIX_EPOCH + self.at)
            .settings(SigningSettings::default())
            .build()
            .expect("complete")
            .into();
        let mut request = post(
            &[
                ("host", self.host),
                ("content-type", "application/json; charset=UTF-8"),
            ],
            body,
        );
        request.uri = self.path.parse().expect("a path");
        let url = format!("https://{}{}", self.host, self.path);
        let headers = request
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().expect("text")));
        let signable =
            SignableRequest::new("POST", url, headers, SignableBody::Bytes(body.as_bytes()))
                .expect("signable");
        let (instructions, _) = sign(signable, &parameters).expect("signed").into_parts();
        for (name, value) in instructions.headers() {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            request
                .headers
                .insert(name, HeaderValue::from_str(value).expect("a value"));
        }
        request
    }

    /// The headers of a signed request as the JSON object that real-time messages carry.
    pub(crate) fn header_json(&self, body: &str) -> Value {
        let request = self.sign(body);
        let entry = |(name, value): (&HeaderName, &HeaderValue)| {
            (name.to_string(), Value::from(value.to_str().expect("text")))
        };
        Value::Object(request.headers.iter().map(entry).collect())
    }
}
