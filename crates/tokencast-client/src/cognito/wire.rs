//! Cognito's JSON protocol, as much as a sign-in needs.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{SignInError, UserPool};
use crate::bounds::SIGN_IN;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AuthResponse {
    pub(super) challenge_name: Option<String>,
    pub(super) challenge_parameters: Option<Challenge>,
    pub(super) session: Option<String>,
    pub(super) authentication_result: Option<AuthenticationResult>,
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) struct Challenge {
    pub(super) user_id_for_srp: Option<String>,
    pub(super) srp_b: Option<String>,
    pub(super) salt: Option<String>,
    pub(super) secret_block: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AuthenticationResult {
    pub(super) access_token: String,
    pub(super) id_token: Option<String>,
    pub(super) refresh_token: Option<String>,
    pub(super) expires_in: u64,
}

#[derive(Deserialize)]
struct ErrorResponse {
    #[serde(rename = "__type", default)]
    code: String,
    #[serde(default, alias = "Message")]
    message: String,
}

pub(super) async fn initiate_auth(
    http: &reqwest::Client,
    pool: &UserPool,
    flow: &str,
    parameters: Value,
) -> Result<AuthResponse, SignInError> {
    let body =
        json!({ "AuthFlow": flow, "ClientId": pool.client_id, "AuthParameters": parameters });
    call(http, pool, "InitiateAuth", &body).await
}

pub(super) async fn respond(
    http: &reqwest::Client,
    pool: &UserPool,
    challenge: &str,
    session: Option<&str>,
    responses: Value,
) -> Result<AuthResponse, SignInError> {
    let mut body = json!({ "ChallengeName": challenge, "ClientId": pool.client_id, "ChallengeResponses": responses });
    if let Some(session) = session {
        body["Session"] = session.into();
    }
    call(http, pool, "RespondToAuthChallenge", &body).await
}

async fn call(
    http: &reqwest::Client,
    pool: &UserPool,
    operation: &str,
    body: &Value,
) -> Result<AuthResponse, SignInError> {
    let response = http
        .post(&pool.endpoint)
        .timeout(SIGN_IN)
        .header(
            "x-amz-target",
            format!("AWSCognitoIdentityProviderService.{operation}"),
        )
        .header("content-type", "application/x-amz-json-1.1")
        .body(body.to_string())
        .send()
        .await
        .map_err(SignInError::Request)?;
    let status = response.status();
    let body = response.bytes().await.map_err(SignInError::Request)?;
    if status.is_success() {
        return serde_json::from_slice(&body)
            .map_err(|_| SignInError::Protocol("a body of another shape"));
    }
    let error = serde_json::from_slice::<ErrorResponse>(&body).unwrap_or_else(|_| ErrorResponse {
        code: format!("HTTP {}", status.as_u16()),
        message: String::new(),
    });
    let code = error.code.rsplit('#').next().unwrap_or_default().to_owned();
    // A pool that hides whether a user exists says the first, another the second: to the caller they are the same.
    if matches!(
        code.as_str(),
        "NotAuthorizedException" | "UserNotFoundException"
    ) {
        return Err(SignInError::NotAuthorized {
            message: error.message,
        });
    }
    Err(SignInError::Service {
        code,
        message: error.message,
        status: status.as_u16(),
    })
}
