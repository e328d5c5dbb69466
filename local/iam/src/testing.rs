//! Access keys and AWS's own signer, for tests of services that verify signatures.

#![expect(
    clippy::missing_panics_doc,
    reason = "a test ends in a panic where something is wrong"
)]

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use local_kit::clock::Clock;
use serde_json::Value;

use crate::sigv4::SignedRequest;
use crate::{CredentialStore, Principal};

pub const REGION: &str = "us-east-1";
/// 2 January 2026.
pub const NOW_MS: i64 = 1_767_312_000_000;

/// A store with three keys: a worker's that doesn't expire, a role's, and one that has expired.
pub fn store() -> CredentialStore {
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

pub fn post(headers: &[(&str, &str)], body: &str) -> SignedRequest {
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

/// Signs requests with AWS's own signer.
pub struct Signer<'a> {
    pub key: &'a str,
    pub secret: &'a str,
    pub token: Option<&'a str>,
    pub region: &'a str,
    pub service: &'a str,
    pub host: &'a str,
    pub path: &'a str,
    /// When the request is signed, since the Unix epoch.
    pub at: Duration,
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
    /// A signer that signs with the present time.
    pub fn fresh() -> Self {
        Self {
            at: Duration::from_millis(Clock::system().now_ms().unsigned_abs()),
            ..Self::default()
        }
    }

    pub fn sign(&self, body: &str) -> SignedRequest {
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
    pub fn header_json(&self, body: &str) -> Value {
        let request = self.sign(body);
        let entry = |(name, value): (&HeaderName, &HeaderValue)| {
            (name.to_string(), Value::from(value.to_str().expect("text")))
        };
        Value::Object(request.headers.iter().map(entry).collect())
    }
}
