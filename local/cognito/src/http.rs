//! The actions over HTTP, and the documents that token verifiers fetch.

use std::time::Duration;

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tower_http::cors::{AllowHeaders, Any, CorsLayer};
use uuid::Uuid;

use crate::Cognito;
use crate::error::CognitoError;

const TARGET: &str = "AWSCognitoIdentityProviderService.";

pub(crate) fn router(cognito: Cognito) -> axum::Router {
    let error_headers = [
        "x-amzn-errortype",
        "x-amzn-errormessage",
        "x-amzn-requestid",
    ];
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(error_headers.map(HeaderName::from_static))
        .max_age(Duration::from_hours(48));
    axum::Router::new()
        .route("/", post(act))
        .route("/{pool_id}/.well-known/jwks.json", get(jwks))
        .route(
            "/{pool_id}/.well-known/openid-configuration",
            get(discovery),
        )
        .layer(cors)
        .with_state(cognito)
}

async fn act(State(cognito): State<Cognito>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok())
        .unwrap_or_default();
    let action = target.strip_prefix(TARGET).unwrap_or_default().to_owned();
    cognito.pool.key.ready().await;
    // SRP takes milliseconds of arithmetic, which is too long for a thread that serves connections.
    let done = tokio::task::spawn_blocking(move || dispatch(&cognito, &action, &body)).await;
    let done = done.unwrap_or_else(|_| Err(CognitoError::internal("The action failed.")));
    let mut response = done.map_or_else(IntoResponse::into_response, |value| {
        let json = HeaderValue::from_static("application/x-amz-json-1.1");
        ([(header::CONTENT_TYPE, json)], value.to_string()).into_response()
    });
    if let Ok(id) = HeaderValue::from_str(&Uuid::new_v4().to_string()) {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    response
}

fn dispatch(cognito: &Cognito, action: &str, body: &[u8]) -> Result<Value, CognitoError> {
    let pool = &cognito.pool;
    match action {
        "InitiateAuth" => pool.initiate_auth(&read(body)?),
        "RespondToAuthChallenge" => pool.respond_to_auth_challenge(&read(body)?),
        "GetTokensFromRefreshToken" => pool.get_tokens_from_refresh_token(&read(body)?),
        "GetUser" => pool.get_user(&read(body)?),
        "GlobalSignOut" => pool.global_sign_out(&read(body)?),
        "RevokeToken" => pool.revoke_token(&read(body)?),
        "" => Err(CognitoError::new(
            "UnknownOperationException",
            format!("The x-amz-target header should be `{TARGET}` and an action."),
        )),
        _ => Err(CognitoError::new(
            "UnknownOperationException",
            format!("The local Cognito has no {action}: its users are made with the stack."),
        )),
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, CognitoError> {
    // The parser's own message may repeat a password, so it isn't used.
    serde_json::from_slice(body).map_err(|_| {
        CognitoError::new(
            "SerializationException",
            "The request's body is not what this action takes.",
        )
    })
}

async fn jwks(State(cognito): State<Cognito>, Path(pool_id): Path<String>) -> Response {
    if let Some(response) = other_pool(&cognito, &pool_id) {
        return response;
    }
    cognito.pool.key.ready().await;
    cognito
        .jwk_set()
        .map_or_else(IntoResponse::into_response, |keys| {
            Json(keys).into_response()
        })
}

async fn discovery(State(cognito): State<Cognito>, Path(pool_id): Path<String>) -> Response {
    let issuer = cognito.issuer();
    other_pool(&cognito, &pool_id).unwrap_or_else(|| {
        Json(json!({
            "issuer": issuer,
            "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "token"],
            "scopes_supported": ["openid", "email", "phone", "profile"],
            "subject_types_supported": ["public"],
        }))
        .into_response()
    })
}

fn other_pool(cognito: &Cognito, pool_id: &str) -> Option<Response> {
    let message = format!("User pool {pool_id} does not exist.");
    (pool_id != cognito.pool_id())
        .then(|| (StatusCode::NOT_FOUND, Json(json!({ "message": message }))).into_response())
}
