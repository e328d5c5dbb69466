//! Why a session failed, in words that a client may see.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The closed set of failure codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FailureCode {
    /// The prompt is empty, too long, or refused by the model as malformed.
    InvalidPrompt,
    /// The session belongs to someone else.
    Unauthorized,
    /// The model has no capacity now.
    Throttled,
    /// The model failed, or its stream ended without saying why.
    ModelError,
    /// The model said nothing for too long.
    ModelStalled,
    /// The model can't be used as it is configured, whatever the prompt: no such model, no access to it, no such server.
    ModelUnavailable,
    /// The function's time was up.
    Deadline,
    /// The events could not be delivered.
    PublishFailed,
    /// An argument other than the prompt is missing or malformed.
    InvalidArgument,
    /// The caller's quota does not allow it now.
    QuotaExceeded,
    /// The caller has no such conversation.
    ConversationNotFound,
    /// The conversation was deleted.
    ConversationDeleted,
    /// The conversation has as many turns as it can.
    ConversationFull,
    /// A session can't continue itself.
    ParentIsSelf,
    /// The session to continue was never started.
    ParentNotStarted,
    /// The session to continue is not over yet.
    ParentNotEnded,
    /// The session to continue was deleted.
    ParentDeleted,
    /// The session to continue is not a turn of this conversation.
    ParentNotInConversation,
    /// Anything else. The log says what.
    Internal,
}

impl FailureCode {
    pub const ALL: [Self; 19] = [
        Self::InvalidPrompt,
        Self::Unauthorized,
        Self::Throttled,
        Self::ModelError,
        Self::ModelStalled,
        Self::ModelUnavailable,
        Self::Deadline,
        Self::PublishFailed,
        Self::InvalidArgument,
        Self::QuotaExceeded,
        Self::ConversationNotFound,
        Self::ConversationDeleted,
        Self::ConversationFull,
        Self::ParentIsSelf,
        Self::ParentNotStarted,
        Self::ParentNotEnded,
        Self::ParentDeleted,
        Self::ParentNotInConversation,
        Self::Internal,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidPrompt => "INVALID_PROMPT",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Throttled => "THROTTLED",
            Self::ModelError => "MODEL_ERROR",
            Self::ModelStalled => "MODEL_STALLED",
            Self::ModelUnavailable => "MODEL_UNAVAILABLE",
            Self::Deadline => "DEADLINE",
            Self::PublishFailed => "PUBLISH_FAILED",
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::QuotaExceeded => "QUOTA_EXCEEDED",
            Self::ConversationNotFound => "CONVERSATION_NOT_FOUND",
            Self::ConversationDeleted => "CONVERSATION_DELETED",
            Self::ConversationFull => "CONVERSATION_FULL",
            Self::ParentIsSelf => "PARENT_IS_SELF",
            Self::ParentNotStarted => "PARENT_NOT_STARTED",
            Self::ParentNotEnded => "PARENT_NOT_ENDED",
            Self::ParentDeleted => "PARENT_DELETED",
            Self::ParentNotInConversation => "PARENT_NOT_IN_CONVERSATION",
            Self::Internal => "INTERNAL",
        }
    }

    /// Whether the same prompt may well succeed when it is tried again: by the worker first, then by the client.
    pub fn retryable(self) -> bool {
        match self {
            Self::InvalidPrompt
            | Self::Unauthorized
            | Self::ModelUnavailable
            | Self::Deadline
            | Self::InvalidArgument
            | Self::QuotaExceeded
            | Self::ConversationNotFound
            | Self::ConversationDeleted
            | Self::ConversationFull
            | Self::ParentIsSelf
            | Self::ParentNotStarted
            | Self::ParentNotEnded
            | Self::ParentDeleted
            | Self::ParentNotInConversation => false,
            Self::Throttled
            | Self::ModelError
            | Self::ModelStalled
            | Self::PublishFailed
            | Self::Internal => true,
        }
    }
}

impl fmt::Display for FailureCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A text that is none of the codes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown failure code `{0}`")]
pub struct UnknownFailureCode(String);

impl FromStr for FailureCode {
    type Err = UnknownFailureCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|code| code.as_str() == text);
        known.ok_or_else(|| UnknownFailureCode(text.to_owned()))
    }
}

/// A failure as a client sees it: a code, and a message that is safe to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub code: FailureCode,
    pub message: String,
}

impl Failure {
    pub fn new(code: FailureCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    pub fn retryable(&self) -> bool {
        self.code.retryable()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back_from_its_name() {
        for code in FailureCode::ALL {
            assert_eq!(code.as_str().parse(), Ok(code));
            assert_eq!(
                serde_json::to_value(code).expect("serializes"),
                code.as_str()
            );
        }
        assert!("OTHER".parse::<FailureCode>().is_err());
    }
}
