//! What a worker may do: begin an attempt, save its progress, give it up, end the session.
//!
//! An attempt's number is its fencing token. Every change names it, and is refused once a later attempt has begun.

use std::time::Duration;

use thiserror::Error;

use super::{ClaimRefused, Lease, Progress, Session, Status};
use crate::event::{Ending, Usage};
use crate::failure::Failure;
use crate::id::{Attempt, Owner, Sequence, SessionId};
use crate::time::Timestamp;

/// What a worker gets that asks for a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leased {
    /// The worker has begun an attempt, with the number `last_attempt`.
    Begun(Session),
    /// The session is over, or was stopped before an attempt began.
    Ended(Session),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LeaseRefused {
    #[error("another worker has the session")]
    Held { until: Timestamp },
    #[error("the session belongs to someone else than the job")]
    OtherOwner,
}

/// A later attempt has begun, or the session is over. This attempt may change nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the lease was lost to a later attempt")]
pub struct Lost;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saved {
    Continue(Session),
    /// The owner has asked for a stop. Nothing was saved.
    StopRequested(Session),
}

/// How an attempt ends its session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub status: Status,
    pub ending: Ending,
}

impl Session {
    /// Begins the next attempt. `start_by` is the job's, and counts only if the record has none.
    ///
    /// # Errors
    ///
    /// [`LeaseRefused`] if another attempt holds the session, or if it is not `owner`'s.
    pub fn lease(
        current: Option<Self>,
        id: SessionId,
        owner: &Owner,
        lease: Lease,
        start_by: Option<Timestamp>,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Leased, LeaseRefused> {
        let mut session = Self::claim_any(current, id, owner, now)
            .map_err(|_: ClaimRefused| LeaseRefused::OtherOwner)?;
        session.start_by = session.start_by.or(start_by);
        let mut session = session.end_if_late(now);
        if session.status.is_terminal() {
            return Ok(Leased::Ended(session));
        }
        if session.has_live_lease(now) {
            return Err(LeaseRefused::Held {
                until: session.lease_until(),
            });
        }
        session.updated_at = now;
        if session.stop_requested {
            session.end(Status::Cancelled, Ending::default());
            return Ok(Leased::Ended(session));
        }
        if session.status == Status::Claimed {
            session.status = Status::Queued;
        }
        session.charge_interrupted();
        session.last_attempt = session.last_attempt.next();
        session.lease = Some(lease);
        session.keep_for(ttl, now);
        Ok(Leased::Begun(session))
    }

    /// Saves `progress` if there is some, and extends the lease if `until` is given.
    ///
    /// # Errors
    ///
    /// [`Lost`] if a later attempt has begun, or the session is over.
    pub fn save(
        current: Option<Self>,
        attempt: Attempt,
        progress: Option<&Progress>,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Saved, Lost> {
        let mut session = Self::held_by(current, attempt)?;
        if session.stop_requested {
            return Ok(Saved::StopRequested(session));
        }
        session.write(attempt, progress);
        if let (Some(lease), Some(until)) = (&mut session.lease, until) {
            lease.until = until;
        }
        session.updated_at = now;
        Ok(Saved::Continue(session))
    }

    /// Gives the attempt up, so that the next one need not wait for the lease to end. `counted` is what the model counted,
    /// if it came to that.
    ///
    /// # Errors
    ///
    /// [`Lost`] if a later attempt has begun, or the session is over.
    pub fn release(
        current: Option<Self>,
        attempt: Attempt,
        progress: &Progress,
        failure: &Failure,
        counted: Option<Usage>,
        now: Timestamp,
    ) -> Result<Self, Lost> {
        let mut session = Self::held_by(current, attempt)?;
        session.write(attempt, Some(progress));
        session.charge(progress, counted);
        session.lease = None;
        session.last_failure = Some(failure.clone());
        // The model has answered. If it is throttled again, the time for that begins anew.
        session.throttled_since = None;
        session.updated_at = now;
        Ok(session)
    }

    /// Ends the session.
    ///
    /// # Errors
    ///
    /// [`Lost`] if a later attempt has begun, or the session is over.
    pub fn finish(
        current: Option<Self>,
        attempt: Attempt,
        progress: &Progress,
        outcome: &Outcome,
        now: Timestamp,
    ) -> Result<Self, Lost> {
        let mut session = Self::held_by(current, attempt)?;
        session.write(attempt, Some(progress));
        session.charge(progress, outcome.ending.usage);
        session.lease = None;
        session.end(outcome.status, outcome.ending.clone());
        session.updated_at = now;
        Ok(session)
    }

    fn held_by(current: Option<Self>, attempt: Attempt) -> Result<Self, Lost> {
        current
            .filter(|session| {
                session.last_attempt == attempt
                    && session.lease.is_some()
                    && !session.status.is_terminal()
            })
            .ok_or(Lost)
    }

    pub(super) fn write(&mut self, attempt: Attempt, progress: Option<&Progress>) {
        if let Some(progress) = progress.filter(|progress| progress.sequence > Sequence(0)) {
            self.status = Status::Streaming;
            self.attempt = attempt;
            self.sequence = progress.sequence;
            // What was deleted gets no text again. Its end still comes behind all events that were published.
            if self.is_deleted() {
                return;
            }
            self.text.clone_from(&progress.text);
            self.lengths.clone_from(&progress.lengths);
            self.others.clone_from(&progress.others);
            // A stop drops pieces that were not published. Then there may be a time, and no reasoning.
            let reasoning_ms = progress.reasoning_ms;
            self.reasoning_ms = reasoning_ms.filter(|_| !progress.others.is_empty());
            self.text_attempt = attempt;
        }
    }
}
