//! Authenticates requests by Cognito tokens and SigV4 signatures, as AppSync does.

mod jwt;

pub use jwt::{JwtIssuer, Keys};
pub use local_iam::sigv4::SignedRequest;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use local_iam::CredentialStore;
use local_iam::sigv4::{self, SignatureRefusal};
use local_kit::clock::Clock;
use serde_json::json;
use thiserror::Error;

use crate::caller::Identity;
use crate::config::AuthMode;

/// A refusal in AppSync's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{error_type}: {message}")]
pub struct AuthError {
    /// `UnauthorizedException`, `InvalidSignatureException`, …
    pub error_type: &'static str,
    pub message: String,
}

impl AuthError {
    pub(crate) fn unauthorized(message: &str) -> Self {
        Self {
            error_type: "UnauthorizedException",
            message: message.to_owned(),
        }
    }

    /// 401 for tokens, 403 for signatures, 400 for what can't be parsed as a signature.
    pub fn status(&self) -> StatusCode {
        match self.error_type {
            "UnauthorizedException" => StatusCode::UNAUTHORIZED,
            "BadRequestException" | "IncompleteSignatureException" => StatusCode::BAD_REQUEST,
            _ => StatusCode::FORBIDDEN,
        }
    }
}

impl From<SignatureRefusal> for AuthError {
    fn from(refusal: SignatureRefusal) -> Self {
        let SignatureRefusal {
            error_type,
            message,
        } = refusal;
        Self {
            error_type,
            message,
        }
    }
}

impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        let headers = [(
            HeaderName::from_static("x-amzn-errortype"),
            HeaderValue::from_static(self.error_type),
        )];
        let body = json!({ "errors": [{ "errorType": self.error_type, "message": self.message }] });
        (self.status(), headers, Json(body)).into_response()
    }
}

/// Authenticates requests by one API's authorization modes.
#[derive(Clone, Debug)]
pub struct Authenticator {
    user_pool: JwtIssuer,
    credentials: CredentialStore,
    region: String,
    modes: Vec<AuthMode>,
    clock: Clock,
}

impl Authenticator {
    /// `modes` are the default mode and the additional ones. A request in any other mode is refused.
    pub fn new(
        user_pool: JwtIssuer,
        credentials: CredentialStore,
        region: String,
        modes: Vec<AuthMode>,
        clock: Clock,
    ) -> Self {
        Self {
            user_pool,
            credentials,
            region,
            modes,
            clock,
        }
    }

    /// The authenticated sender of a request.
    ///
    /// # Errors
    ///
    /// Credentials are missing, can't be parsed, are wrong or have expired, or the API doesn't have their mode.
    pub async fn authenticate(&self, request: &SignedRequest) -> Result<Identity, AuthError> {
        match credential(&request.headers)? {
            Credential::Signature if self.modes.contains(&AuthMode::Iam) => sigv4::verify(
                request,
                &self.credentials,
                "appsync",
                &self.region,
                // An SDK signs with its machine's clock, whatever the stack's clock shows.
                self.clock.real_ms(),
            )
            .await
            .map(Identity::Iam)
            .map_err(AuthError::from),
            Credential::Token(token) if self.modes.contains(&AuthMode::UserPools) => {
                jwt::verify(token, &self.user_pool, self.clock.now_ms()).map(Identity::UserPool)
            }
            Credential::Signature | Credential::Token(_) | Credential::ApiKey => Err(
                AuthError::unauthorized("You are not authorized to make this call."),
            ),
        }
    }
}

enum Credential<'a> {
    Signature,
    Token(&'a str),
    ApiKey,
}

fn credential(headers: &HeaderMap) -> Result<Credential<'_>, AuthError> {
    let mut given = headers.get_all(AUTHORIZATION).into_iter();
    let (first, second) = (given.next(), given.next());
    if second.is_some() {
        // Programs that read different ones of two headers would see different senders.
        return Err(AuthError::unauthorized(
            "The authorization header must be given once.",
        ));
    }
    let Some(authorization) = first else {
        return match headers.get("x-api-key") {
            Some(_) => Ok(Credential::ApiKey),
            None => Err(AuthError::unauthorized(
                "Valid authorization header not provided.",
            )),
        };
    };
    let authorization = authorization.to_str().unwrap_or_default().trim_start();
    // Every AWS4 algorithm, so that an unsupported one is reported as such, not as a bad token.
    if authorization.starts_with("AWS4-") {
        return Ok(Credential::Signature);
    }
    let token = match authorization.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => authorization.trim_end(),
    };
    match token {
        "" => Err(AuthError::unauthorized(
            "Valid authorization header not provided.",
        )),
        token => Ok(Credential::Token(token)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{Pool, Signer, authenticator, post};

    async fn check(request: SignedRequest, modes: &[AuthMode], expected: Result<&str, &str>) {
        let got = match authenticator(modes).authenticate(&request).await {
            Ok(Identity::UserPool(user)) => Ok(user.username),
            Ok(Identity::Iam(principal)) => Ok(principal.access_key_id.clone()),
            Err(error) => Err(error.message),
        };
        assert_eq!(got.as_deref().map_err(String::as_str), expected);
    }

    #[tokio::test]
    async fn each_mode_only_where_the_api_has_it() {
        let both = [AuthMode::UserPools, AuthMode::Iam];
        let refused = Err("You are not authorized to make this call.");
        let token = Pool::shared().fresh_access_token(60);
        check(post(&[("authorization", &token)], "{}"), &both, Ok("ada")).await;
        check(
            post(&[("authorization", &format!("Bearer {token}"))], "{}"),
            &both,
            Ok("ada"),
        )
        .await;
        check(
            post(&[("authorization", &format!("bearer  {token} "))], "{}"),
            &both,
            Ok("ada"),
        )
        .await;
        check(
            post(&[("authorization", &token)], "{}"),
            &[AuthMode::Iam],
            refused,
        )
        .await;
        check(Signer::fresh().sign("{}"), &both, Ok("AKIDWORKER")).await;
        check(Signer::fresh().sign("{}"), &[AuthMode::UserPools], refused).await;
        check(post(&[("x-api-key", "da2-abc")], "{}"), &both, refused).await;
        let missing = Err("Valid authorization header not provided.");
        check(post(&[], "{}"), &both, missing).await;
        check(post(&[("authorization", "")], "{}"), &both, missing).await;
        check(post(&[("authorization", "Bearer ")], "{}"), &both, missing).await;
        let mut twice = post(&[("authorization", &token)], "{}");
        let second = HeaderValue::from_str(&token).expect("a header");
        twice.headers.append(AUTHORIZATION, second);
        let given_once = Err("The authorization header must be given once.");
        check(twice, &both, given_once).await;
    }

    #[test]
    fn a_refusal_has_the_shape_of_appsync() {
        for (error_type, status) in [
            ("UnauthorizedException", StatusCode::UNAUTHORIZED),
            ("IncompleteSignatureException", StatusCode::BAD_REQUEST),
            ("InvalidSignatureException", StatusCode::FORBIDDEN),
            ("UnrecognizedClientException", StatusCode::FORBIDDEN),
        ] {
            let response = AuthError {
                error_type,
                message: "why".into(),
            }
            .into_response();
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()["x-amzn-errortype"], error_type);
        }
    }
}
