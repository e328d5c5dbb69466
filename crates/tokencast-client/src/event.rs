//! What the API says of a session, and what a stream yields.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What an [`AnswerStream`](crate::AnswerStream) yields. As JSON, `type` names the variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum AnswerEvent {
    /// The API has accepted the prompt, or has the session that is being resumed.
    Started { session_id: Uuid },
    /// The next piece of the text; it now reaches as far as event `sequence` of `attempt`.
    Text {
        text: String,
        sequence: u64,
        attempt: u64,
    },
    /// The text starts again from nothing: another worker has taken over.
    Restarted { attempt: u64 },
    /// The connection was lost; the next try follows after a pause.
    Reconnecting {
        tries: u32,
        delay_ms: u64,
        reason: String,
    },
    /// Listening again. What was missed follows.
    Reconnected,
    /// The model has finished. The last event.
    Completed {
        stop_reason: Option<String>,
        usage: Option<Usage>,
    },
    /// The session failed; the text so far stands. The last event.
    Failed {
        code: String,
        message: String,
        retryable: bool,
        usage: Option<Usage>,
    },
    /// The session was stopped; the text so far stands. The last event.
    Cancelled {
        stop_reason: Option<String>,
        usage: Option<Usage>,
    },
}

impl AnswerEvent {
    /// Whether this is the last event of its session.
    pub fn is_last(&self) -> bool {
        matches!(
            self,
            Self::Completed { .. } | Self::Failed { .. } | Self::Cancelled { .. }
        )
    }
}

/// `TokenEvent` of the schema. A server of the source article's leaves out all that is optional here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenEvent {
    #[serde(default)]
    pub attempt: Option<u64>,
    #[serde(default)]
    pub sequence: Option<u64>,
    /// Of an event that joins several: the first of them, `sequence` being the last.
    #[serde(default)]
    pub first_sequence: Option<u64>,
    pub token: String,
    pub is_complete: bool,
    #[serde(default)]
    pub status: Option<StreamStatus>,
    #[serde(default)]
    pub stop_reason: Option<String>,
    #[serde(default)]
    pub usage: Option<Usage>,
    #[serde(default)]
    pub error: Option<StreamError>,
}

/// `Stream` of the schema: a session as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    pub status: StreamStatus,
    /// The joined tokens of events 1 to `sequence` of this `attempt`.
    pub text: String,
    pub sequence: u64,
    pub attempt: u64,
    #[serde(default)]
    pub stop_reason: Option<String>,
    #[serde(default)]
    pub usage: Option<Usage>,
    #[serde(default)]
    pub error: Option<StreamError>,
    /// Why it waits, if something is known to hold it up.
    #[serde(default)]
    pub waiting: Option<Waiting>,
}

/// `StreamWaiting` of the schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// A failure's code: `THROTTLED`, while the model has no capacity.
    pub reason: String,
    /// ISO 8601, UTC.
    pub since: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StreamStatus {
    /// An id that a subscriber took; nothing was started yet.
    Claimed,
    /// Started, and waiting for a worker.
    Queued,
    Streaming,
    Completed,
    Failed,
    Cancelled,
    /// A status that a newer API knows.
    #[serde(other)]
    Unknown,
}

impl StreamStatus {
    /// Whether the session has ended.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// What the model counted, in its own tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub total_tokens: u64,
}

/// Why a session failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamError {
    /// `THROTTLED`, `MODEL_ERROR` and so on.
    pub code: String,
    /// Safe to show to a user.
    pub message: String,
    /// Whether the same prompt may well succeed if it is sent again.
    pub retryable: bool,
}
