//! Followers: addresses that a session's answer is pushed to, beside or instead of a subscription.

use super::Session;
use crate::id::Position;

/// The most followers of one session. A further one replaces the oldest.
pub const MAX_FOLLOWERS: usize = 16;

/// An address, and the last event that its reader had when it began to follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follower {
    /// The sink's name for the address, such as a connection's id.
    pub address: String,
    pub position: Position,
}

impl Session {
    /// Adds a follower, or replaces the one with the same address. Does nothing if the session is over.
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

    /// Removes the follower with this address.
    #[must_use]
    pub fn unfollow(self, address: &str) -> Self {
        self.unfollow_all(|followed| followed == address)
    }

    /// Removes the followers whose addresses leave.
    #[must_use]
    pub fn unfollow_all(mut self, leaves: impl Fn(&str) -> bool) -> Self {
        self.followers.retain(|follower| !leaves(&follower.address));
        self
    }
}
