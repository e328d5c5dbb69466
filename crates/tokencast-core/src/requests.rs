//! What an owner may ask: to start, stop, read or follow a session, and to list, read, rename or delete conversations. All
//! functions answer requests by this code.

use std::time::Duration;

use tracing::{info, warn};

use crate::assistant::Assistants;
use crate::event::ConversationEvent;
use crate::id::{Owner, SessionId};
use crate::ports::{
    Applied, Clock, ConversationSink, RequestPorts, SessionStore, Versioned, update,
};
use crate::quota::Quotas;
use crate::session::{ClaimRefused, Follower, Session};
use crate::time::Deadline;

mod chain;
mod conversations;
mod error;
mod export;
mod parents;
mod quotas;
mod start;
mod turn;

pub use conversations::TurnPage;
pub use error::RequestError;
pub use export::ExportPiece;
pub use start::{Start, Started, Within};

/// How long a request waits for the subscribers of a conversation to hear of it.
const TELL_BUDGET: Duration = Duration::from_secs(3);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Longer prompts are refused.
    pub max_prompt_bytes: usize,
    /// How long a session is kept after its start.
    pub session_ttl: Duration,
    /// How long after its start an answer may begin.
    pub start_within: Duration,
    /// How long a conversation is kept after its last turn.
    pub conversation_ttl: Duration,
    /// How long a purge waits for the workers that have sessions of its conversation.
    pub purge_delay: Duration,
    /// The most tokens of its conversation that a model is told.
    pub max_history_tokens: u32,
}

/// Answers the requests of owners.
pub struct Requests<P: RequestPorts> {
    pub sessions: P::Sessions,
    pub conversations: P::Conversations,
    pub queue: P::Queue,
    pub changes: P::Changes,
    pub clock: P::Clock,
    pub rules: Rules,
    pub assistants: Assistants,
    /// The limits of callers; `None` without quotas.
    pub quotas: Option<Quotas>,
}

impl<P: RequestPorts> Requests<P> {
    /// Stops a session: at once, or at the worker's next checkpoint if a worker has it.
    ///
    /// # Errors
    ///
    /// The session is somebody else's or was deleted, or the session table does not answer.
    pub async fn stop(&self, owner: &Owner, id: SessionId) -> Result<Session, RequestError> {
        let (stopped, _) = update(&self.sessions, id, None, |current| {
            let stopped = Session::stop(current, id, owner, self.clock.now());
            Applied {
                write: stopped.as_ref().ok().cloned(),
                answer: stopped,
            }
        })
        .await?;
        let session = stopped?;
        info!(session = %id, status = session.status.as_str(), "stop requested");
        Ok(session)
    }

    /// `None` for an id that nobody or somebody else has taken. Ends a session that is late.
    ///
    /// # Errors
    ///
    /// The session table does not answer.
    pub async fn read(
        &self,
        owner: &Owner,
        id: SessionId,
    ) -> Result<Option<Session>, RequestError> {
        let now = self.clock.now();
        let found = self.sessions.get(id).await?;
        match found.filter(|found| !found.session.is_expired(now)) {
            // A read must not tell whether another user has an id.
            Some(found) if found.session.owner != *owner || found.session.is_deleted() => Ok(None),
            Some(found) if found.session.is_late(now) => {
                let ended = self.claim(owner, id).await?;
                Ok(Some(ended.session))
            }
            found => Ok(found.map(|found| found.session)),
        }
    }

    /// Takes an id for `owner`, unless it is taken.
    ///
    /// # Errors
    ///
    /// The session is somebody else's or was deleted, or the session table does not answer.
    pub async fn claim(&self, owner: &Owner, id: SessionId) -> Result<Versioned, RequestError> {
        self.change(id, |current| {
            Session::claim(current, id, owner, self.clock.now())
        })
        .await
    }

    /// Has a session's answer pushed to an address. Claims the id like [`Self::claim`].
    ///
    /// # Errors
    ///
    /// The session is somebody else's or was deleted, or the session table does not answer.
    pub async fn follow(
        &self,
        owner: &Owner,
        id: SessionId,
        follower: Follower,
    ) -> Result<Versioned, RequestError> {
        self.change(id, |current| {
            let now = self.clock.now();
            Session::follow(current, id, owner, follower.clone(), now)
        })
        .await
    }

    /// Ends what [`Self::follow`] began, for the addresses that leave. Does nothing for a session that does not exist.
    ///
    /// # Errors
    ///
    /// The session table does not answer.
    pub async fn unfollow(
        &self,
        id: SessionId,
        leaves: impl Fn(&str) -> bool + Send + Sync,
    ) -> Result<(), RequestError> {
        let unfollowed = update(&self.sessions, id, None, |current| Applied {
            write: current.map(|session| session.unfollow_all(&leaves)),
            answer: (),
        });
        unfollowed.await?;
        Ok(())
    }

    async fn change<E>(
        &self,
        id: SessionId,
        rule: impl Fn(Option<Session>) -> Result<Session, E> + Send + Sync,
    ) -> Result<Versioned, RequestError>
    where
        E: Into<RequestError> + Send,
    {
        let (changed, record) = update(&self.sessions, id, None, |current| {
            let changed = rule(current);
            Applied {
                write: changed.as_ref().ok().cloned(),
                answer: changed.map(drop),
            }
        })
        .await?;
        changed.map_err(Into::into)?;
        record.ok_or(RequestError::Claim(ClaimRefused::OtherOwner))
    }

    /// Tells the subscribers of a conversation. Nothing depends on whether they hear of it: they read the conversation
    /// whenever they connect.
    async fn tell(&self, event: &ConversationEvent) {
        let deadline = Deadline::at(self.clock.now() + TELL_BUDGET);
        if let Err(failure) = self.changes.tell(event, deadline).await {
            warn!(conversation = %event.conversation_id, change = ?event.change, code = %failure.code, "nobody heard of a change");
        }
    }
}
