//! Verifies signatures over `:authority`, HTTP/2's name for the host. The AWS SDK for JavaScript signs it in place of
//! `host`.
//! The library can't check this header, because the `http` crate has no name for it.

use std::fmt::Write as _;
use std::sync::Arc;

use chrono::NaiveDateTime;
use hmac::{Hmac, Mac as _};
use http::header::AUTHORIZATION;
use sha2::{Digest as _, Sha256};

use super::{DATE_FORMAT, SignatureRefusal, SignedRequest, encoded_again, unknown_key};
use crate::{CredentialStore, Principal};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const AUTHORITY: &str = ":authority";
const DATE: &str = "x-amz-date";
const SECURITY_TOKEN: &str = "x-amz-security-token";

/// The parts of the `authorization` header.
struct Authorization<'a> {
    /// `20261128/us-east-1/bedrock/aws4_request`.
    scope: &'a str,
    /// The signed headers in their order, separated by semicolons.
    signed_headers: &'a str,
    signature: &'a str,
}

/// Whether the request's signature covers `:authority`.
pub(super) fn is_signed(request: &SignedRequest) -> bool {
    authorization(request).is_some_and(|it| it.signs(AUTHORITY))
}

/// Whether `principal` signed the request for `service` in `region`.
pub(super) fn verify(
    request: &SignedRequest,
    credentials: &CredentialStore,
    principal: Option<Arc<Principal>>,
    (service, region): (&str, &str),
    now_ms: i64,
) -> Result<Arc<Principal>, SignatureRefusal> {
    let principal = principal.ok_or_else(unknown_key)?;
    if principal.session_token.as_deref() != header(request, SECURITY_TOKEN).as_deref() {
        return Err(unknown_key());
    }
    if principal.expires_at_ms.is_some_and(|at| at <= now_ms) {
        return Err(SignatureRefusal {
            error_type: "ExpiredTokenException",
            message: "The security token included in the request is expired".to_owned(),
        });
    }
    let date = header(request, DATE).unwrap_or_default();
    let day = NaiveDateTime::parse_from_str(&date, DATE_FORMAT).map(|at| at.date());
    let (Some(authorization), Ok(day)) = (authorization(request), day) else {
        return Err(mismatch());
    };
    let expected_scope = format!("{}/{region}/{service}/aws4_request", day.format("%Y%m%d"));
    if authorization.scope != expected_scope || !authorization.signs(DATE) {
        return Err(mismatch());
    }
    let canonical = canonical(request, &authorization).ok_or_else(mismatch)?;
    let key = credentials.signing_key(&principal, day, region, service);
    let key = key.ok_or_else(mismatch)?;
    let mut hmac: Hmac<Sha256> = Hmac::new_from_slice(key.as_ref()).map_err(|_| mismatch())?;
    let scope = authorization.scope;
    hmac.update(format!("{ALGORITHM}\n{date}\n{scope}\n{}", hex_sha256(&canonical)).as_bytes());
    let signature = of_hex(authorization.signature).ok_or_else(mismatch)?;
    hmac.verify_slice(&signature).map_err(|_| mismatch())?;
    Ok(principal)
}

impl Authorization<'_> {
    fn signs(&self, name: &str) -> bool {
        self.signed_headers.split(';').any(|it| it == name)
    }
}

fn authorization(request: &SignedRequest) -> Option<Authorization<'_>> {
    let value = request.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let parts = value.strip_prefix(ALGORITHM)?;
    let part = |name: &str| {
        let mut parts = parts.split(',').map(str::trim);
        parts.find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
    };
    Some(Authorization {
        scope: part("Credential")?.split_once('/')?.1,
        signed_headers: part("SignedHeaders")?,
        signature: part("Signature")?,
    })
}

/// The canonical request of SigV4. `None` if a signed header is missing.
fn canonical(request: &SignedRequest, authorization: &Authorization<'_>) -> Option<String> {
    let uri = encoded_again(&request.uri);
    let mut query: Vec<_> = uri.query().unwrap_or_default().split('&').collect();
    query.sort_unstable();
    let mut text = format!("{}\n{}\n{}\n", request.method, uri.path(), query.join("&"));
    for name in authorization.signed_headers.split(';') {
        let value = match name {
            AUTHORITY => request.uri.authority()?.to_string(),
            name => header(request, name)?,
        };
        // Writing to a `String` can't fail.
        let _ = writeln!(text, "{name}:{value}");
    }
    let (signed, body) = (authorization.signed_headers, hex_sha256(&request.body));
    let _ = write!(text, "\n{signed}\n{body}");
    Some(text)
}

/// All values of a header, with runs of spaces collapsed.
fn header(request: &SignedRequest, name: &str) -> Option<String> {
    let values = request.headers.get_all(name).iter();
    let values: Option<Vec<String>> = values
        .map(|value| {
            Some(
                value
                    .to_str()
                    .ok()?
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" "),
            )
        })
        .collect();
    values
        .filter(|values| !values.is_empty())
        .map(|it| it.join(","))
}

fn hex_sha256(bytes: impl AsRef<[u8]>) -> String {
    let hash = Sha256::digest(bytes);
    hash.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn of_hex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

fn mismatch() -> SignatureRefusal {
    SignatureRefusal {
        error_type: "InvalidSignatureException",
        message: "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                  Access Key and signing method. Consult the service documentation for details."
            .to_owned(),
    }
}
