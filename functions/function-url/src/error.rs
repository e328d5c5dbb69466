//! The errors of clients, and the faults of ours: a status, and a body that says it in JSON.

use http::StatusCode;
use serde_json::json;
use thiserror::Error;
use tokencast_aws::jwt::JwtError;
use tokencast_core::failure::{Failure, FailureCode};
use tokencast_core::id::InvalidSessionId;
use tokencast_core::requests::RequestError;

#[derive(Debug, Error)]
pub enum UrlError {
    #[error(transparent)]
    Caller(#[from] JwtError),
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(
        "the body is not understood: expected JSON, {{\"prompt\": a text, \"sessionId\": a UUID or nothing}}"
    )]
    Body,
    #[error(
        "Last-Event-ID is not an event's id: expected what an `id:` line said, such as `17` or `2.17`"
    )]
    LastEventId,
    #[error(
        "there is no such session: expected the id of one that was started, and is not forgotten yet"
    )]
    UnknownSession,
    #[error("there is nothing at this path: expected / or /SESSION-ID")]
    UnknownPath,
    #[error("the method is not taken here: expected {allowed}")]
    Method { allowed: &'static str },
    /// The answer failed before its first token.
    #[error("{}", .0.message)]
    Answer(Failure),
    #[error("the answer was interrupted before its first token: read it again")]
    Interrupted,
}

impl From<InvalidSessionId> for UrlError {
    fn from(error: InvalidSessionId) -> Self {
        Self::Request(error.into())
    }
}

impl UrlError {
    pub fn code(&self) -> FailureCode {
        match self {
            Self::Caller(JwtError::Refused(_)) => FailureCode::Unauthorized,
            Self::Caller(JwtError::Keys(_)) | Self::Interrupted => FailureCode::Internal,
            Self::Request(error) => error.code(),
            Self::Body
            | Self::LastEventId
            | Self::UnknownSession
            | Self::UnknownPath
            | Self::Method { .. } => FailureCode::InvalidPrompt,
            Self::Answer(failure) => failure.code,
        }
    }

    pub fn status(&self) -> StatusCode {
        match self {
            Self::Caller(JwtError::Refused(_)) => StatusCode::UNAUTHORIZED,
            Self::Caller(JwtError::Keys(_)) | Self::Interrupted => StatusCode::SERVICE_UNAVAILABLE,
            Self::Request(RequestError::LongPrompt { .. } | RequestError::LongJob { .. }) => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Self::Request(RequestError::OtherInput) => StatusCode::CONFLICT,
            Self::Request(RequestError::OtherOwner(_)) => StatusCode::FORBIDDEN,
            Self::Request(error) if error.is_failure() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Request(_) | Self::Body | Self::LastEventId => StatusCode::BAD_REQUEST,
            Self::UnknownSession | Self::UnknownPath => StatusCode::NOT_FOUND,
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Answer(failure) => match failure.code {
                FailureCode::InvalidPrompt => StatusCode::BAD_REQUEST,
                FailureCode::Unauthorized => StatusCode::FORBIDDEN,
                FailureCode::Throttled => StatusCode::SERVICE_UNAVAILABLE,
                FailureCode::ModelError | FailureCode::ModelUnavailable => StatusCode::BAD_GATEWAY,
                FailureCode::ModelStalled | FailureCode::Deadline => StatusCode::GATEWAY_TIMEOUT,
                FailureCode::PublishFailed | FailureCode::Internal => {
                    StatusCode::INTERNAL_SERVER_ERROR
                }
            },
        }
    }

    /// Whether the fault is ours, and not the caller's.
    pub fn is_failure(&self) -> bool {
        self.status().is_server_error()
    }

    /// `{"error": {"code", "message", "retryable"}}`.
    pub fn to_json(&self) -> String {
        let code = self.code();
        let error = json!({
            "code": code.as_str(), "message": self.to_string(), "retryable": code.retryable(),
        });
        json!({ "error": error }).to_string()
    }
}
