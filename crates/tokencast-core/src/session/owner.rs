//! What the owner may do: claim, start, stop; and what an operator may: reopen.

use thiserror::Error;

use super::{CLAIM_TTL_S, Session, Status};
use crate::event::Ending;
use crate::id::{Owner, SessionId};

/// The session is somebody else's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the session belongs to someone else")]
pub struct OtherOwner;

impl Session {
    /// The session of `owner` with this id: the one there is, or a new claim on it.
    pub fn claim(
        current: Option<Self>,
        id: SessionId,
        owner: &Owner,
        now_ms: i64,
    ) -> Result<Self, OtherOwner> {
        match current.filter(|session| !session.is_expired(now_ms)) {
            None => Ok(Self::new(id, owner.clone(), now_ms)),
            Some(session) if session.owner == *owner => Ok(session),
            Some(_) => Err(OtherOwner),
        }
    }

    /// Notes that the job is in the queue. A worker may have been quicker; then there is nothing to note.
    #[must_use]
    pub fn queue(mut self, now_ms: i64, ttl_s: i64) -> Self {
        if self.status == Status::Claimed {
            self.status = Status::Queued;
            self.updated_at_ms = now_ms;
            self.expires_at_s = now_ms / 1000 + ttl_s;
        }
        self
    }

    /// Stops it: at once where no worker is at it, otherwise by a flag that the worker reads at its next checkpoint.
    /// An id that nobody knows is stopped too, so that a stop that overtakes its start is not lost.
    pub fn stop(
        current: Option<Self>,
        id: SessionId,
        owner: &Owner,
        now_ms: i64,
    ) -> Result<Self, OtherOwner> {
        let mut session = Self::claim(current, id, owner, now_ms)?;
        if session.status.is_terminal() || session.stop_requested {
            return Ok(session);
        }
        session.updated_at_ms = now_ms;
        if session.has_live_lease(now_ms) {
            session.stop_requested = true;
        } else {
            session.end(Status::Cancelled, Ending::default());
            session.expires_at_s = session.expires_at_s.max(now_ms / 1000 + CLAIM_TTL_S);
        }
        Ok(session)
    }

    /// Lets a failed session be tried again: its job is put back from the dead-letter queue. Others stay as they are.
    #[must_use]
    pub fn reopen(mut self, now_ms: i64, ttl_s: i64) -> Self {
        if self.status == Status::Failed {
            self.status = Status::Queued;
            self.ending = Ending::default();
            self.last_failure = None;
            self.reopened_after = self.last_attempt;
            self.updated_at_ms = now_ms;
            self.expires_at_s = now_ms / 1000 + ttl_s;
        }
        self
    }
}
