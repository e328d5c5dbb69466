//! The errors of clients, and the faults of ours: a status, and a body that says it in JSON.

use http::StatusCode;
use serde_json::json;
use thiserror::Error;
use tokencast_aws::clock::iso8601;
use tokencast_aws::jwt::JwtError;
use tokencast_core::conversation::NotFound;
use tokencast_core::failure::{Failure, FailureCode};
use tokencast_core::id::{InvalidConversationId, InvalidSessionId};
use tokencast_core::quota::Exceeded;
use tokencast_core::requests::RequestError;
use tokencast_protocols::ag_ui::request::InvalidRun;
use tokencast_protocols::ai_sdk::request::InvalidRequest;
use tokencast_protocols::openai;

#[derive(Debug, Error)]
pub enum UrlError {
    #[error(transparent)]
    Caller(#[from] JwtError),
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(
        "the body is no JSON object: expected {{\"prompt\": a string}}, with the UUIDs sessionId, conversationId and parentId where they are wanted"
    )]
    Body,
    #[error("{0} is missing: expected a string")]
    Missing(&'static str),
    #[error("{0} is malformed: expected a string")]
    NoString(&'static str),
    #[error(transparent)]
    AiSdk(#[from] InvalidRequest),
    #[error(transparent)]
    AgUi(#[from] InvalidRun),
    #[error(transparent)]
    OpenAi(#[from] openai::invalid::InvalidRequest),
    /// What came with the prompt is more than a model is told.
    #[error("the messages beside the prompt have about {tokens} tokens: expected at most {max}")]
    LongContext { tokens: u64, max: u32 },
    #[error(
        "Last-Event-ID is not an event's id: expected what an `id:` line said, such as `17` or `2.17`"
    )]
    LastEventId,
    #[error(
        "there is no such session: expected the id of one that was started, and is not forgotten yet"
    )]
    UnknownSession,
    #[error(transparent)]
    UnknownConversation(#[from] NotFound),
    #[error("format is unknown: expected `markdown` or `json`")]
    Format,
    #[error("limit is malformed: expected a whole number from 1 to 100")]
    Limit,
    #[error("{0} is not taken here: expected none, for the document comes whole")]
    NotTaken(&'static str),
    #[error(
        "there is nothing at this path: expected /, /SESSION-ID, /usage, /assistants, /conversations, /conversations/ID, /conversations/ID/export, /ai-sdk, /ag-ui, /v1/chat/completions, /v1/models or /v1/models/NAME"
    )]
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

impl From<InvalidConversationId> for UrlError {
    fn from(error: InvalidConversationId) -> Self {
        Self::Request(error.into())
    }
}

impl UrlError {
    pub fn code(&self) -> FailureCode {
        match self {
            Self::Caller(JwtError::Refused(_)) => FailureCode::Unauthorized,
            Self::Caller(JwtError::Keys(_)) | Self::Interrupted => FailureCode::Internal,
            Self::Request(error) => error.code(),
            Self::UnknownConversation(_) => FailureCode::ConversationNotFound,
            Self::AiSdk(error) => error.code(),
            Self::AgUi(error) => error.code(),
            Self::NoString("prompt" | "sessionId") => FailureCode::InvalidPrompt,
            Self::NoString(_)
            | Self::Format
            | Self::Limit
            | Self::NotTaken(_)
            | Self::OpenAi(_) => FailureCode::InvalidArgument,
            Self::Body
            | Self::Missing(_)
            | Self::LongContext { .. }
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
            Self::Request(
                RequestError::LongPrompt { .. }
                | RequestError::LongJob { .. }
                | RequestError::LongHistory { .. }
                | RequestError::LongSystemPrompt { .. },
            ) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Request(RequestError::OtherInput) => StatusCode::CONFLICT,
            Self::Request(error) if error.is_failure() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Request(error) => status_of(error.code()),
            Self::Body
            | Self::Missing(_)
            | Self::NoString(_)
            | Self::LastEventId
            | Self::Format
            | Self::Limit
            | Self::NotTaken(_)
            | Self::AiSdk(_)
            | Self::AgUi(_)
            | Self::OpenAi(_)
            | Self::LongContext { .. } => StatusCode::BAD_REQUEST,
            Self::UnknownSession | Self::UnknownPath | Self::UnknownConversation(_) => {
                StatusCode::NOT_FOUND
            }
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Answer(failure) => status_of(failure.code),
        }
    }

    /// Whether the fault is ours, and not the caller's.
    pub fn is_failure(&self) -> bool {
        self.status().is_server_error()
    }

    /// What a quota says that refuses the request.
    pub fn exceeded(&self) -> Option<&Exceeded> {
        match self {
            Self::Request(error) => error.exceeded(),
            _ => None,
        }
    }

    /// `{"error": {"code", "message", "retryable"}}`; of a quota also `limit` and `resetsAt`.
    pub fn to_json(&self) -> String {
        let code = self.code();
        let mut error = json!({
            "code": code.as_str(), "message": self.to_string(), "retryable": code.retryable(),
        });
        if let Some(exceeded) = self.exceeded() {
            error["limit"] = json!(exceeded.limit);
            error["resetsAt"] = json!(iso8601(exceeded.resets_at));
        }
        json!({ "error": error }).to_string()
    }
}

/// The status of a request or an answer that failed with this code.
fn status_of(code: FailureCode) -> StatusCode {
    match code {
        FailureCode::InvalidPrompt | FailureCode::InvalidArgument => StatusCode::BAD_REQUEST,
        FailureCode::Unauthorized => StatusCode::FORBIDDEN,
        FailureCode::ConversationNotFound => StatusCode::NOT_FOUND,
        FailureCode::ConversationDeleted | FailureCode::ParentDeleted => StatusCode::GONE,
        FailureCode::ConversationFull
        | FailureCode::ParentIsSelf
        | FailureCode::ParentNotStarted
        | FailureCode::ParentNotEnded
        | FailureCode::ParentNotInConversation => StatusCode::CONFLICT,
        FailureCode::QuotaExceeded => StatusCode::TOO_MANY_REQUESTS,
        FailureCode::Throttled => StatusCode::SERVICE_UNAVAILABLE,
        FailureCode::ModelError | FailureCode::ModelUnavailable => StatusCode::BAD_GATEWAY,
        FailureCode::ModelStalled | FailureCode::Deadline => StatusCode::GATEWAY_TIMEOUT,
        FailureCode::PublishFailed | FailureCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = include_str!("../../../docs/PROTOCOL.md");

    #[test]
    fn each_code_has_the_status_that_is_documented() {
        let (_, table) = DOCUMENT
            .split_once("\n| code | status before the answer begins |")
            .expect("the table");
        for code in FailureCode::ALL {
            let row = format!("\n| `{code}` | {} |", status_of(code).as_u16());
            assert!(table.contains(&row), "{row}");
        }
    }
}
