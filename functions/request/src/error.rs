//! The errors of clients, and the faults of ours. The client sees the code as `errorType`, and the message.

use lambda_runtime::Diagnostic;
use thiserror::Error;
use tokencast_aws::runtime::Panicked;
use tokencast_core::failure::FailureCode;
use tokencast_core::id::{ConversationId, SessionId};
use tokencast_core::quota::Exceeded;
use tokencast_core::requests;

#[derive(Debug, Error)]
pub enum RequestError {
    #[error("{0} is missing: expected a string")]
    MissingArgument(&'static str),
    #[error("sessionId has capital letters: expected `{0}`, as each event of the session has it")]
    CapitalLetters(SessionId),
    #[error(
        "conversationId has capital letters: expected `{0}`, as each event of the conversation has it"
    )]
    ConversationCapitals(ConversationId),
    #[error("{0} is missing or malformed: expected {1}")]
    Argument(&'static str, &'static str),
    #[error("owner is not the caller: expected the `sub` of the caller's token")]
    OtherSubscriber,
    #[error("no signed-in user: expected a token of the user pool")]
    NoOwner,
    #[error("the field {0} is not this function's")]
    UnknownField(String),
    #[error(transparent)]
    Request(#[from] requests::RequestError),
    #[error(transparent)]
    Panicked(#[from] Panicked),
}

impl RequestError {
    pub fn code(&self) -> FailureCode {
        match self {
            Self::MissingArgument(_) | Self::CapitalLetters(_) => FailureCode::InvalidPrompt,
            Self::ConversationCapitals(_) | Self::Argument(..) => FailureCode::InvalidArgument,
            Self::NoOwner | Self::OtherSubscriber => FailureCode::Unauthorized,
            Self::UnknownField(_) | Self::Panicked(_) => FailureCode::Internal,
            Self::Request(error) => error.code(),
        }
    }

    /// What a quota says that refuses the request.
    pub fn exceeded(&self) -> Option<&Exceeded> {
        match self {
            Self::Request(error) => error.exceeded(),
            _ => None,
        }
    }

    /// Whether the fault is ours, and not the caller's. Then it is an error of the function, which has an alarm.
    pub fn is_failure(&self) -> bool {
        match self {
            Self::Request(error) => error.is_failure(),
            // A resolver is attached to a field that this function doesn't know.
            Self::Panicked(_) | Self::UnknownField(_) => true,
            Self::MissingArgument(_)
            | Self::CapitalLetters(_)
            | Self::ConversationCapitals(_)
            | Self::Argument(..)
            | Self::NoOwner
            | Self::OtherSubscriber => false,
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
