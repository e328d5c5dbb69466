//! Who has the answer pushed to an address of their own, beside or instead of a subscription.

use super::Session;
use crate::id::Position;

/// The most addresses one session is pushed to; a further one takes the place of the oldest.
pub const MAX_FOLLOWERS: usize = 16;

/// An address, and what was known there when it began to follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follower {
    /// As the delivery names it, such as the id of a connection.
    pub address: String,
    pub position: Position,
}

impl Session {
    /// With a follower more, in place of the one of the same address. A session that is over has no use for one.
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
