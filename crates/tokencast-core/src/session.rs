//! A session's record, and the rules by which it changes.
//!
//! The rules are pure functions from the record as it stands to the record as it shall be. A [store](crate::ports)
//! writes the result only if nobody has written since, and applies the rule again if somebody has; so what is proved of
//! the rules holds for the table.

use uuid::Uuid;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::event::Ending;
use crate::failure::Failure;
use crate::id::{Attempt, Owner, Sequence, SessionId};
use crate::time::Timestamp;

mod events;
mod fingerprint;
mod follower;
mod late;
mod lease;
mod owner;
mod progress;
mod throttle;

pub use fingerprint::{Fingerprint, InvalidFingerprint};
pub use follower::{Follower, MAX_FOLLOWERS};
pub use lease::{LeaseRefused, Leased, Lost, Outcome, Saved};
pub use owner::{Input, OtherOwner, StartRefused};
pub use progress::{Lengths, Progress};
pub use throttle::Waiting;

pub use crate::status::Status;

/// How long an id stays taken by a subscriber that starts nothing.
pub const CLAIM_TTL: Duration = Duration::from_mins(10);

/// That an attempt has the session to itself for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    pub until: Timestamp,
    /// Made anew for each lease, so that two workers that write the same at the same time can tell whose it became.
    pub holder: Uuid,
}

/// One prompt's answer, as the table holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub id: SessionId,
    pub owner: Owner,
    pub status: Status,
    /// Of what it was started with, from before its job was sent; `None` before.
    pub fingerprint: Option<Fingerprint>,
    /// The attempt that `sequence` is from.
    pub attempt: Attempt,
    /// The last event that `text` covers; of a session that is over, the event that ended it.
    pub sequence: Sequence,
    pub text: String,
    /// Where in `text` each event ends.
    pub lengths: Lengths,
    /// The attempt that wrote `text`: an earlier one than `attempt`, where the last had nothing to say.
    pub text_attempt: Attempt,
    /// Meaningful once the session is over.
    pub ending: Ending,
    /// The last attempt that was begun. It fences: whoever began an earlier one may change nothing any more.
    pub last_attempt: Attempt,
    /// The last attempt of before it was opened again; 0 if it never was.
    pub reopened_after: Attempt,
    /// Attempts since then that were given up because the model was throttled: they don't count.
    pub throttled_attempts: u32,
    /// When the model was throttled first; `None` if it never was.
    pub throttled_since: Option<Timestamp>,
    /// Past it the session ends unless an attempt has it; `None` before its start.
    pub start_by: Option<Timestamp>,
    /// `None` when that attempt has given up.
    pub lease: Option<Lease>,
    pub stop_requested: bool,
    /// Where the answer is pushed to, in the order they came.
    pub followers: Vec<Follower>,
    /// Why the attempt before ended, for the message of the last.
    pub last_failure: Option<Failure>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// When the table may forget it. In whole seconds, as DynamoDB's TTL counts.
    pub expires_at: Timestamp,
    /// What a newer version of this code has noted beside, by name, as the store has it. Old functions keep it, which
    /// work beside new ones while a deployment runs.
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
            unknown: BTreeMap::new(),
        }
    }

    /// A record past its expiry is as good as deleted: `DynamoDB` may take days to do it.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.as_secs() <= now.as_secs()
    }

    /// How many attempts count that were begun since it was opened, whoever began them.
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

    /// Ends it. The ending is an event of its own, so it takes the next number, and it is the last attempt's, which
    /// subscribers may have heard of. Has that attempt no text of its own, then the one before it keeps its text;
    /// subscribers see that they are not up to date, and read it.
    fn end(&mut self, status: Status, ending: Ending) {
        self.status = status;
        self.attempt = self.last_attempt;
        self.sequence = self.sequence.next();
        self.ending = ending;
        self.lease = None;
    }
}

/// When a session may be forgotten that is kept for `ttl` from `now` on.
fn expiry(now: Timestamp, ttl: Duration) -> Timestamp {
    Timestamp::from_secs((now + ttl).as_secs())
}
