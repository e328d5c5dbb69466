//! What the gateway itself answers.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderName, Request, StatusCode};
use serde_json::{Value, json};

const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// Says that nothing answers a request.
pub(super) async fn nothing_here(request: Request<Body>) -> Response {
    let message = format!(
        "Nothing on this port answers {} {}.",
        request.method(),
        request.uri().path()
    );
    refusal(StatusCode::NOT_FOUND, "UnknownOperationException", &message)
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
