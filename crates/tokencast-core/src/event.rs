//! What subscribers receive.

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::id::{Attempt, Position, Sequence, SessionId};
use crate::status::Status;

/// One publish: a token, several that waited together, or the end of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenEvent {
    pub session_id: SessionId,
    pub attempt: Attempt,
    pub sequence: Sequence,
    /// Empty in the event that ends a session.
    pub token: String,
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
}

/// Tokens as the model counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    pub input_tokens: u32,
    pub output_tokens: u32,
    pub total_tokens: u32,
}

impl TokenEvent {
    pub fn position(&self) -> Position {
        Position {
            attempt: self.attempt,
            sequence: self.sequence,
        }
    }

    pub fn is_complete(&self) -> bool {
        self.ending.is_some()
    }
}
