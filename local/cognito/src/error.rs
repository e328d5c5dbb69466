//! Cognito's errors, in the shape of AWS's JSON protocol.

use ::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// The error that a caller gets. Its message is safe to show.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {message}")]
pub struct CognitoError {
    pub kind: &'static str,
    pub message: String,
}

impl CognitoError {
    pub fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    pub fn not_authorized(message: impl Into<String>) -> Self {
        Self::new("NotAuthorizedException", message)
    }

    /// The same error for a wrong password and for an unknown user, so that nobody learns which users exist.
    pub fn incorrect() -> Self {
        Self::not_authorized("Incorrect username or password.")
    }

    pub fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterException", message)
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self::new("InternalErrorException", message)
    }
}

impl IntoResponse for CognitoError {
    fn into_response(self) -> Response {
        let status = match self.kind {
            "InternalErrorException" => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        let body = json!({ "__type": self.kind, "message": self.message }).to_string();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/x-amz-json-1.1"),
        );
        // Browser clients read this header as `NAME:anything`.
        if let Ok(kind) = HeaderValue::from_str(&format!("{}:", self.kind)) {
            headers.insert("x-amzn-errortype", kind);
        }
        if let Ok(message) = HeaderValue::from_str(&self.message) {
            headers.insert("x-amzn-errormessage", message);
        }
        response
    }
}
