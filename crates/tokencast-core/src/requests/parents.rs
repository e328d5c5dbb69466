//! The turn that a new turn continues.

use super::{RequestError, Requests};
use crate::conversation::parent::{self, Continues, ParentRefused};
use crate::conversation::{Conversation, TurnHead};
use crate::id::{ConversationId, Owner, SessionId};
use crate::ports::{Clock, ConversationStore, RequestPorts, SessionStore, StoreError};
use crate::session::{ClaimRefused, Session};

impl<P: RequestPorts> Requests<P> {
    /// The turn that a new one continues; `None` at the conversation's beginning.
    pub(super) async fn parent(
        &self,
        owner: &Owner,
        id: SessionId,
        conversation_id: ConversationId,
        conversation: Option<&Conversation>,
        continues: Continues,
    ) -> Result<Option<SessionId>, RequestError> {
        match (continues, conversation) {
            (Continues::Nothing, _) | (Continues::Last, None) => Ok(None),
            (Continues::Turn(parent), _) if parent == id => Err(ParentRefused::IsSelf.into()),
            (Continues::Turn(parent), conversation) => {
                let turn = match conversation {
                    Some(conversation) => self.turn_of(conversation, parent).await?,
                    None => None,
                };
                let is_over = |turn: &TurnHead| turn.status.is_terminal();
                if !turn.as_ref().is_some_and(is_over) {
                    let session = self.read_any(owner, parent).await?;
                    let now = self.clock.now();
                    parent::check(session.as_ref(), owner, conversation_id, now)?;
                    // A session may outlive its conversation, whose id begins another one then.
                    if turn.is_none() {
                        return Err(ParentRefused::NotInConversation.into());
                    }
                }
                Ok(Some(parent))
            }
            (Continues::Last, Some(conversation)) => {
                self.last_turn(owner, conversation_id, conversation).await
            }
        }
    }

    /// The last turn that is over.
    async fn last_turn(
        &self,
        owner: &Owner,
        conversation_id: ConversationId,
        conversation: &Conversation,
    ) -> Result<Option<SessionId>, RequestError> {
        let now = self.clock.now();
        if let Some(last) = conversation.last_session {
            let turn = self.turn_of(conversation, last).await?;
            if turn.is_some_and(|turn| turn.status.is_terminal()) {
                return Ok(Some(last));
            }
            let session = self.read_any(owner, last).await?;
            if parent::check(session.as_ref(), owner, conversation_id, now).is_ok() {
                return Ok(Some(last));
            }
        }
        let turns = self.conversations.turns(conversation_id).await?;
        let over = turns
            .iter()
            .filter(|turn| turn.status.is_terminal() && turn.is_of(conversation, now));
        let last = over.max_by_key(|turn| turn.position());
        Ok(last.map(|turn| turn.session_id))
    }

    /// A turn, if it is one of the conversation that there is now.
    async fn turn_of(
        &self,
        conversation: &Conversation,
        session_id: SessionId,
    ) -> Result<Option<TurnHead>, StoreError> {
        let now = self.clock.now();
        let turn = self.conversations.turn(conversation.id, session_id).await?;
        Ok(turn.filter(|turn| turn.is_of(conversation, now)))
    }

    /// A session whoever has it, whatever became of it. Ends one of `owner` that is late.
    async fn read_any(
        &self,
        owner: &Owner,
        id: SessionId,
    ) -> Result<Option<Session>, RequestError> {
        let found = self.sessions.get(id).await?.map(|found| found.session);
        let now = self.clock.now();
        match found {
            Some(found) if found.owner == *owner && found.is_late(now) => {
                match self.claim(owner, id).await {
                    Ok(ended) => Ok(Some(ended.session)),
                    Err(RequestError::Claim(ClaimRefused::Deleted)) => Ok(Some(found.delete(now))),
                    Err(error) => Err(error),
                }
            }
            found => Ok(found),
        }
    }
}
