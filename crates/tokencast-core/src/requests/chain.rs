//! What an owner may ask of one branch of a conversation, where a protocol's client keeps the messages itself: its turns, and
//! the answers that run in it.

use std::time::Duration;

use super::{RequestError, Requests};
use crate::conversation::{Conversation, TurnHead, tree};
use crate::id::{ConversationId, Owner, SessionId};
use crate::ports::{Clock, ConversationStore, RequestPorts, StoredTurn};
use crate::session::Session;

/// The pause between two looks at a session that is being stopped.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

impl<P: RequestPorts> Requests<P> {
    /// The conversation's record; `None` for one that the owner doesn't have.
    ///
    /// # Errors
    ///
    /// The table does not answer.
    pub async fn conversation_record(
        &self,
        owner: &Owner,
        id: ConversationId,
    ) -> Result<Option<Conversation>, RequestError> {
        Ok(self.visible(owner, id).await?)
    }

    /// The turns from the conversation's beginning to `last`, oldest first, but at most `limit` of the newest. None if
    /// there is no such turn, or the owner doesn't have the conversation.
    ///
    /// # Errors
    ///
    /// A table does not answer.
    pub async fn chain(
        &self,
        owner: &Owner,
        id: ConversationId,
        last: SessionId,
        limit: usize,
    ) -> Result<Vec<StoredTurn>, RequestError> {
        let turns = self.heads(owner, id).await?;
        let chain = tree::chain(&turns, last);
        let newest = chain.len().saturating_sub(limit);
        let heads = chain[newest..].iter().map(|turn| (*turn).clone()).collect();
        let turns = self.conversations.texts(id, heads).await?;
        let turns = turns.into_iter().map(|mut turn| {
            // A session of the same id that is none of this conversation's is not shown.
            turn.session = turn
                .session
                .filter(|session| session.conversation_id == Some(id) && !session.is_deleted());
            turn
        });
        Ok(turns.collect())
    }

    /// The turns that are not over, in no particular order.
    ///
    /// # Errors
    ///
    /// A table does not answer.
    pub async fn running_turns(
        &self,
        owner: &Owner,
        id: ConversationId,
    ) -> Result<Vec<SessionId>, RequestError> {
        let turns = self.heads(owner, id).await?;
        let running = turns.iter().filter(|turn| !turn.status.is_terminal());
        Ok(running.map(|turn| turn.session_id).collect())
    }

    /// Stops a session, and waits until it is over, for as long as `patience`. Returns the session as it stands then.
    ///
    /// # Errors
    ///
    /// The session is somebody else's or was deleted, or the session table does not answer.
    pub async fn stop_and_wait(
        &self,
        owner: &Owner,
        id: SessionId,
        patience: Duration,
    ) -> Result<Session, RequestError> {
        let until = self.clock.now() + patience;
        let mut session = self.stop(owner, id).await?;
        while !session.status.is_terminal() && self.clock.now() < until {
            tokio::time::sleep(LOOK_INTERVAL).await;
            match self.read(owner, id).await? {
                Some(found) => session = found,
                None => break,
            }
        }
        Ok(session)
    }

    async fn heads(
        &self,
        owner: &Owner,
        id: ConversationId,
    ) -> Result<Vec<TurnHead>, RequestError> {
        let (found, mut turns) =
            tokio::try_join!(self.visible(owner, id), self.conversations.turns(id))?;
        let Some(conversation) = found else {
            return Ok(Vec::new());
        };
        let now = self.clock.now();
        turns.retain(|turn| turn.is_of(&conversation, now));
        Ok(turns)
    }
}
