//! What an owner may ask of conversations: to list, read, rename, delete and subscribe to them.

use futures_util::StreamExt as _;
use futures_util::stream;
use tracing::{info, warn};

use super::{RequestError, Requests};
use crate::conversation::page::{self, InConversation, InvalidArgument, Token as _};
use crate::conversation::tree::{self, TurnPosition};
use crate::conversation::{Conversation, MAX_TITLE_CHARS, NotFound, title};
use crate::event::{ConversationChange, ConversationEvent, Usage};
use crate::id::{ConversationId, Owner, SessionId};
use crate::job::Purge;
use crate::ports::{
    Applied, Clock, ConversationPage, ConversationStore, JobQueue, ListPosition, RequestPorts,
    StoreError, StoredTurn, update, update_conversation,
};
use crate::time::Timestamp;

/// How much text a page of turns has, unless its first turn alone has more. Its answers come twice, as text and as
/// blocks, and AppSync's limit for a response is 5 MB.
const MAX_PAGE_BYTES: usize = 1_500_000;

/// How many sessions are deleted at a time.
const DELETED_AT_A_TIME: usize = 4;

/// A conversation and some of its turns, oldest first.
#[derive(Clone, Debug)]
pub struct TurnPage {
    pub conversation: Conversation,
    pub turns: Vec<StoredTurn>,
    /// What all its turns have used together; `None` if no model counted.
    pub usage: Option<Usage>,
    /// Whether there are turns behind these.
    pub has_more: bool,
}

impl<P: RequestPorts> Requests<P> {
    /// Lists the owner's conversations, the one with the newest turn first.
    ///
    /// # Errors
    ///
    /// An argument is malformed, or the table does not answer.
    pub async fn conversations(
        &self,
        owner: &Owner,
        limit: Option<i64>,
        next_token: Option<&str>,
    ) -> Result<ConversationPage, RequestError> {
        let limit = page::limit(limit)?;
        let after = next_token.map(ListPosition::of_token).transpose()?;
        let page = self.conversations.list(owner, limit, after).await?;
        let now = self.clock.now();
        let visible = page
            .conversations
            .into_iter()
            .filter_map(|it| it.visible_to(owner, now));
        Ok(ConversationPage {
            conversations: visible.collect(),
            next: page.next,
        })
    }

    /// A conversation with a page of its turns, oldest first. `None` for one that the owner doesn't have.
    ///
    /// # Errors
    ///
    /// An argument is malformed, or a table does not answer.
    pub async fn conversation(
        &self,
        owner: &Owner,
        id: ConversationId,
        limit: Option<i64>,
        next_token: Option<&str>,
    ) -> Result<Option<TurnPage>, RequestError> {
        let limit = page::limit(limit)? as usize;
        let after = next_token.map(|token| InConversation::<TurnPosition>::position(token, id));
        let after = after.transpose()?;
        let (found, turns) =
            tokio::try_join!(self.visible(owner, id), self.conversations.turns(id))?;
        let Some(conversation) = found else {
            return Ok(None);
        };
        let now = self.clock.now();
        let mut turns = turns;
        turns.retain(|turn| turn.is_of(&conversation, now));
        tree::sort(&mut turns);
        let usage = turns
            .iter()
            .filter_map(|turn| turn.usage)
            .reduce(Usage::plus);
        turns.retain(|turn| after.is_none_or(|after| turn.position() > after));
        let mut bytes = 0;
        let fitting = turns.iter().take(limit).take_while(|turn| {
            let is_first = bytes == 0;
            bytes += turn.prompt_bytes + turn.answer_bytes;
            is_first || bytes <= MAX_PAGE_BYTES
        });
        let count = fitting.count();
        let has_more = count < turns.len();
        turns.truncate(count);
        let turns = self.conversations.texts(id, turns).await?;
        let turns = turns.into_iter().map(|mut turn| {
            // A session of the same id that is none of this conversation's is not shown.
            turn.session = turn
                .session
                .filter(|session| session.conversation_id == Some(id) && !session.is_deleted());
            turn
        });
        Ok(Some(TurnPage {
            conversation,
            turns: turns.collect(),
            usage,
            has_more,
        }))
    }

    /// The conversation without its turns. `None` for one that the owner doesn't have.
    pub(super) async fn visible(
        &self,
        owner: &Owner,
        id: ConversationId,
    ) -> Result<Option<Conversation>, StoreError> {
        let found = self.conversations.conversation(id).await?;
        let now = self.clock.now();
        Ok(found.and_then(|found| found.conversation.visible_to(owner, now)))
    }

    /// Admits a subscriber to a conversation's changes.
    ///
    /// # Errors
    ///
    /// The owner has no such conversation, or the table does not answer.
    pub async fn admit(&self, owner: &Owner, id: ConversationId) -> Result<(), RequestError> {
        let found = self.visible(owner, id).await?;
        found.map(drop).ok_or(NotFound.into())
    }

    /// Gives a conversation a person's title.
    ///
    /// # Errors
    ///
    /// The title is malformed, the owner has no such conversation, or the table does not answer.
    pub async fn rename_conversation(
        &self,
        owner: &Owner,
        id: ConversationId,
        title: &str,
    ) -> Result<Conversation, RequestError> {
        let title = title::of_person(title).ok_or_else(|| InvalidArgument {
            name: "title",
            found: format!("of {} characters", title.trim().chars().count()),
            expected: "1 to 200 characters, beside the space around it, and one at least that can be seen",
        })?;
        const { assert!(MAX_TITLE_CHARS == 200, "the error says so") };
        let renamed = update_conversation(&self.conversations, id, |current| {
            Conversation::rename(current, owner, &title, self.clock.now())
        });
        let renamed = renamed.await??;
        let event = ConversationEvent {
            title: Some(renamed.title.clone()),
            ..ConversationEvent::new(id, owner.clone(), ConversationChange::Renamed)
        };
        self.tell(&event).await;
        info!(conversation = %id, "renamed");
        Ok(renamed)
    }

    /// Deletes a conversation with all its sessions: they can't be read any more once this returns. The worker deletes
    /// what is left of them. Returns when the conversation was deleted first.
    ///
    /// # Errors
    ///
    /// The owner has no such conversation, or a table or the queue does not answer. Doing it again is safe.
    pub async fn delete_conversation(
        &self,
        owner: &Owner,
        id: ConversationId,
    ) -> Result<Timestamp, RequestError> {
        let now = self.clock.now();
        let found = self.conversations.conversation(id).await?;
        let found = found.map(|found| found.conversation);
        let is_repeated = found.as_ref().is_some_and(|it| it.deleted_at.is_some());
        Conversation::delete(found, owner, now)?;
        // The purge is queued first. In the other order, a function that dies between the two would leave texts that
        // nobody deletes. A purge waits for its tombstone. Where there is a tombstone, its purge was queued before it.
        if !is_repeated {
            let purge = Purge::new(id, owner.clone(), now);
            self.queue
                .send_purge(&purge, self.rules.purge_delay)
                .await?;
        }
        // From here on nobody reads the conversation or adds a turn.
        let deleted = update_conversation(&self.conversations, id, |current| {
            Conversation::delete(current, owner, self.clock.now())
        });
        let deleted = deleted.await??;
        let event = ConversationEvent::new(id, owner.clone(), ConversationChange::Deleted);
        let told = async {
            // Subscribers hear of it once, however often it is asked for.
            if !is_repeated {
                self.tell(&event).await;
            }
        };
        let (sessions, ()) = tokio::join!(self.delete_sessions(id), Box::pin(told));
        sessions?;
        info!(conversation = %id, "deleted");
        Ok(deleted.deleted_at.unwrap_or(now))
    }

    async fn delete_sessions(&self, id: ConversationId) -> Result<(), StoreError> {
        let turns = self.conversations.turns(id).await?;
        let deleted = stream::iter(turns).map(|turn| self.delete_session(id, turn.session_id));
        let mut deleted = deleted.buffer_unordered(DELETED_AT_A_TIME);
        while let Some(deleted) = deleted.next().await {
            deleted.inspect_err(|error| {
                warn!(conversation = %id, error = error as &dyn std::error::Error, "left to the purge");
            })?;
        }
        Ok(())
    }

    async fn delete_session(
        &self,
        conversation_id: ConversationId,
        id: SessionId,
    ) -> Result<(), StoreError> {
        let deleted = update(&self.sessions, id, None, |current| {
            let current = current.filter(|it| it.conversation_id == Some(conversation_id));
            Applied {
                write: current.map(|session| session.delete(self.clock.now())),
                answer: (),
            }
        });
        deleted.await.map(drop)
    }
}
