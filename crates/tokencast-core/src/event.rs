//! What subscribers receive.

use serde::{Deserialize, Serialize};

use crate::assistant::Cost;
use crate::block::Piece;
use crate::failure::Failure;
use crate::id::{Attempt, ConversationId, Owner, Position, Sequence, SessionId};
use crate::status::Status;

/// One publish: a piece of the answer, several of one block that waited together, or the end of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenEvent {
    pub session_id: SessionId,
    pub attempt: Attempt,
    pub sequence: Sequence,
    /// `None` in the event that ends a session.
    pub piece: Option<Piece>,
    pub status: Status,
    /// Set in the event that ends a session.
    pub ending: Option<Ending>,
}

/// How a session ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ending {
    /// In the model's words: `end_turn`, `max_tokens` …
    pub stop_reason: Option<String>,
    pub usage: Option<Usage>,
    pub failure: Option<Failure>,
    /// What a guardrail did; `None` if it did nothing, or if there is none.
    pub guardrail: Option<Guardrail>,
}

/// What a guardrail did to a prompt or its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guardrail {
    pub action: GuardrailAction,
    /// What it found, by its own names, each once: `EMAIL`, `PROFANITY`, a topic's name … Never what a text says.
    pub masked: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum GuardrailAction {
    /// The answer ends, or doesn't begin. Its last text is the guardrail's.
    Blocked,
    /// The answer has marks in place of what it must not say.
    Masked,
}

/// Tokens as the model counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    pub input_tokens: u32,
    pub output_tokens: u32,
    pub total_tokens: u32,
    /// Of the input, what the model had in its prompt cache; `None` if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read_input_tokens: Option<u32>,
    /// Of the input, what the model wrote into its prompt cache; `None` if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_input_tokens: Option<u32>,
    /// What they cost; `None` where the model has no price. The end of a session sets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
}

impl Usage {
    /// All tokens that the model read, whether or not it had them in its cache.
    pub fn all_input_tokens(&self) -> u64 {
        let cached = [self.cache_read_input_tokens, self.cache_write_input_tokens];
        let cached: u64 = cached.into_iter().flatten().map(u64::from).sum();
        u64::from(self.input_tokens) + cached
    }

    /// All tokens that the model read and wrote.
    pub fn all_tokens(&self) -> u64 {
        self.all_input_tokens() + u64::from(self.output_tokens)
    }

    /// The tokens and the cost of both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let both = |one: Option<u32>, other: Option<u32>| match (one, other) {
            (None, None) => None,
            _ => Some(one.unwrap_or(0).saturating_add(other.unwrap_or(0))),
        };
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            total_tokens: self.total_tokens.saturating_add(other.total_tokens),
            cache_read_input_tokens: both(
                self.cache_read_input_tokens,
                other.cache_read_input_tokens,
            ),
            cache_write_input_tokens: both(
                self.cache_write_input_tokens,
                other.cache_write_input_tokens,
            ),
            cost: match (self.cost, other.cost) {
                (None, None) => None,
                (one, other) => Some(one.unwrap_or_default() + other.unwrap_or_default()),
            },
        }
    }
}

/// Something has changed in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationEvent {
    pub conversation_id: ConversationId,
    pub owner: Owner,
    pub change: ConversationChange,
    /// `None` where the change has none.
    pub title: Option<String>,
    /// The turn that began or ended.
    pub session_id: Option<SessionId>,
    /// The turn that it continues.
    pub parent_id: Option<SessionId>,
    /// How the turn stands.
    pub status: Option<Status>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ConversationChange {
    TurnStarted,
    TurnEnded,
    Renamed,
    Deleted,
}

impl GuardrailAction {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "BLOCKED",
            Self::Masked => "MASKED",
        }
    }
}

impl Ending {
    /// Whether a guardrail has blocked the prompt or its answer.
    pub fn is_blocked(&self) -> bool {
        let guardrail = self.guardrail.as_ref();
        guardrail.is_some_and(|it| it.action == GuardrailAction::Blocked)
    }
}

impl ConversationEvent {
    /// An event that says nothing beyond its kind.
    pub fn new(conversation_id: ConversationId, owner: Owner, change: ConversationChange) -> Self {
        Self {
            conversation_id,
            owner,
            change,
            title: None,
            session_id: None,
            parent_id: None,
            status: None,
        }
    }
}

impl TokenEvent {
    pub fn position(&self) -> Position {
        Position {
            attempt: self.attempt,
            sequence: self.sequence,
        }
    }

    /// What the event adds to the answer's text.
    pub fn token(&self) -> &str {
        self.piece.as_ref().map_or("", Piece::token)
    }

    pub fn is_complete(&self) -> bool {
        self.ending.is_some()
    }
}
