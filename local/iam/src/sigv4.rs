//! Verifies SigV4 signatures of the access keys in the store.

mod authority;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use scratchstack_aws_signature::{
    ConstSignedHeaderRequirements, GetSigningKeyRequest, GetSigningKeyResponse, SignatureError,
    SignatureOptions, sigv4_validate_request,
};
use thiserror::Error;
use tower::{BoxError, service_fn};

use super::{CredentialStore, Principal};

const X_AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");

/// How far a signer's clock may differ, either way.
const MAX_SKEW: TimeDelta = TimeDelta::minutes(5);
const DATE_FORMAT: &str = "%Y%m%dT%H%M%SZ";

/// The signature must cover the request's time. Otherwise anybody who sees a request could send it again later.
const SIGNS_X_AMZ_DATE: ConstSignedHeaderRequirements =
    ConstSignedHeaderRequirements::new(&[], &[Cow::Borrowed("X-Amz-Date")], &[]);
const SIGNS_DATE: ConstSignedHeaderRequirements =
    ConstSignedHeaderRequirements::new(&[], &[Cow::Borrowed("Date")], &[]);

/// What is verified: an HTTP request, or the request that a real-time message stands for.
#[derive(Clone)]
pub struct SignedRequest {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl fmt::Debug for SignedRequest {
    /// Leaves out headers and body, which hold credentials and prompts.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SignedRequest")
            .field("method", &self.method)
            .field("path", &self.uri.path())
            .finish_non_exhaustive()
    }
}

/// Why a signature is refused, in the words of AWS's JSON services.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{error_type}: {message}")]
pub struct SignatureRefusal {
    /// `InvalidSignatureException`, `UnrecognizedClientException`, …
    pub error_type: &'static str,
    pub message: String,
}

/// The key that a signature names, before the signature is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credential<'a> {
    pub access_key_id: &'a str,
    /// The service in the signature's scope, if there is one.
    pub service: Option<&'a str>,
}

impl<'a> Credential<'a> {
    /// Reads `Credential=AKID/20260102/us-east-1/sqs/aws4_request` from the `authorization` header.
    pub fn of(headers: &'a HeaderMap) -> Option<Self> {
        let authorization = headers.get(AUTHORIZATION)?.to_str().ok()?;
        let (_, credential) = authorization.split_once("Credential=")?;
        Some(Self {
            access_key_id: credential.split_once('/')?.0,
            service: credential.split('/').nth(3),
        })
    }
}

/// The principal that signed a request for `service` in this region, if its key is valid now. `now_ms` is the machine's
/// real time, because SDKs sign with it.
///
/// # Errors
///
/// The signature is missing, can't be parsed, is wrong or too old, or its key is unknown or has expired.
pub async fn verify(
    request: &SignedRequest,
    credentials: &CredentialStore,
    service: &str,
    region: &str,
    now_ms: i64,
) -> Result<Arc<Principal>, SignatureRefusal> {
    let now = DateTime::from_timestamp_millis(now_ms).unwrap_or_default();
    check_given_once(request)?;
    check_skew(request, now)?;
    let principal = Credential::of(&request.headers)
        .and_then(|credential| credentials.find(credential.access_key_id));
    if authority::is_signed(request) {
        let scope = (service, region);
        return authority::verify(request, credentials, principal, scope, now_ms);
    }
    let (signer, store) = (principal.clone(), credentials.clone());
    let mut signing_key = service_fn(move |wanted| {
        let key = signing_key(&store, signer.as_ref(), &wanted, now_ms);
        std::future::ready(key.map_err(BoxError::from))
    });
    let requirements = if request.headers.contains_key(X_AMZ_DATE) {
        SIGNS_X_AMZ_DATE
    } else {
        SIGNS_DATE
    };
    sigv4_validate_request(
        as_signed(request),
        region,
        service,
        &mut signing_key,
        now,
        &requirements,
        SignatureOptions::default(),
    )
    .await
    .map_err(refusal)?;
    principal.ok_or_else(unknown_key)
}

/// Over HTTP/2 the signed host arrives as `:authority`. Each path segment is signed encoded once more than it is sent,
/// which the library doesn't do.
fn as_signed(request: &SignedRequest) -> Request<bytes::Bytes> {
    let mut signed = Request::new(request.body.clone());
    *signed.method_mut() = request.method.clone();
    *signed.uri_mut() = encoded_again(&request.uri);
    *signed.headers_mut() = request.headers.clone();
    let authority = request
        .uri
        .authority()
        .and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    if let (false, Some(authority)) = (signed.headers().contains_key(HOST), authority) {
        signed.headers_mut().insert(HOST, authority);
    }
    signed
}

fn encoded_again(uri: &Uri) -> Uri {
    if !uri.path().contains('%') {
        return uri.clone();
    }
    let mut path = uri.path().replace('%', "%25");
    if let Some(query) = uri.query() {
        path.push('?');
        path.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = path.parse().ok();
    // A URI that can't be rebuilt isn't the one that was signed.
    Uri::from_parts(parts).unwrap_or_default()
}

/// Refuses duplicate headers: two proxies could each read a different one of them, and the library reads the first.
fn check_given_once(request: &SignedRequest) -> Result<(), SignatureRefusal> {
    match request.headers.get_all(AUTHORIZATION).iter().count() {
        0 => Err(SignatureRefusal {
            error_type: "MissingAuthenticationTokenException",
            message: "Missing Authentication Token".to_owned(),
        }),
        1 => Ok(()),
        count => Err(SignatureRefusal {
            error_type: "IncompleteSignatureException",
            message: format!("Authorization header must be given once, not {count} times."),
        }),
    }
}

/// AppSync allows five minutes, where the library allows fifteen, as IAM does.
fn check_skew(request: &SignedRequest, now: DateTime<Utc>) -> Result<(), SignatureRefusal> {
    let date = request
        .headers
        .get(X_AMZ_DATE)
        .and_then(|date| date.to_str().ok());
    let Some(at) = date.and_then(|date| NaiveDateTime::parse_from_str(date, DATE_FORMAT).ok())
    else {
        // The library reports what is wrong with the date.
        return Ok(());
    };
    let at = at.and_utc();
    let (now_text, at_text) = (now.format(DATE_FORMAT), at.format(DATE_FORMAT));
    if at < now - MAX_SKEW {
        let earliest = (now - MAX_SKEW).format(DATE_FORMAT);
        return Err(SignatureRefusal {
            error_type: "InvalidSignatureException",
            message: format!(
                "Signature expired: {at_text} is now earlier than {earliest} ({now_text} - 5 min.)"
            ),
        });
    }
    if at > now + MAX_SKEW {
        let latest = (now + MAX_SKEW).format(DATE_FORMAT);
        return Err(SignatureRefusal {
            error_type: "InvalidSignatureException",
            message: format!(
                "Signature not yet current: {at_text} is still later than {latest} ({now_text} + 5 min.)"
            ),
        });
    }
    Ok(())
}

fn signing_key(
    credentials: &CredentialStore,
    principal: Option<&Arc<Principal>>,
    wanted: &GetSigningKeyRequest,
    now_ms: i64,
) -> Result<GetSigningKeyResponse, SignatureError> {
    let invalid = || SignatureError::InvalidClientTokenId(unknown_key().message);
    let principal = principal
        .filter(|found| found.access_key_id == wanted.access_key())
        .ok_or_else(invalid)?;
    if principal.session_token.as_deref() != wanted.session_token() {
        return Err(invalid());
    }
    if principal.expires_at_ms.is_some_and(|at| at <= now_ms) {
        return Err(SignatureError::ExpiredToken(
            "The security token included in the request is expired".into(),
        ));
    }
    let (date, region, service) = (wanted.request_date(), wanted.region(), wanted.service());
    let key = credentials
        .signing_key(principal, date, region, service)
        .ok_or_else(invalid)?;
    GetSigningKeyResponse::builder()
        .signing_key(key)
        .build()
        .map_err(|_| invalid())
}

fn unknown_key() -> SignatureRefusal {
    SignatureRefusal {
        error_type: "UnrecognizedClientException",
        message: "The security token included in the request is invalid.".to_owned(),
    }
}

/// The library's error under the name that AWS's JSON services use.
fn refusal(error: BoxError) -> SignatureRefusal {
    let error = SignatureError::from(error);
    let error_type = match &error {
        SignatureError::SignatureDoesNotMatch(_) => "InvalidSignatureException",
        SignatureError::InvalidClientTokenId(_) => "UnrecognizedClientException",
        SignatureError::ExpiredToken(_) => "ExpiredTokenException",
        SignatureError::IncompleteSignature(_) => "IncompleteSignatureException",
        SignatureError::MissingAuthenticationToken(_) => "MissingAuthenticationTokenException",
        _ => "BadRequestException",
    };
    let message = match error {
        SignatureError::SignatureDoesNotMatch(None) => {
            "The request signature we calculated does not match the signature you provided."
                .to_owned()
        }
        // The library's message repeats the header; the reason stands before it.
        SignatureError::IncompleteSignature(message) => message
            .split(" Authorization=")
            .next()
            .unwrap_or_default()
            .to_owned(),
        error => error.to_string(),
    };
    SignatureRefusal {
        error_type,
        message,
    }
}

#[cfg(test)]
mod tests;
