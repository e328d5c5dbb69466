//! Conversations as the API tells them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::event::{Snapshot, StreamStatus, Usage};

/// `Conversation` of the schema: a tree of turns. Turns that continue the same one are versions of each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Conversation {
    /// A UUID that a client made.
    pub conversation_id: Uuid,
    /// The first prompt's beginning, until a model or a person gives a better one.
    pub title: String,
    /// The session that was started last.
    #[serde(default)]
    pub last_session_id: Option<Uuid>,
    /// How many turns it has, all versions counted.
    pub turn_count: u64,
    /// The assistant of the turn that was started last.
    #[serde(default)]
    pub assistant: Option<String>,
    /// What all turns have used together. Only of a conversation that was asked for by its id.
    #[serde(default)]
    pub usage: Option<Usage>,
    /// The turns of a page, or all, oldest first. Empty where only the conversation itself was asked for.
    #[serde(default, deserialize_with = "or_none")]
    pub turns: Vec<Turn>,
    /// For the next page of turns.
    #[serde(default)]
    pub next_token: Option<String>,
    /// ISO 8601, UTC.
    pub created_at: String,
    /// When it last changed: ISO 8601, UTC.
    pub updated_at: String,
}

/// `Turn` of the schema: a prompt and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Turn {
    /// Of the session that answers.
    pub session_id: Uuid,
    /// The turn that this one continues; `None` if it begins the conversation.
    #[serde(default)]
    pub parent_id: Option<Uuid>,
    /// What was asked.
    pub prompt: String,
    /// The answer; `None` if its session is not there any more.
    #[serde(default)]
    pub stream: Option<Snapshot>,
    /// ISO 8601, UTC.
    pub created_at: String,
}

/// `ConversationList` of the schema: a page of the caller's conversations, the one with the newest turn first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConversationList {
    /// Without their turns.
    pub items: Vec<Conversation>,
    /// For the next page.
    #[serde(default)]
    pub next_token: Option<String>,
}

/// Which part of a list to read. The default is its beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// 1 to 100; without it the API's default of 20.
    pub limit: Option<u32>,
    /// The `next_token` of the page before; without it the first page.
    pub next_token: Option<String>,
}

/// As what a conversation is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ExportFormat {
    /// To be read.
    Markdown,
    /// To be processed.
    Json,
}

/// `ConversationEvent` of the schema. Whoever needs more than this reads the conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConversationEvent {
    /// The conversation that has changed.
    pub conversation_id: Uuid,
    /// The `sub` of its owner.
    pub owner: String,
    /// What has happened.
    pub kind: ConversationChange,
    /// Its title now, if the change is about that.
    #[serde(default)]
    pub title: Option<String>,
    /// The turn that began or ended.
    #[serde(default)]
    pub session_id: Option<Uuid>,
    /// The turn that this one continues.
    #[serde(default)]
    pub parent_id: Option<Uuid>,
    /// How the turn stands.
    #[serde(default)]
    pub status: Option<StreamStatus>,
    /// When AppSync sent it on: ISO 8601, UTC.
    pub timestamp: String,
}

/// `ConversationChange` of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ConversationChange {
    /// A turn has begun.
    TurnStarted,
    /// A turn is over.
    TurnEnded,
    /// There is another title.
    Renamed,
    /// The conversation is gone.
    Deleted,
    /// A change that a newer API knows.
    #[serde(other)]
    Unknown,
}

/// A list that may be `null`.
fn or_none<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Turn>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
