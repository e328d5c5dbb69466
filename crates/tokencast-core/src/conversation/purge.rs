//! What a worker does for a conversation that was deleted: it ends the sessions that nobody has any more, and deletes
//! what is left of all of them.
//!
//! Each step may be done again, so the work can be interrupted anywhere. It is over only when a look finds nothing.

use std::time::Duration;

use thiserror::Error;
use tracing::info;

use super::TurnHead;
use crate::id::{Attempt, ConversationId};
use crate::job::Purge;
use crate::ports::{Applied, Clock, ConversationStore, SessionStore, StoreError, update};
use crate::time::{Deadline, Timestamp};

/// How long a delete may take from its purge to its tombstone: longer than any function runs.
const DELETE_WITHIN: Duration = Duration::from_mins(20);

/// How long a purge waits for its tombstone before it looks again.
const LOOK_AGAIN: Duration = Duration::from_mins(1);

/// How far a purge has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purged {
    /// Nothing is left.
    All,
    /// The time is up, or turns were found that must be looked for once more.
    More,
    /// The rest belongs to workers that have their sessions until then, or the delete is under way.
    Wait { until: Timestamp },
    /// The conversation was not deleted: whoever asked for that gave up.
    NotDeleted,
}

/// Why a purge failed.
#[derive(Debug, Error)]
pub enum PurgeError {
    #[error("a table did not answer")]
    Store(#[from] StoreError),
    #[error("the conversation belongs to someone else than the purge")]
    OtherOwner,
}

/// Deletes what is left of a conversation.
///
/// # Errors
///
/// A table does not answer, or the conversation is somebody else's.
pub async fn purge<S: SessionStore, V: ConversationStore>(
    sessions: &S,
    conversations: &V,
    clock: &impl Clock,
    purge: &Purge,
    deadline: Deadline,
) -> Result<Purged, PurgeError> {
    let id = purge.conversation_id;
    if let Some(found) = conversations.conversation(id).await? {
        let found = found.conversation;
        let now = clock.now();
        if found.owner != purge.owner {
            return Err(PurgeError::OtherOwner);
        }
        if found.deleted_at.is_none() {
            let given_up = purge.requested_at + DELETE_WITHIN <= now;
            return Ok(if given_up {
                info!(conversation = %id, "it was not deleted");
                Purged::NotDeleted
            } else {
                let until = now + LOOK_AGAIN;
                Purged::Wait { until }
            });
        }
    }
    let turns = conversations.turns(id).await?;
    if turns.is_empty() {
        info!(conversation = %id, "purged");
        return Ok(Purged::All);
    }
    let mut held_until = None;
    for turn in &turns {
        if deadline.has_passed(clock.now()) {
            return Ok(Purged::More);
        }
        match delete(sessions, clock, id, turn).await? {
            Deleted::Over { last_attempt } => {
                conversations.erase_turn(id, turn, last_attempt).await?;
            }
            Deleted::Held { until } => {
                held_until = Some(held_until.map_or(until, |other: Timestamp| other.max(until)));
            }
        }
    }
    Ok(held_until.map_or(Purged::More, |until| Purged::Wait { until }))
}

enum Deleted {
    /// Nobody writes text any more.
    Over {
        last_attempt: Attempt,
    },
    Held {
        until: Timestamp,
    },
}

async fn delete<S: SessionStore>(
    sessions: &S,
    clock: &impl Clock,
    id: ConversationId,
    turn: &TurnHead,
) -> Result<Deleted, StoreError> {
    let deleted = update(sessions, turn.session_id, None, |current| {
        let current = current.filter(|session| session.conversation_id == Some(id));
        Applied {
            write: current.map(|session| session.delete(clock.now())),
            answer: (),
        }
    });
    let ((), found) = deleted.await?;
    let session = found.map(|found| found.session);
    Ok(match session {
        Some(session) if !session.status.is_terminal() && session.conversation_id == Some(id) => {
            Deleted::Held {
                until: session.lease_until(),
            }
        }
        Some(session) => Deleted::Over {
            last_attempt: session.last_attempt,
        },
        None => Deleted::Over {
            last_attempt: Attempt(0),
        },
    })
}
