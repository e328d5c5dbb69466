//! What the gateway itself answers.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderName, Request, StatusCode};
use serde_json::{Value, json};

const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// Says that nothing answers a request, and what else does.
pub async fn nothing_here(request: Request<Body>) -> Response {
    let asked = match request.headers().get("x-amz-target") {
        Some(target) => format!(
            "X-Amz-Target {}",
            String::from_utf8_lossy(target.as_bytes())
        ),
        None => format!("{} {}", request.method(), request.uri().path()),
    };
    let body = json!({
        "__type": "UnknownOperationException",
        "message": format!("Nothing on this port answers {asked}."),
        "serves": {
            "AppSync": "/graphql, /graphql/realtime",
            "Bedrock": "/model/{modelId}/converse-stream, /model/{modelId}/invoke-with-response-stream",
            "API Gateway": "/websocket/{stage}, /websocket/{stage}/@connections/{id}",
            "Cognito": "X-Amz-Target AWSCognitoIdentityProviderService.*, /{poolId}/.well-known/*",
            "DynamoDB": "X-Amz-Target DynamoDB_20120810.*",
            "Lambda": "/2015-03-31/functions/{name}/invocations, /function-urls/{name}/",
            "SQS": "X-Amz-Target AmazonSQS.*, /{accountId}/{queue}",
        },
    });
    error(StatusCode::NOT_FOUND, "UnknownOperationException", &body).into_response()
}

/// An error of the gateway's own, in the words of whichever protocol reads it.
pub(super) fn refusal(status: StatusCode, error_type: &'static str, message: &str) -> Response {
    let body = json!({
        "__type": error_type,
        "message": message,
        "errors": [{ "errorType": error_type, "message": message }],
    });
    error(status, error_type, &body).into_response()
}

/// What a handler that panicked is answered with.
pub(super) fn internal_failure() -> Response {
    let message =
        "The request processing has failed because of an unknown error, exception or failure.";
    refusal(
        StatusCode::INTERNAL_SERVER_ERROR,
        "InternalFailure",
        message,
    )
}

fn error(
    status: StatusCode,
    error_type: &'static str,
    body: &Value,
) -> (StatusCode, [(HeaderName, &'static str); 2], String) {
    (
        status,
        [(CONTENT_TYPE, "application/json"), (ERROR_TYPE, error_type)],
        body.to_string(),
    )
}
