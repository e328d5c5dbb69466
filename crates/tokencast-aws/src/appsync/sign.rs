//! A request's SigV4 signature, with the signing key kept for its day.
//!
//! `aws-sigv4` derives the key, and its signature is what the tests compare with. It does everything anew for each request,
//! which costs more than all the rest of a publish; here are two hashes and one HMAC.

use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use aws_credential_types::Credentials;
use aws_sigv4::sign::v4::generate_signing_key;
use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
use ring::digest::{self, SHA256, SHA256_OUTPUT_LEN};
use ring::hmac;
use thiserror::Error;

use super::endpoint::Endpoint;
use crate::clock::system_time;

const SERVICE: &str = "appsync";

/// The SHA-256 of a request's body.
pub(super) type BodyHash = [u8; SHA256_OUTPUT_LEN];

#[derive(Debug, Error)]
#[error("the credentials have characters that no header may have")]
pub(super) struct SignError;

/// Signs JSON POSTs to one endpoint, for the service `appsync`.
#[derive(Debug)]
pub(super) struct Signer {
    region: String,
    key: Mutex<Option<Arc<Key>>>,
}

/// What stays the same for a day, or until the credentials change.
struct Key {
    /// `20261122`.
    day: [u8; 8],
    credentials: Credentials,
    /// `20261122/us-east-1/appsync/aws4_request`.
    scope: String,
    hmac: hmac::Key,
}

impl Signer {
    pub(super) fn new(region: String) -> Self {
        Self {
            region,
            key: Mutex::new(None),
        }
    }

    /// Writes the headers `x-amz-date`, `x-amz-security-token` and `authorization`, each with its end of line.
    pub(super) fn write_headers(
        &self,
        out: &mut Vec<u8>,
        endpoint: &Endpoint,
        body: &BodyHash,
        credentials: &Credentials,
        now_ms: i64,
    ) -> Result<(), SignError> {
        let time = time(now_ms);
        let key = self.key(&time, credentials, now_ms)?;
        let signed_headers = match key.credentials.session_token() {
            Some(_) => "content-type;host;x-amz-date;x-amz-security-token",
            None => "content-type;host;x-amz-date",
        };
        let request = canonical(endpoint, &time, &key, signed_headers, body);
        let mut signature = hmac::Context::with_key(&key.hmac);
        for part in [
            b"AWS4-HMAC-SHA256\n".as_slice(),
            &time,
            b"\n",
            key.scope.as_bytes(),
            b"\n",
            &hex(request),
        ] {
            signature.update(part);
        }
        let signature = signature.sign();
        let mut value = [0; SHA256_OUTPUT_LEN];
        value.copy_from_slice(signature.as_ref());
        out.extend_from_slice(b"x-amz-date: ");
        out.extend_from_slice(&time);
        if let Some(token) = key.credentials.session_token() {
            out.extend_from_slice(b"\r\nx-amz-security-token: ");
            out.extend_from_slice(token.as_bytes());
        }
        for part in [
            "\r\nauthorization: AWS4-HMAC-SHA256 Credential=",
            key.credentials.access_key_id(),
            "/",
            &key.scope,
            ", SignedHeaders=",
            signed_headers,
            ", Signature=",
        ] {
            out.extend_from_slice(part.as_bytes());
        }
        out.extend_from_slice(&hex(value));
        out.extend_from_slice(b"\r\n");
        Ok(())
    }

    fn key(
        &self,
        time: &[u8; 16],
        credentials: &Credentials,
        now_ms: i64,
    ) -> Result<Arc<Key>, SignError> {
        let mut kept = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = kept.as_ref().filter(|key| key.is_for(time, credentials)) {
            return Ok(Arc::clone(key));
        }
        let key = Arc::new(Key::new(time, credentials, &self.region, now_ms)?);
        *kept = Some(Arc::clone(&key));
        Ok(key)
    }
}

impl Key {
    fn new(
        time: &[u8; 16],
        credentials: &Credentials,
        region: &str,
        now_ms: i64,
    ) -> Result<Self, SignError> {
        let token = credentials.session_token().unwrap_or_default();
        let visible = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if !visible(token) || !visible(credentials.access_key_id()) {
            return Err(SignError);
        }
        let secret = credentials.secret_access_key();
        let key = generate_signing_key(secret, system_time(now_ms), region, SERVICE);
        let mut day = [0; 8];
        day.copy_from_slice(&time[..8]);
        let day_text = String::from_utf8_lossy(&day);
        Ok(Self {
            day,
            credentials: credentials.clone(),
            scope: format!("{day_text}/{region}/{SERVICE}/aws4_request"),
            hmac: hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()),
        })
    }

    fn is_for(&self, time: &[u8; 16], credentials: &Credentials) -> bool {
        self.day == time[..8]
            && self.credentials.access_key_id() == credentials.access_key_id()
            && self.credentials.secret_access_key() == credentials.secret_access_key()
            && self.credentials.session_token() == credentials.session_token()
    }
}

/// The secret stays out of logs.
impl std::fmt::Debug for Key {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Key").finish_non_exhaustive()
    }
}

/// The hash of the request's canonical form.
fn canonical(
    endpoint: &Endpoint,
    time: &[u8; 16],
    key: &Key,
    signed_headers: &str,
    body: &BodyHash,
) -> [u8; SHA256_OUTPUT_LEN] {
    let mut request = digest::Context::new(&SHA256);
    for part in [
        b"POST\n".as_slice(),
        endpoint.path().as_bytes(),
        b"\n\ncontent-type:application/json\nhost:",
        endpoint.authority().as_bytes(),
        b"\nx-amz-date:",
        time,
        b"\n",
    ] {
        request.update(part);
    }
    if let Some(token) = key.credentials.session_token() {
        for part in ["x-amz-security-token:", token, "\n"] {
            request.update(part.as_bytes());
        }
    }
    request.update(b"\n");
    request.update(signed_headers.as_bytes());
    request.update(b"\n");
    request.update(&hex(*body));
    output(&request.finish())
}

pub(super) fn output(digest: &digest::Digest) -> [u8; SHA256_OUTPUT_LEN] {
    let mut output = [0; SHA256_OUTPUT_LEN];
    output.copy_from_slice(digest.as_ref());
    output
}

/// `20261122T120000Z`.
fn time(now_ms: i64) -> [u8; 16] {
    let now = DateTime::<Utc>::from_timestamp_millis(now_ms).unwrap_or_default();
    let mut text = [b'0'; 16];
    // A year of five digits would be cut, and its signature refused.
    let _ = write!(
        text.as_mut_slice(),
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
        now.year(),
        now.month(),
        now.day(),
        now.hour(),
        now.minute(),
        now.second()
    );
    text
}

fn hex(bytes: [u8; SHA256_OUTPUT_LEN]) -> [u8; 2 * SHA256_OUTPUT_LEN] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 2 * SHA256_OUTPUT_LEN];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    text
}

#[cfg(test)]
mod tests {
    use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
    use aws_sigv4::sign::v4::SigningParams;

    use super::*;

    const BODY: &[u8] = br#"{"query":"mutation","variables":{"token":"\u00e9"}}"#;

    /// The headers that `aws-sigv4` makes, in alphabetical order.
    fn expected(url: &str, credentials: &Credentials, region: &str, now_ms: i64) -> Vec<String> {
        let identity = credentials.clone().into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(SERVICE)
            .time(system_time(now_ms))
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let headers = std::iter::once(("content-type", "application/json"));
        let request =
            SignableRequest::new("POST", url, headers, SignableBody::Bytes(BODY)).unwrap();
        let (instructions, _) = sign(request, &parameters).unwrap().into_parts();
        let headers = instructions.headers();
        let mut headers: Vec<_> = headers
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        headers.sort();
        headers
    }

    fn check(signer: &Signer, url: &str, credentials: &Credentials, now_ms: i64) {
        let body = output(&digest::digest(&SHA256, BODY));
        let endpoint = Endpoint::parse(url).unwrap();
        let mut written = Vec::new();
        signer
            .write_headers(&mut written, &endpoint, &body, credentials, now_ms)
            .unwrap();
        let written = String::from_utf8(written).unwrap();
        let mut headers: Vec<_> = written.lines().collect();
        headers.sort_unstable();
        assert_eq!(
            headers,
            expected(url, credentials, &signer.region, now_ms),
            "{url} at {now_ms}"
        );
    }

    #[test]
    fn every_signature_is_that_of_aws_sigv4() {
        const DAY_MS: i64 = 86_400_000;
        let credentials = |id, token: Option<&str>| {
            Credentials::new(
                id,
                format!("secret/{id}+"),
                token.map(Into::into),
                None,
                "test",
            )
        };
        let lasting = credentials("AKIDEXAMPLE", None);
        let session = credentials("ASIAEXAMPLE", Some("IQoJb3JpZ2luX2VjE//+=="));
        let later = credentials("ASIAEXAMPLE", Some("another/token=="));
        for url in [
            "https://example.appsync-api.us-east-1.amazonaws.com/graphql",
            "https://example.com:443/graphql",
            "https://example.com:8443/a-b/c_d.e~f",
            "http://localhost:20002/graphql",
            "http://localhost:80/graphql",
            "http://127.0.0.1:8080/",
            "http://127.0.0.1:8080",
        ] {
            for region in ["us-east-1", "eu-central-1"] {
                // One signer for all: a key that is kept must not be used for what it isn't for.
                let signer = Signer::new(region.to_owned());
                for now_ms in [0, 1_800_000_000_000, DAY_MS - 1, DAY_MS, 951_782_400_999] {
                    for credentials in [&lasting, &session, &later, &session] {
                        check(&signer, url, credentials, now_ms);
                        check(&signer, url, credentials, now_ms + 1_000);
                    }
                }
            }
        }
    }

    #[test]
    fn no_header_is_smuggled_in() {
        let signer = Signer::new("us-east-1".to_owned());
        let endpoint = Endpoint::parse("https://example.com/graphql").unwrap();
        let token = "token\r\nx-injected: yes".to_owned();
        let credentials = Credentials::new("AKID", "secret", Some(token), None, "test");
        let mut out = Vec::new();
        let written = signer.write_headers(&mut out, &endpoint, &[0; 32], &credentials, 0);
        assert!(written.is_err() && out.is_empty());
    }
}
