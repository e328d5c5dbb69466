//! A session's record, and the rules by which it changes.
//!
//! The rules are pure functions from the current record to the next one. A session store writes the result only if
//! nobody else has written since, and applies the rule again otherwise. So what is proved of the rules holds for the
//! table.

use uuid::Uuid;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::assistant::{AssistantName, Price};
use crate::event::Ending;
use crate::failure::Failure;
use crate::id::{Attempt, ConversationId, Owner, Sequence, SessionId};
use crate::quota::{Reservation, Spent};
use crate::time::Timestamp;

mod deleted;
mod events;
mod fingerprint;
mod follower;
mod late;
mod lease;
mod other_pieces;
mod owner;
mod progress;
mod spending;
mod throttle;

pub use deleted::TOMBSTONE_TTL;
pub use fingerprint::{Fingerprint, InvalidFingerprint};
pub use follower::{Follower, MAX_FOLLOWERS};
pub use lease::{LeaseRefused, Leased, Lost, Outcome, Saved};
pub use other_pieces::OtherPieces;
pub use owner::{ClaimRefused, Input, Place, StartRefused};
pub use progress::{Lengths, Progress};
pub use throttle::Waiting;

pub use crate::status::Status;

/// How long an id stays taken if its subscriber starts nothing.
pub const CLAIM_TTL: Duration = Duration::from_mins(10);

/// An attempt's exclusive hold of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    pub until: Timestamp,
    /// Made anew for each lease. So two workers that write equal records at the same time can tell whose lease was
    /// written.
    pub holder: Uuid,
}

/// One prompt's answer, as the table holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub id: SessionId,
    pub owner: Owner,
    pub status: Status,
    /// The fingerprint of the prompt and its options; `None` until the session is started.
    pub fingerprint: Option<Fingerprint>,
    /// The attempt that `sequence` is from.
    pub attempt: Attempt,
    /// The last event that `text` covers; of a session that is over, the event that ended it.
    pub sequence: Sequence,
    /// The text of all `TEXT` blocks, in the order of the events.
    pub text: String,
    /// The length in `text` of each event's piece: 0 if the piece is no text.
    pub lengths: Lengths,
    /// What the events have besides text.
    pub others: OtherPieces,
    /// How long the model has reasoned; `None` if it has not.
    pub reasoning_ms: Option<u32>,
    /// The attempt that wrote `text`. It is earlier than `attempt` if the last attempt said nothing.
    pub text_attempt: Attempt,
    /// Meaningful once the session is over.
    pub ending: Ending,
    /// The last attempt that was begun. Earlier attempts may change nothing any more.
    pub last_attempt: Attempt,
    /// The last attempt before the session was opened again; 0 if it never was.
    pub reopened_after: Attempt,
    /// How many attempts since then were given up because the model was throttled. They don't count.
    pub throttled_attempts: u32,
    /// When the model was throttled first; `None` if it never was.
    pub throttled_since: Option<Timestamp>,
    /// After this time the session ends unless an attempt holds it; `None` before its start.
    pub start_by: Option<Timestamp>,
    /// The lease of `last_attempt`; `None` when that attempt has given up.
    pub lease: Option<Lease>,
    pub stop_requested: bool,
    /// The followers that the answer is pushed to, oldest first.
    pub followers: Vec<Follower>,
    /// Why the last attempt failed. It is the session's failure if there is no other attempt.
    pub last_failure: Option<Failure>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// When the table may forget the session. In whole seconds, as DynamoDB's TTL counts.
    pub expires_at: Timestamp,
    /// The conversation that the session is a turn of, from its start on.
    pub conversation_id: Option<ConversationId>,
    /// The session that it continues there; `None` at the beginning of the conversation.
    pub parent_id: Option<SessionId>,
    /// The assistant that answers, from the session's start on. `None` in the record of a function that knew of none.
    pub assistant: Option<AssistantName>,
    /// When its conversation was deleted. What is left of the session then has no text.
    pub deleted_at: Option<Timestamp>,
    /// What the model's tokens cost, as at the start; `None` where there is no price.
    pub price: Option<Price>,
    /// What the session holds of its owner's quota; `None` where there are no quotas.
    pub reservation: Option<Reservation>,
    /// What the attempts that are over have used of the reservation.
    pub spent: Spent,
    /// Attributes by name that only a newer version of this code knows, in the store's own form. Old functions write
    /// them back, because both versions run while a deployment does.
    pub unknown: BTreeMap<String, String>,
}

impl Session {
    pub(crate) fn new(id: SessionId, owner: Owner, now: Timestamp) -> Self {
        Self {
            id,
            owner,
            status: Status::Claimed,
            fingerprint: None,
            attempt: Attempt(0),
            sequence: Sequence(0),
            text: String::new(),
            lengths: Lengths::default(),
            others: OtherPieces::default(),
            reasoning_ms: None,
            text_attempt: Attempt(0),
            ending: Ending::default(),
            last_attempt: Attempt(0),
            reopened_after: Attempt(0),
            throttled_attempts: 0,
            throttled_since: None,
            start_by: None,
            lease: None,
            stop_requested: false,
            followers: Vec::new(),
            last_failure: None,
            created_at: now,
            updated_at: now,
            expires_at: expiry(now, CLAIM_TTL),
            conversation_id: None,
            parent_id: None,
            assistant: None,
            deleted_at: None,
            price: None,
            reservation: None,
            spent: Spent::default(),
            unknown: BTreeMap::new(),
        }
    }

    /// Whether the session counts as deleted. `DynamoDB` may take days to delete an expired item.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.as_secs() <= now.as_secs()
    }

    /// How many attempts were begun since the session was last opened, without those whose model was throttled.
    pub fn attempts(&self) -> u32 {
        let begun = self.last_attempt.0.saturating_sub(self.reopened_after.0);
        begun.saturating_sub(self.throttled_attempts)
    }

    pub fn has_live_lease(&self, now: Timestamp) -> bool {
        self.lease_until() > now
    }

    /// Until when an attempt has the session to itself; the Unix epoch when none has.
    pub fn lease_until(&self) -> Timestamp {
        self.lease.map_or(Timestamp::EPOCH, |lease| lease.until)
    }

    pub fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }

    /// Keeps the session for `ttl` from `now` on. A turn of a conversation is kept for as long as the conversation.
    fn keep_for(&mut self, ttl: Duration, now: Timestamp) {
        if self.conversation_id.is_none() {
            self.expires_at = expiry(now, ttl);
        }
    }

    /// Ends the session. The end is an event of its own, so it takes the next number. It belongs to the last attempt,
    /// of which subscribers may have heard. If that attempt has no text of its own, the text of the one before it
    /// stays; subscribers then see a gap, and read the session.
    fn end(&mut self, status: Status, ending: Ending) {
        self.charge_interrupted();
        self.status = status;
        self.attempt = self.last_attempt;
        self.sequence = self.sequence.next();
        self.ending = ending;
        self.settle();
    }
}

/// When a session expires that is kept for `ttl` from `now` on.
pub(crate) fn expiry(now: Timestamp, ttl: Duration) -> Timestamp {
    Timestamp::from_secs((now + ttl).as_secs())
}
