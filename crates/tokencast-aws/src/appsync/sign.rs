//! A request's SigV4 signature.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningError, SigningSettings, sign};
use aws_sigv4::sign::v4::{self, signing_params};
use http::HeaderMap;
use http::header::{self, HeaderName, HeaderValue, InvalidHeaderName, InvalidHeaderValue};
use thiserror::Error;

const CONTENT_TYPE_NAME: &str = "content-type";

#[derive(Debug, Error)]
pub(super) enum SignError {
    #[error("a header's name is malformed")]
    HeaderName(#[from] InvalidHeaderName),
    #[error("a header's value is malformed")]
    HeaderValue(#[from] InvalidHeaderValue),
    #[error("a signing parameter is missing")]
    Parameters(#[from] signing_params::BuildError),
    #[error("the signature failed")]
    Signature(#[from] SigningError),
}

/// The headers of a JSON POST, with its signature for the service `appsync`.
pub(super) fn headers(
    url: &str,
    body: &[u8],
    region: &str,
    credentials: Credentials,
    now: SystemTime,
) -> Result<HeaderMap, SignError> {
    const CONTENT_TYPE: &str = "application/json";
    let identity = credentials.into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("appsync")
        .time(now)
        .settings(SigningSettings::default())
        .build()?
        .into();
    let unsigned = std::iter::once((CONTENT_TYPE_NAME, CONTENT_TYPE));
    let signable = SignableRequest::new("POST", url, unsigned, SignableBody::Bytes(body))?;
    let (instructions, _signature) = sign(signable, &parameters)?.into_parts();
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    for (name, value) in instructions.headers() {
        let mut value = HeaderValue::from_str(value)?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_bytes(name.as_bytes())?, value);
    }
    Ok(headers)
}
