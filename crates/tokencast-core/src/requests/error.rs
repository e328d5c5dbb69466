//! Why a request is refused, or fails.

use thiserror::Error;

use crate::assistant::UnknownAssistant;
use crate::conversation::page::InvalidArgument;
use crate::conversation::parent::ParentRefused;
use crate::conversation::{NotFound, TurnRefused};
use crate::failure::FailureCode;
use crate::id::{InvalidConversationId, InvalidSessionId};
use crate::ports::{QueueError, StoreError};
use crate::quota::Exceeded;
use crate::session::{ClaimRefused, StartRefused};

#[derive(Debug, Error)]
pub enum RequestError {
    #[error("prompt is empty: expected some text")]
    EmptyPrompt,
    #[error("prompt has {bytes} bytes: expected at most {max}")]
    LongPrompt { bytes: usize, max: usize },
    #[error(
        "prompt has {bytes} bytes where it is queued, with its control characters escaped: expected at most {max}"
    )]
    LongJob { bytes: usize, max: usize },
    #[error(
        "the prompt and what came with it have {bytes} bytes where they are queued: expected at most {max}, so a shorter history or system prompt"
    )]
    LongHistory { bytes: usize, max: usize },
    #[error(
        "a system prompt came with the prompt: expected none, for this assistant takes no client's"
    )]
    SystemPrompt,
    #[error(
        "the system prompt that came with the prompt has about {tokens} tokens, by its bytes: expected at most {max}"
    )]
    LongSystemPrompt { tokens: u64, max: u32 },
    #[error(
        "prompt is no Unicode text: it has half of a surrogate pair, such as `\\ud83d` without what belongs behind it"
    )]
    NotUnicode,
    #[error("this session was started with another prompt, or in another place")]
    OtherInput,
    #[error(transparent)]
    SessionId(#[from] InvalidSessionId),
    #[error(transparent)]
    ConversationId(#[from] InvalidConversationId),
    #[error("parentId is not a UUID: expected the id of a session, or of the conversation")]
    ParentId,
    #[error(
        "parentId without conversationId: expected the conversation that the parent is a turn of"
    )]
    ParentAlone,
    #[error(
        "sessionId is conversationId: expected another UUID, for as a parentId that one names the conversation's beginning"
    )]
    SessionIsConversation,
    #[error(transparent)]
    Argument(#[from] InvalidArgument),
    #[error("assistant: {0}")]
    UnknownAssistant(#[from] UnknownAssistant),
    #[error(transparent)]
    Claim(#[from] ClaimRefused),
    #[error(transparent)]
    Turn(#[from] TurnRefused),
    #[error(transparent)]
    Parent(#[from] ParentRefused),
    #[error(transparent)]
    NotFound(#[from] NotFound),
    #[error(transparent)]
    Quota(#[from] Exceeded),
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
            | Self::LongJob { .. }
            | Self::LongHistory { .. }
            | Self::LongSystemPrompt { .. }
            | Self::NotUnicode
            | Self::OtherInput
            | Self::SessionId(_) => FailureCode::InvalidPrompt,
            Self::ConversationId(_)
            | Self::ParentId
            | Self::ParentAlone
            | Self::SessionIsConversation
            | Self::SystemPrompt
            | Self::Argument(_)
            | Self::UnknownAssistant(_) => FailureCode::InvalidArgument,
            Self::Claim(ClaimRefused::OtherOwner)
            | Self::Turn(TurnRefused::OtherOwner)
            | Self::Parent(ParentRefused::OtherOwner) => FailureCode::Unauthorized,
            Self::Claim(ClaimRefused::Deleted) | Self::Turn(TurnRefused::Deleted) => {
                FailureCode::ConversationDeleted
            }
            Self::Turn(TurnRefused::Full) => FailureCode::ConversationFull,
            Self::Parent(ParentRefused::IsSelf) => FailureCode::ParentIsSelf,
            Self::Parent(ParentRefused::NotStarted) => FailureCode::ParentNotStarted,
            Self::Parent(ParentRefused::NotEnded) => FailureCode::ParentNotEnded,
            Self::Parent(ParentRefused::Deleted) => FailureCode::ParentDeleted,
            Self::Parent(ParentRefused::NotInConversation) => FailureCode::ParentNotInConversation,
            Self::NotFound(_) => FailureCode::ConversationNotFound,
            Self::Quota(_) => FailureCode::QuotaExceeded,
            Self::Store(_) | Self::Queue(_) => FailureCode::Internal,
        }
    }

    /// What a quota says that refuses the request.
    pub fn exceeded(&self) -> Option<&Exceeded> {
        match self {
            Self::Quota(exceeded) => Some(exceeded),
            _ => None,
        }
    }

    /// Whether the fault is ours, and not the caller's.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Store(_) | Self::Queue(_))
    }
}

impl From<StartRefused> for RequestError {
    fn from(refused: StartRefused) -> Self {
        match refused {
            StartRefused::Claim(refused) => Self::Claim(refused),
            StartRefused::OtherInput => Self::OtherInput,
        }
    }
}
