//! What the owner may do: claim, start, stop; and what an operator may: reopen.

use thiserror::Error;

use super::{CLAIM_TTL_S, Fingerprint, Follower, Session, Status};
use crate::event::Ending;
use crate::failure::Failure;
use crate::id::{Owner, SessionId};

/// The session is somebody else's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the session belongs to someone else")]
pub struct OtherOwner;

/// Why a session is not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum StartRefused {
    #[error(transparent)]
    OtherOwner(#[from] OtherOwner),
    #[error("this session was started with another prompt")]
    OtherInput,
}

/// What a session is started with.
#[derive(Clone, Debug)]
pub struct Input {
    /// Of the prompt and its options.
    pub fingerprint: Fingerprint,
    /// By when a worker has to begin, in milliseconds since the Unix epoch.
    pub start_by_ms: i64,
    /// Who follows the session from its start.
    pub follower: Option<Follower>,
}

impl Session {
    /// The session of `owner` with this id: the one there is, ended if it is late, or a new claim on it.
    pub fn claim(
        current: Option<Self>,
        id: SessionId,
        owner: &Owner,
        now_ms: i64,
    ) -> Result<Self, OtherOwner> {
        match current.filter(|session| !session.is_expired(now_ms)) {
            None => Ok(Self::new(id, owner.clone(), now_ms)),
            Some(session) if session.owner == *owner => Ok(session.end_if_late(now_ms)),
            Some(_) => Err(OtherOwner),
        }
    }

    /// Notes what a session is started with, before its job is sent: from then on it is this input's. Whoever starts it
    /// with the same again finds the session as it stands; is it still [`Status::Claimed`], its job may not have been sent.
    pub fn start(
        current: Option<Self>,
        id: SessionId,
        owner: &Owner,
        input: &Input,
        now_ms: i64,
        ttl_s: i64,
    ) -> Result<Self, StartRefused> {
        let mut session = Self::claim(current, id, owner, now_ms)?;
        match session.fingerprint {
            Some(of) if of != input.fingerprint => return Err(StartRefused::OtherInput),
            None if session.status == Status::Claimed => {
                session.fingerprint = Some(input.fingerprint);
                // Should its job never be sent, it ends all the same.
                session.start_by_ms = Some(input.start_by_ms);
                session.updated_at_ms = now_ms;
                // For as long as the job may wait, so that no other input can have the id before.
                session.expires_at_s = now_ms / 1000 + ttl_s;
            }
            _ => {}
        }
        Ok(match &input.follower {
            Some(follower) => session.followed_by(follower.clone()),
            None => session,
        })
    }

    /// Ends a session whose start was refused, if somebody waits for it: the id was taken by its owner, and nothing was
    /// started. `None` where there is nothing to end.
    pub fn refuse(
        current: Option<Self>,
        owner: &Owner,
        failure: Failure,
        now_ms: i64,
    ) -> Option<Self> {
        let waits = |session: &Self| {
            session.owner == *owner
                && session.status == Status::Claimed
                && session.fingerprint.is_none()
                && !session.is_expired(now_ms)
        };
        let mut session = current.filter(waits)?;
        let ending = Ending {
            failure: Some(failure),
            ..Ending::default()
        };
        session.end(Status::Failed, ending);
        session.updated_at_ms = now_ms;
        Some(session)
    }

    /// Notes that the job is in the queue. A worker may have been quicker; then there is nothing to note.
    #[must_use]
    pub fn queue(mut self, start_by_ms: i64, now_ms: i64, ttl_s: i64) -> Self {
        if self.status == Status::Claimed {
            self.status = Status::Queued;
            self.start_by_ms = Some(start_by_ms);
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

    /// Lets a session be tried again whose job is put back from the dead-letter queue: one that failed, or that waits for
    /// that job. One that an attempt has, or that ended otherwise, stays as it is.
    #[must_use]
    pub fn reopen(mut self, start_by_ms: i64, now_ms: i64, ttl_s: i64) -> Self {
        let is_over = self.status.is_terminal() && self.status != Status::Failed;
        if is_over || self.has_live_lease(now_ms) {
            return self;
        }
        if matches!(self.status, Status::Failed | Status::Claimed) {
            self.status = Status::Queued;
        }
        self.ending = Ending::default();
        self.last_failure = None;
        self.reopened_after = self.last_attempt;
        self.throttled_attempts = 0;
        self.throttled_since_ms = None;
        self.start_by_ms = Some(start_by_ms);
        self.updated_at_ms = now_ms;
        self.expires_at_s = now_ms / 1000 + ttl_s;
        self
    }
}
