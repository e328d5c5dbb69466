//! The gateway's own responses.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderName, Request, StatusCode};
use serde_json::{Value, json};

const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// The response for a request of no service.
pub(super) async fn nothing_here(request: Request<Body>) -> Response {
    let message = format!(
        "Nothing on this port answers {} {}.",
        request.method(),
        request.uri().path()
    );
    refusal(StatusCode::NOT_FOUND, "UnknownOperationException", &message)
}

/// An error of the gateway's own, which every protocol's clients can read.
pub(super) fn refusal(status: StatusCode, error_type: &'static str, message: &str) -> Response {
    let body = json!({
        "__type": error_type,
        "message": message,
        "errors": [{ "errorType": error_type, "message": message }],
    });
    error(status, error_type, &body).into_response()
}

/// The response when a handler panicked.
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
