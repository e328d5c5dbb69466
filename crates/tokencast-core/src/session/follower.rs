//! Who has the answer pushed to an address of their own, beside or instead of a subscription.

use serde::{Deserialize, Serialize};

use super::{OtherOwner, Session};
use crate::id::{Attempt, Owner, Sequence, SessionId};
use crate::time::Timestamp;

/// The most addresses one session is pushed to; a further one takes the place of the oldest.
pub const MAX_FOLLOWERS: usize = 16;

/// An address, and what was known there when it began to follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Follower {
    /// As the delivery names it, such as the id of a connection.
    pub address: String,
    pub attempt: Attempt,
    pub sequence: Sequence,
}

impl Session {
    /// Adds a follower, or replaces the one of the same address. A session that is over has no use for one.
    pub fn follow(
        current: Option<Self>,
        id: SessionId,
        owner: &Owner,
        follower: Follower,
        now: Timestamp,
    ) -> Result<Self, OtherOwner> {
        Ok(Self::claim(current, id, owner, now)?.followed_by(follower))
    }

    pub(super) fn followed_by(mut self, follower: Follower) -> Self {
        if !self.status.is_terminal() {
            self = self.unfollow(&follower.address);
            if self.followers.len() >= MAX_FOLLOWERS {
                self.followers.remove(0);
            }
            self.followers.push(follower);
        }
        self
    }

    /// Nothing more goes to this address.
    #[must_use]
    pub fn unfollow(mut self, address: &str) -> Self {
        self.followers
            .retain(|follower| follower.address != address);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Ending;
    use crate::session::Status;

    fn follower(address: usize, sequence: u32) -> Follower {
        Follower {
            address: address.to_string(),
            attempt: Attempt(1),
            sequence: Sequence(sequence),
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
