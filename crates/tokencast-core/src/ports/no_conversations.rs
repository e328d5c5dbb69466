//! The ports of a place without conversations, such as a benchmark of single answers.

use super::{
    ConversationConflict, ConversationPage, ConversationSink, ConversationStore, ListPosition,
    NewTurn, StoreError, StoredTurn, Version, VersionedConversation,
};
use crate::conversation::{Conversation, TurnHead};
use crate::event::ConversationEvent;
use crate::failure::Failure;
use crate::id::{Attempt, ConversationId, Owner, SessionId};
use crate::time::{Deadline, Timestamp};

/// A table that has no conversation and takes none; and a sink that nobody listens to.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoConversations;

fn refused<T>(operation: &'static str) -> Result<T, StoreError> {
    let source = "there are no conversations here".into();
    Err(StoreError { operation, source })
}

impl ConversationStore for NoConversations {
    async fn conversation(
        &self,
        _: ConversationId,
    ) -> Result<Option<VersionedConversation>, StoreError> {
        Ok(None)
    }

    async fn put_conversation(
        &self,
        _: &Conversation,
        _: Option<u32>,
    ) -> Result<Result<u32, ConversationConflict>, StoreError> {
        refused("put")
    }

    async fn turn(&self, _: ConversationId, _: SessionId) -> Result<Option<TurnHead>, StoreError> {
        Ok(None)
    }

    async fn turns(&self, _: ConversationId) -> Result<Vec<TurnHead>, StoreError> {
        Ok(Vec::new())
    }

    async fn add_turn(&self, _: NewTurn<'_>) -> Result<Option<Version>, StoreError> {
        refused("add a turn")
    }

    async fn texts(
        &self,
        _: ConversationId,
        turns: Vec<TurnHead>,
    ) -> Result<Vec<StoredTurn>, StoreError> {
        if turns.is_empty() {
            return Ok(Vec::new());
        }
        refused("read texts")
    }

    async fn list(
        &self,
        _: &Owner,
        _: u32,
        _: Option<ListPosition>,
    ) -> Result<ConversationPage, StoreError> {
        Ok(ConversationPage::default())
    }

    async fn extend_turn(
        &self,
        _: ConversationId,
        _: &TurnHead,
        _: Timestamp,
    ) -> Result<(), StoreError> {
        Ok(())
    }

    async fn erase_turn(
        &self,
        _: ConversationId,
        _: &TurnHead,
        _: Attempt,
    ) -> Result<(), StoreError> {
        Ok(())
    }
}

impl ConversationSink for NoConversations {
    async fn tell(&self, _: &ConversationEvent, _: Deadline) -> Result<(), Failure> {
        Ok(())
    }
}
