//! What a client may do wrong, and what may fail. AppSync shows `errorType` and `message` to the client.

use lambda_runtime::Diagnostic;
use thiserror::Error;
use tokencast_core::failure::FailureCode;
use tokencast_core::id::InvalidSessionId;
use tokencast_core::ports::{QueueError, StoreError};
use tokencast_core::session::OtherOwner;

#[derive(Debug, Error)]
pub enum RequestError {
    #[error("prompt is empty: expected some text")]
    EmptyPrompt,
    #[error("prompt has {bytes} bytes: expected at most {max}")]
    LongPrompt { bytes: usize, max: usize },
    #[error(transparent)]
    SessionId(#[from] InvalidSessionId),
    #[error("{0} is missing: expected a string")]
    MissingArgument(&'static str),
    #[error("no signed-in user: expected a token of the user pool")]
    NoOwner,
    #[error(transparent)]
    OtherOwner(#[from] OtherOwner),
    #[error("the field {0} is not this function's")]
    UnknownField(String),
    #[error("the session could not be read or written: try again")]
    Store(#[from] StoreError),
    #[error("the prompt could not be queued: try again")]
    Queue(#[from] QueueError),
}

impl RequestError {
    pub fn code(&self) -> FailureCode {
        match self {
            Self::EmptyPrompt
            | Self::LongPrompt { .. }
            | Self::SessionId(_)
            | Self::MissingArgument(_) => FailureCode::InvalidPrompt,
            Self::NoOwner | Self::OtherOwner(_) => FailureCode::Unauthorized,
            Self::UnknownField(_) | Self::Store(_) | Self::Queue(_) => FailureCode::Internal,
        }
    }
}

impl From<RequestError> for Diagnostic {
    fn from(error: RequestError) -> Self {
        Self {
            error_type: error.code().to_string(),
            error_message: error.to_string(),
        }
    }
}
