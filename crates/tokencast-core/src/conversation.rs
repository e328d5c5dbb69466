//! Conversations: trees of turns, and the rules by which they change.
//!
//! A turn is a session in a conversation. It continues another turn, its parent, or begins the conversation. Turns with
//! the same parent are versions of each other. Nothing is ever overwritten: an edit and a regeneration are new turns.
//!
//! As those of a session, the rules are pure functions from the current record to the next one, which a store writes by
//! compare and set.
//!
//! | module | what |
//! | --- | --- |
//! | [`title`] | a title out of a prompt, or of a model's answer |
//! | [`tree`] | the order of turns, and the chain from the beginning to one of them |
//! | [`history`] | what a model is told of a chain |
//! | [`parent`] | the turn that a start continues |
//! | [`export`] | a conversation as one document |
//! | [`page`] | pages of lists, and where the next one begins |
//! | [`care`] | what a worker does for a conversation after a turn: its title, and its lifetime |
//! | [`purge`] | what a worker does for one that was deleted |

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::assistant::AssistantName;
use crate::event::Usage;
use crate::id::{ConversationId, Owner, SessionId};
use crate::session::{Status, TOMBSTONE_TTL, expiry};
use crate::time::Timestamp;

pub mod care;
pub mod export;
pub mod history;
pub mod page;
pub mod parent;
pub mod purge;
pub mod title;
pub mod tree;

/// The most turns of a conversation.
pub const MAX_TURNS: u32 = 1000;

/// The longest title, in characters.
pub const MAX_TITLE_CHARS: usize = 200;

/// A conversation's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    pub id: ConversationId,
    pub owner: Owner,
    /// Empty in a tombstone.
    pub title: String,
    pub title_from: TitleFrom,
    /// Whether a model was asked for a title. It is asked once.
    pub title_asked: bool,
    /// The session that was started last.
    pub last_session: Option<SessionId>,
    pub turn_count: u32,
    /// The assistant of that session. It answers the next turn, too, unless another is named.
    pub assistant: Option<AssistantName>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// When the last turn was started: the order of an owner's list.
    pub listed_at: Timestamp,
    /// When the conversation ends that gets no further turn. In whole seconds.
    pub expires_at: Timestamp,
    /// Until when all items of all turns are kept: at first half as long again as the conversation. If this is before
    /// `expires_at`, the worker extends them.
    pub extended_to: Timestamp,
    /// Set in a tombstone.
    pub deleted_at: Option<Timestamp>,
    /// Attributes by name that only a newer version of this code knows, in the store's own form.
    pub unknown: BTreeMap<String, String>,
}

/// Who gave a conversation its title.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TitleFrom {
    Prompt,
    Model,
    /// No model changes it any more.
    Person,
}

/// The longest prompt, in bytes, that stands with the head of its turn. A head is then still below 1 KB, the unit by which
/// `DynamoDB` counts a write.
pub const MAX_SHORT_PROMPT_BYTES: usize = 512;

/// What a conversation knows of a turn, without its longer texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnHead {
    pub session_id: SessionId,
    /// The turn that it continues; `None` if it begins the conversation.
    pub parent: Option<SessionId>,
    pub created_at: Timestamp,
    pub prompt_bytes: usize,
    /// The prompt, if it is short: most are, and are then no read of their own. `None` if it is kept apart.
    pub short_prompt: Option<ShortPrompt>,
    /// As the session's once that is over; before, [`Status::Queued`].
    pub status: Status,
    /// What the model counted. Its input has all turns before.
    pub usage: Option<Usage>,
    /// Of the answer's text.
    pub answer_bytes: usize,
    /// Whether a guardrail has blocked the prompt or its answer. No model is told of such a turn, or the guardrail would
    /// block every turn after it.
    pub is_blocked: bool,
    pub expires_at: Timestamp,
}

/// A prompt of at most [`MAX_SHORT_PROMPT_BYTES`]. Its `Debug` shows none of it.
#[derive(Clone, PartialEq, Eq)]
pub struct ShortPrompt(String);

impl ShortPrompt {
    /// The prompt, if it is short enough.
    pub fn of(prompt: &str) -> Option<Self> {
        (prompt.len() <= MAX_SHORT_PROMPT_BYTES).then(|| Self(prompt.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Debug for ShortPrompt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} bytes", self.0.len())
    }
}

/// Why a conversation takes no further turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TurnRefused {
    #[error("the conversation belongs to someone else")]
    OtherOwner,
    #[error("the conversation was deleted")]
    Deleted,
    #[error("the conversation has {MAX_TURNS} turns: expected fewer, so begin another")]
    Full,
}

/// The caller has no such conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("there is no such conversation: expected the id of one of yours that is not deleted")]
pub struct NotFound;

/// A turn that is added to a conversation.
#[derive(Clone, Copy, Debug)]
pub struct Added<'a> {
    pub session_id: SessionId,
    pub prompt: &'a str,
    /// The assistant that answers.
    pub assistant: Option<&'a AssistantName>,
    /// How long a conversation is kept after its last turn.
    pub ttl: Duration,
}

impl Conversation {
    /// Adds a turn, and makes the conversation if there is none.
    ///
    /// # Errors
    ///
    /// [`TurnRefused`] if the conversation is not `owner`'s, was deleted, or is full.
    pub fn add_turn(
        current: Option<Self>,
        id: ConversationId,
        owner: &Owner,
        added: Added<'_>,
        now: Timestamp,
    ) -> Result<Self, TurnRefused> {
        let expires_at = expiry(now, added.ttl);
        let mut conversation = match current.filter(|it| !it.is_expired(now)) {
            Some(found) if found.owner != *owner => return Err(TurnRefused::OtherOwner),
            Some(found) if found.deleted_at.is_some() => return Err(TurnRefused::Deleted),
            Some(found) if found.turn_count >= MAX_TURNS => return Err(TurnRefused::Full),
            Some(found) => found,
            None => Self {
                id,
                owner: owner.clone(),
                title: title::of_prompt(added.prompt),
                title_from: TitleFrom::Prompt,
                title_asked: false,
                last_session: None,
                turn_count: 0,
                assistant: None,
                created_at: now,
                updated_at: now,
                listed_at: now,
                expires_at,
                // Turns that follow soon need no extension.
                extended_to: expiry(expires_at, added.ttl / 2),
                deleted_at: None,
                unknown: BTreeMap::new(),
            },
        };
        conversation.last_session = Some(added.session_id);
        conversation.turn_count += 1;
        conversation.assistant = added.assistant.cloned();
        conversation.updated_at = now;
        // Later than the one before even if a clock went back, so that the order of a list has no ties with itself.
        conversation.listed_at = now.max(conversation.listed_at);
        conversation.expires_at = expires_at.max(conversation.expires_at);
        Ok(conversation)
    }

    /// Until when the items of a new turn are kept.
    pub fn turn_expires_at(&self) -> Timestamp {
        self.expires_at.max(self.extended_to)
    }

    /// Whether the conversation counts as forgotten. `DynamoDB` may take days to delete an expired item.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.as_secs() <= now.as_secs()
    }

    /// The conversation, if `owner` may see it.
    pub fn visible_to(self, owner: &Owner, now: Timestamp) -> Option<Self> {
        let is_visible = self.owner == *owner && self.deleted_at.is_none() && !self.is_expired(now);
        is_visible.then_some(self)
    }

    /// Gives the conversation a person's title.
    ///
    /// # Errors
    ///
    /// [`NotFound`] if `owner` has no such conversation.
    pub fn rename(
        current: Option<Self>,
        owner: &Owner,
        title: &str,
        now: Timestamp,
    ) -> Result<Self, NotFound> {
        let visible = current.and_then(|it| it.visible_to(owner, now));
        let mut conversation = visible.ok_or(NotFound)?;
        if conversation.title != title || conversation.title_from != TitleFrom::Person {
            title.clone_into(&mut conversation.title);
            conversation.title_from = TitleFrom::Person;
            conversation.updated_at = now;
        }
        Ok(conversation)
    }

    /// Makes a tombstone of the conversation. A tombstone stays as it is.
    ///
    /// # Errors
    ///
    /// [`NotFound`] if `owner` has no such conversation, nor its tombstone.
    pub fn delete(current: Option<Self>, owner: &Owner, now: Timestamp) -> Result<Self, NotFound> {
        let current = current.filter(|it| it.owner == *owner && !it.is_expired(now));
        let conversation = current.ok_or(NotFound)?;
        if conversation.deleted_at.is_some() {
            return Ok(conversation);
        }
        Ok(Self {
            title: String::new(),
            last_session: None,
            updated_at: now,
            expires_at: expiry(now, TOMBSTONE_TTL),
            deleted_at: Some(now),
            unknown: BTreeMap::new(),
            ..conversation
        })
    }

    /// Notes that a model is asked for a title. `None` if one was asked before, or a person was quicker.
    pub fn ask_title(self, now: Timestamp) -> Option<Self> {
        let may_ask = !self.title_asked
            && self.title_from == TitleFrom::Prompt
            && self.deleted_at.is_none()
            && !self.is_expired(now);
        may_ask.then_some(Self {
            title_asked: true,
            ..self
        })
    }

    /// Gives the conversation a model's title. `None` if a person was quicker.
    pub fn entitle(self, title: &str, now: Timestamp) -> Option<Self> {
        let may = self.title_from != TitleFrom::Person
            && self.deleted_at.is_none()
            && !self.is_expired(now);
        may.then(|| Self {
            title: title.to_owned(),
            title_from: TitleFrom::Model,
            updated_at: now,
            ..self
        })
    }

    /// Until when the items of all turns are to be kept, if that is longer than they are: half of `ttl` beyond the
    /// conversation's end, so that turns that follow soon need no further extension.
    pub fn extension(&self, ttl: Duration, now: Timestamp) -> Option<Timestamp> {
        let is_due = self.extended_to < self.expires_at
            && self.deleted_at.is_none()
            && !self.is_expired(now);
        is_due.then(|| expiry(self.expires_at, ttl / 2))
    }

    /// Notes that the items of the first `turns` turns are kept until `to`. `None` if there are further turns by now,
    /// which may not be.
    pub fn extended(self, to: Timestamp, turns: u32) -> Option<Self> {
        let is_whole = self.turn_count == turns && self.deleted_at.is_none();
        is_whole.then(|| Self {
            extended_to: to.max(self.extended_to),
            ..self
        })
    }
}

impl TurnHead {
    /// A turn that was just started.
    pub fn new(
        session_id: SessionId,
        parent: Option<SessionId>,
        prompt: &str,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Self {
        Self {
            session_id,
            parent,
            created_at: now,
            prompt_bytes: prompt.len(),
            short_prompt: ShortPrompt::of(prompt),
            status: Status::Queued,
            usage: None,
            answer_bytes: 0,
            is_blocked: false,
            expires_at,
        }
    }

    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.as_secs() <= now.as_secs()
    }

    /// Whether the turn is one of `conversation`'s, and not of an earlier one that had its id and was forgotten.
    pub fn is_of(&self, conversation: &Conversation, now: Timestamp) -> bool {
        self.created_at >= conversation.created_at && !self.is_expired(now)
    }
}

#[cfg(test)]
mod tests;
