//! The followers of one session, and what each of them still lacks. A sink and its followers' tasks share this state.
//!
//! A chat's request ([`Address::chat_request`]) gets numbered chunks, and only whoever began to send them knows the next
//! number. So a chat is served by one sink alone. It gets nothing before the record says that the attempt has spoken: then
//! the sink of a later attempt knows that the chat may have got something, and tells it to resume.

use tokencast_core::event::TokenEvent;
use tokencast_core::id::{Attempt, Position};
use tokencast_core::session::{Follower, Progress, Session};
use tokencast_core::time::Timestamp;

use super::address::Address;
use super::backlog::{Backlog, Joined};

#[derive(Debug, Default)]
pub(super) struct FollowerQueues {
    /// What was published. `None` while there is no follower.
    backlog: Option<Backlog>,
    followers: Vec<Served>,
    /// The attempt that this sink is of; `None` if the session was over before.
    attempt: Option<Attempt>,
    /// Whether the record says that the attempt has spoken, or how the session ended.
    is_recorded: bool,
    /// Until when the tasks may send.
    fence_until: Timestamp,
    next_id: ServedId,
}

/// Names one follower while it is served. The same address may come back with another id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ServedId(u32);

#[derive(Debug)]
struct Served {
    id: ServedId,
    /// The follower in the session's record.
    registered: Follower,
    position: Position,
    /// How often it was registered anew.
    turn: u32,
    /// Whether it is slow: events do not wait for it until it has caught up.
    lags: bool,
    /// Whether it is a chat's request that another sink may have sent something to.
    is_orphan: bool,
    /// Whether its address is gone. It is kept, so that the record's mention of it starts no other task.
    lost: bool,
}

/// What is to be sent to a follower.
#[derive(Debug)]
pub(super) enum Next {
    Piece(Box<Piece>),
    /// That the answer can't go on at its address.
    Orphaned {
        is_over: bool,
    },
}

#[derive(Debug)]
pub(super) struct Piece {
    pub(super) joined: Joined,
    turn: u32,
}

/// The position at which a chat's request begins to follow: it has nothing, and nothing comes to it of attempts that are
/// over by then.
pub fn chat_position(session: &Session, now: Timestamp) -> Position {
    let begun = session.last_attempt.0;
    let over = if session.has_live_lease(now) {
        begun.saturating_sub(1)
    } else {
        begun
    };
    Position {
        attempt: Attempt(over),
        ..Position::default()
    }
}

impl FollowerQueues {
    pub(super) fn has_followers(&self) -> bool {
        !self.followers.is_empty()
    }

    /// Takes notice of the record, whether or not somebody follows.
    pub(super) fn note(&mut self, session: &Session) {
        let is_over = session.status.is_terminal();
        if !is_over {
            self.attempt = Some(session.last_attempt);
        }
        self.is_recorded = is_over || session.text_attempt == session.last_attempt;
    }

    /// Takes the followers from the record. Returns the new ones, for which the caller starts a task each.
    pub(super) fn on_record_changed(
        &mut self,
        session: &Session,
        progress: &Progress,
        fence_until: Timestamp,
    ) -> Vec<(ServedId, String)> {
        self.note(session);
        self.followers.retain(|served| {
            let mut registered = session.followers.iter();
            registered.any(|follower| follower.address == served.registered.address)
        });
        if session.followers.is_empty() {
            self.backlog = None;
            return Vec::new();
        }
        let ended = session.status.is_terminal();
        // What a new follower lacks is sent at once, and not with the next event.
        self.fence_until = fence_until;
        let kept = self.backlog.take();
        let backlog = match kept.filter(|kept| !ended && kept.attempt() == session.last_attempt) {
            Some(kept) => kept,
            None if ended => Backlog::of_session(session),
            None => Backlog::of_attempt(session.id, session.last_attempt, progress),
        };
        let mut new = Vec::new();
        for follower in &session.followers {
            let position = follower.position;
            let lags = backlog.is_ahead_of(position);
            let mut known = self.followers.iter_mut();
            match known.find(|served| served.registered.address == follower.address) {
                Some(served) if served.registered == *follower => {}
                Some(served) if !served.lost => {
                    served.registered = follower.clone();
                    (served.position, served.lags) = (position, lags);
                    served.turn += 1;
                }
                _ => {
                    let (id, address) = (self.next_id, follower.address.clone());
                    self.next_id.0 += 1;
                    self.followers
                        .retain(|served| served.registered.address != address);
                    self.followers.push(Served {
                        id,
                        registered: follower.clone(),
                        position,
                        turn: 0,
                        lags,
                        is_orphan: is_orphan(follower, session, self.attempt),
                        lost: false,
                    });
                    new.push((id, address));
                }
            }
        }
        self.backlog = Some(backlog);
        new
    }

    /// Adds an event for all followers. They may send until `fence_until`.
    pub(super) fn publish(&mut self, event: &TokenEvent, fence_until: Timestamp) {
        self.fence_until = fence_until;
        if let Some(backlog) = &mut self.backlog {
            backlog.push(event);
        }
    }

    pub(super) fn may_send(&self, now: Timestamp) -> bool {
        now < self.fence_until
    }

    /// Whether there is something to send to a follower, or its task is to end.
    pub(super) fn has_news(&self, id: ServedId) -> bool {
        self.served(id).is_none_or(|served| self.lacks(served))
    }

    /// What to send to a follower. `None` if its task is to end, or if it has everything.
    pub(super) fn next(&self, id: ServedId) -> Option<Next> {
        let served = self.served(id)?;
        if served.is_orphan {
            let is_over = self.attempt.is_none();
            return Some(Next::Orphaned { is_over });
        }
        if !self.lacks(served) {
            return None;
        }
        let joined = self.backlog.as_ref()?.after(served.position)?;
        let turn = served.turn;
        Some(Next::Piece(Box::new(Piece { joined, turn })))
    }

    /// Writes down that a follower has got a piece, unless it was registered anew meanwhile.
    pub(super) fn sent(&mut self, id: ServedId, piece: &Piece) {
        let Some(at) = self.followers.iter().position(|served| served.id == id) else {
            return;
        };
        if self.followers[at].turn == piece.turn {
            self.followers[at].position = piece.joined.position();
            self.followers[at].lags &= self.lacks(&self.followers[at]);
        }
    }

    /// Writes down that a follower's address is gone.
    pub(super) fn lose(&mut self, id: ServedId) {
        if let Some(served) = self.followers.iter_mut().find(|served| served.id == id) {
            served.lost = true;
        }
    }

    /// Whether a follower that is not slow lacks something.
    pub(super) fn is_waited_for(&self) -> bool {
        let mut followers = self.followers.iter();
        followers.any(|served| !served.lags && self.lacks(served))
    }

    /// Whether any follower lacks something.
    pub(super) fn is_behind(&self) -> bool {
        self.followers.iter().any(|served| self.lacks(served))
    }

    /// Marks the followers that lack something as slow, until they have caught up.
    pub(super) fn let_lag(&mut self) {
        for at in 0..self.followers.len() {
            self.followers[at].lags |= self.lacks(&self.followers[at]);
        }
    }

    fn served(&self, id: ServedId) -> Option<&Served> {
        let mut followers = self.followers.iter();
        followers.find(|served| served.id == id && !served.lost)
    }

    fn lacks(&self, served: &Served) -> bool {
        if served.lost || served.is_orphan {
            return !served.lost;
        }
        let address = Address::read(&served.registered.address);
        let may_get = address.chat_request.is_none() || self.is_recorded;
        let backlog = self.backlog.as_ref();
        may_get && backlog.is_some_and(|backlog| backlog.is_ahead_of(served.position))
    }
}

/// Whether another sink than that of `attempt` may have sent something to a chat's request.
fn is_orphan(follower: &Follower, session: &Session, attempt: Option<Attempt>) -> bool {
    let is_chat = Address::read(&follower.address).chat_request.is_some();
    let spoke = session.text_attempt;
    is_chat && spoke > follower.position.attempt && Some(spoke) != attempt
}

#[cfg(test)]
mod tests;
