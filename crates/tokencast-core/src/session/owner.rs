//! What the owner may do: claim, start, stop; and what an operator may: reopen.

use std::time::Duration;

use thiserror::Error;

use super::{CLAIM_TTL, Fingerprint, Follower, Session, Status, expiry};
use crate::assistant::{AssistantName, Price};
use crate::event::Ending;
use crate::failure::Failure;
use crate::id::{ConversationId, Owner, SessionId};
use crate::quota::Reservation;
use crate::time::Timestamp;

/// Why an owner does not get a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ClaimRefused {
    #[error("the session belongs to someone else")]
    OtherOwner,
    #[error("the session was deleted, with its conversation")]
    Deleted,
}

/// Why a start is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum StartRefused {
    #[error(transparent)]
    Claim(#[from] ClaimRefused),
    #[error("this session was started with another prompt, or elsewhere")]
    OtherInput,
}

/// What a session is started with.
#[derive(Clone, Debug)]
pub struct Input {
    /// The fingerprint of the prompt and its options.
    pub fingerprint: Fingerprint,
    /// By when a worker has to begin.
    pub start_by: Timestamp,
    /// A follower that is there from the start.
    pub follower: Option<Follower>,
    /// Where in a conversation the session is; `None` for a session of its own.
    pub place: Option<Place>,
    /// The assistant that answers.
    pub assistant: Option<AssistantName>,
    /// What the model's tokens cost; `None` where there is no price.
    pub price: Option<Price>,
    /// What the session may use of its owner's quota; `None` where there are no quotas.
    pub reservation: Option<Reservation>,
}

/// Where in a conversation a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub conversation_id: ConversationId,
    /// The session that it continues; `None` at the beginning.
    pub parent_id: Option<SessionId>,
    /// How long the turn is kept.
    pub expires_at: Timestamp,
}

impl Session {
    /// Returns the session of `owner` with this id, ended if it is late. Makes a new one if there is none.
    ///
    /// # Errors
    ///
    /// [`ClaimRefused`] if the session is not `owner`'s, or was deleted.
    pub fn claim(
        current: Option<Self>,
        id: SessionId,
        owner: &Owner,
        now: Timestamp,
    ) -> Result<Self, ClaimRefused> {
        let session = Self::claim_any(current, id, owner, now)?;
        if session.is_deleted() {
            return Err(ClaimRefused::Deleted);
        }
        Ok(session)
    }

    /// The same, also of a deleted session, for those who only end it.
    pub(super) fn claim_any(
        current: Option<Self>,
        id: SessionId,
        owner: &Owner,
        now: Timestamp,
    ) -> Result<Self, ClaimRefused> {
        match current.filter(|session| !session.is_expired(now)) {
            None => Ok(Self::new(id, owner.clone(), now)),
            Some(session) if session.owner == *owner => Ok(session.end_if_late(now)),
            Some(_) => Err(ClaimRefused::OtherOwner),
        }
    }

    /// Writes down what a session is started with, before its job is sent. From then on the session belongs to this
    /// input. Another start with the same input returns the session as it stands; if that is still [`Status::Claimed`],
    /// its job may not have been sent.
    ///
    /// # Errors
    ///
    /// [`StartRefused`] if the session is not `owner`'s, or was started with another input.
    pub fn start(
        current: Option<Self>,
        id: SessionId,
        owner: &Owner,
        input: &Input,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Self, StartRefused> {
        let mut session = Self::claim(current, id, owner, now)?;
        match session.fingerprint {
            Some(of) if of != input.fingerprint => return Err(StartRefused::OtherInput),
            None if session.status == Status::Claimed => {
                session.fingerprint = Some(input.fingerprint);
                // The session ends at this time even if its job is never sent.
                session.start_by = Some(input.start_by);
                session.assistant.clone_from(&input.assistant);
                session.price = input.price;
                session.reservation = input.reservation;
                session.updated_at = now;
                // The record is kept for as long as the job may wait, so that no other input gets the id before.
                match input.place {
                    Some(place) => {
                        session.conversation_id = Some(place.conversation_id);
                        session.parent_id = place.parent_id;
                        session.expires_at = place.expires_at;
                    }
                    None => session.expires_at = expiry(now, ttl),
                }
            }
            _ => {}
        }
        Ok(match &input.follower {
            Some(follower) => session.followed_by(follower.clone()),
            None => session,
        })
    }

    /// Adds a follower, or replaces the one with the same address. Does nothing if the session is over.
    ///
    /// # Errors
    ///
    /// [`ClaimRefused`] if the session is not `owner`'s, or was deleted.
    pub fn follow(
        current: Option<Self>,
        id: SessionId,
        owner: &Owner,
        follower: Follower,
        now: Timestamp,
    ) -> Result<Self, ClaimRefused> {
        Ok(Self::claim(current, id, owner, now)?.followed_by(follower))
    }

    /// Ends a session whose start was refused, so that a client that waits for it, or comes back to it, hears of that.
    /// Makes one for that if there is none. `None` if the id is somebody else's, or if something was started.
    pub fn refuse(
        current: Option<Self>,
        id: SessionId,
        owner: &Owner,
        failure: Failure,
        now: Timestamp,
    ) -> Option<Self> {
        let waits = |session: &Self| {
            session.owner == *owner
                && session.status == Status::Claimed
                && session.fingerprint.is_none()
                && !session.is_expired(now)
        };
        let session = current.unwrap_or_else(|| Self::new(id, owner.clone(), now));
        let mut session = Some(session).filter(waits)?;
        let ending = Ending {
            failure: Some(failure),
            ..Ending::default()
        };
        session.end(Status::Failed, ending);
        session.updated_at = now;
        Some(session)
    }

    /// Writes down that the job is in the queue. Changes nothing if a worker was quicker.
    #[must_use]
    pub fn queue(mut self, start_by: Timestamp, now: Timestamp, ttl: Duration) -> Self {
        if self.status == Status::Claimed {
            self.status = Status::Queued;
            self.start_by = Some(start_by);
            self.updated_at = now;
            self.keep_for(ttl, now);
        }
        self
    }

    /// Stops the session: at once if no worker has it, otherwise by a flag that the worker reads at its next
    /// checkpoint. An unknown id is stopped too, so that a stop that overtakes its start is not lost.
    ///
    /// # Errors
    ///
    /// [`ClaimRefused`] if the session is not `owner`'s, or was deleted.
    pub fn stop(
        current: Option<Self>,
        id: SessionId,
        owner: &Owner,
        now: Timestamp,
    ) -> Result<Self, ClaimRefused> {
        let mut session = Self::claim(current, id, owner, now)?;
        if session.status.is_terminal() || session.stop_requested {
            return Ok(session);
        }
        session.updated_at = now;
        if session.has_live_lease(now) {
            session.stop_requested = true;
        } else {
            session.end(Status::Cancelled, Ending::default());
            session.expires_at = session.expires_at.max(expiry(now, CLAIM_TTL));
        }
        Ok(session)
    }

    /// Opens a session again when its job is put back from the dead-letter queue: one that failed, or that waits for
    /// that job. A session that an attempt holds, or that ended otherwise, stays as it is.
    #[must_use]
    pub fn reopen(mut self, start_by: Timestamp, now: Timestamp, ttl: Duration) -> Self {
        let is_over = self.status.is_terminal() && self.status != Status::Failed;
        if is_over || self.has_live_lease(now) {
            return self;
        }
        if matches!(self.status, Status::Failed | Status::Claimed) {
            self.status = Status::Queued;
        }
        self.ending = Ending::default();
        self.last_failure = None;
        self.reopened_after = self.last_attempt;
        self.throttled_attempts = 0;
        self.throttled_since = None;
        self.start_by = Some(start_by);
        self.reserve_again(start_by, now);
        self.updated_at = now;
        self.keep_for(ttl, now);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Attempt, Position, Sequence};
    use crate::session::MAX_FOLLOWERS;

    fn follower(address: usize, sequence: u32) -> Follower {
        Follower {
            address: address.to_string(),
            position: Position {
                attempt: Attempt(1),
                sequence: Sequence(sequence),
            },
        }
    }

    #[test]
    fn followers_are_one_per_address_and_bounded() {
        let (id, owner) = (SessionId::random(), Owner::new("owner").expect("not empty"));
        let mut session = None;
        for address in (0..=MAX_FOLLOWERS).chain([5]) {
            session =
                Session::follow(session, id, &owner, follower(address, 7), Timestamp::EPOCH).ok();
        }
        let session = session.expect("followed");
        let addresses: Vec<_> = session.followers.iter().map(|f| &*f.address).collect();
        assert_eq!(addresses.len(), MAX_FOLLOWERS);
        assert_eq!((addresses[0], addresses[MAX_FOLLOWERS - 1]), ("1", "5"));
        let other = Owner::new("other").expect("not empty");
        Session::follow(
            Some(session.clone()),
            id,
            &other,
            follower(1, 0),
            Timestamp::EPOCH,
        )
        .expect_err("refused");
        assert_eq!(session.unfollow("5").followers.len(), MAX_FOLLOWERS - 1);
    }

    #[test]
    fn what_is_over_is_not_followed() {
        let (id, owner) = (SessionId::random(), Owner::new("owner").expect("not empty"));
        let mut session = Session::new(id, owner.clone(), Timestamp::EPOCH);
        session.end(Status::Cancelled, Ending::default());
        let after = Session::follow(
            Some(session.clone()),
            id,
            &owner,
            follower(1, 0),
            Timestamp::from_millis(5),
        );
        assert_eq!(after, Ok(session));
    }
}
