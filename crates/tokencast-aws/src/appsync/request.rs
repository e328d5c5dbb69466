//! The signed HTTP request that carries one mutation.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningError, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_sigv4::sign::v4::signing_params::BuildError;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, InvalidHeaderName, InvalidHeaderValue};
use http::{HeaderName, HeaderValue, Method};
use reqwest::{Request, Url};
use thiserror::Error;

/// The service name in a signature's scope.
const SERVICE: &str = "appsync";

const JSON: &str = "application/json";

#[derive(Debug, Error)]
pub(super) enum RequestError {
    #[error("the signature has no parameters")]
    Parameters(#[from] BuildError),
    #[error("the signature failed")]
    Sign(#[from] SigningError),
    #[error("a signed header has no valid name")]
    Name(#[from] InvalidHeaderName),
    #[error("the credentials have characters that no header may have")]
    Value(#[from] InvalidHeaderValue),
}

/// Makes a POST of `body`, signed with SigV4 for AppSync in `region` at `now`.
pub(super) fn signed(
    url: &Url,
    region: &str,
    credentials: &Credentials,
    body: Bytes,
    now: SystemTime,
) -> Result<Request, RequestError> {
    let identity = credentials.clone().into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(SERVICE)
        .time(now)
        .settings(SigningSettings::default())
        .build()?
        .into();
    let headers = std::iter::once((CONTENT_TYPE.as_str(), JSON));
    let signable = SignableBody::Bytes(&body);
    let signable = SignableRequest::new("POST", url.as_str(), headers, signable)?;
    let (instructions, _) = sign(signable, &parameters)?.into_parts();
    let mut request = Request::new(Method::POST, url.clone());
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    for (name, value) in instructions.headers() {
        let mut value = HeaderValue::from_str(value)?;
        // Marked as sensitive, so that a library that logs a request shows none of them.
        value.set_sensitive(true);
        headers.insert(HeaderName::from_bytes(name.as_bytes())?, value);
    }
    *request.body_mut() = Some(body.into());
    Ok(request)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn request(token: &str) -> Result<Request, RequestError> {
        let url = Url::parse("https://example.com/graphql").expect("a URL");
        let credentials = Credentials::new("AKID", "secret", Some(token.to_owned()), None, "test");
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(500_000);
        signed(
            &url,
            "us-east-1",
            &credentials,
            Bytes::from_static(b"{}"),
            now,
        )
    }

    #[test]
    fn a_request_is_signed_for_appsync_and_shows_no_secret() {
        let request = request("session-token").expect("signed");
        let header = |name| request.headers()[name].to_str().expect("visible");
        assert_eq!(header("content-type"), JSON);
        assert_eq!(header("x-amz-security-token"), "session-token");
        assert!(header("authorization").contains("/us-east-1/appsync/aws4_request"));
        let shown = format!("{request:?}");
        assert!(
            !shown.contains("session-token") && !shown.contains("AKID"),
            "{shown}"
        );
    }

    #[test]
    fn credentials_smuggle_no_header_in() {
        let refused = request("token\r\nx-injected: yes");
        assert!(refused.is_err(), "{refused:?}");
    }
}
