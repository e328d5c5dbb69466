//! A request with its SigV4 signature.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningError, SigningSettings, sign};
use aws_sigv4::sign::v4::{self, signing_params};
use http::Request;
use thiserror::Error;

#[derive(Debug, Error)]
pub(super) enum SignError {
    #[error("the URL is malformed")]
    Url(#[from] http::Error),
    #[error("a signing parameter is missing")]
    Parameters(#[from] signing_params::BuildError),
    #[error("the signature failed")]
    Signature(#[from] SigningError),
}

/// A JSON POST, signed for the service `appsync`.
pub(super) fn signed(
    url: &str,
    body: &[u8],
    region: &str,
    credentials: Credentials,
    now: SystemTime,
) -> Result<Request<Vec<u8>>, SignError> {
    const CONTENT_TYPE: &str = "application/json";
    let mut request = Request::post(url)
        .header(http::header::CONTENT_TYPE, CONTENT_TYPE)
        .body(body.to_vec())?;
    let identity = credentials.into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("appsync")
        .time(now)
        .settings(SigningSettings::default())
        .build()?
        .into();
    let headers = std::iter::once(("content-type", CONTENT_TYPE));
    let signable = SignableRequest::new("POST", url, headers, SignableBody::Bytes(body))?;
    let (instructions, _signature) = sign(signable, &parameters)?.into_parts();
    instructions.apply_to_request_http1x(&mut request);
    Ok(request)
}
