//! What a worker does for a conversation after a turn: a better title, and a longer life.

use std::time::Duration;

use tracing::{info, warn};

use super::{Conversation, tree};
use crate::event::{ConversationChange, ConversationEvent};
use crate::id::ConversationId;
use crate::ports::{
    Clock, ConversationConflict, ConversationStore, MAX_CONFLICTS, StoreError,
    VersionedConversation, update_conversation,
};

/// Takes the right to ask a model for the conversation's title. It is given once.
///
/// # Errors
///
/// The table does not answer.
pub async fn claim_title<S: ConversationStore>(
    store: &S,
    clock: &impl Clock,
    found: VersionedConversation,
) -> Result<bool, StoreError> {
    let mut found = Some(found);
    for _ in 0..MAX_CONFLICTS {
        let Some(VersionedConversation {
            conversation,
            version,
        }) = found
        else {
            return Ok(false);
        };
        let Some(asked) = conversation.ask_title(clock.now()) else {
            return Ok(false);
        };
        match store.put_conversation(&asked, Some(version)).await? {
            Ok(_) => return Ok(true),
            // Another worker may have written the same, and then it asks.
            Err(ConversationConflict(current)) => found = current,
        }
    }
    Ok(false)
}

/// Gives a conversation a model's title. `None` if a person was quicker, or the conversation is gone.
///
/// # Errors
///
/// The table does not answer.
pub async fn entitle<S: ConversationStore>(
    store: &S,
    clock: &impl Clock,
    id: ConversationId,
    title: &str,
) -> Result<Option<ConversationEvent>, StoreError> {
    let entitled = update_conversation(store, id, |current| {
        let entitled = current.and_then(|it| it.entitle(title, clock.now()));
        entitled.ok_or(())
    });
    Ok(entitled.await?.ok().map(|entitled| ConversationEvent {
        title: Some(entitled.title),
        ..ConversationEvent::new(id, entitled.owner, ConversationChange::Renamed)
    }))
}

/// Keeps all turns of a conversation for as long as the conversation, and half of `ttl` longer. Can be interrupted at any
/// step: until all is done, the record says that it is not.
///
/// # Errors
///
/// A table does not answer.
pub async fn extend<S: ConversationStore>(
    store: &S,
    clock: &impl Clock,
    conversation: &Conversation,
    ttl: Duration,
) -> Result<(), StoreError> {
    let id = conversation.id;
    let Some(to) = conversation.extension(ttl, clock.now()) else {
        return Ok(());
    };
    let mut turns = store.turns(id).await?;
    tree::sort(&mut turns);
    for turn in &turns {
        store.extend_turn(id, turn, to).await?;
    }
    let extended = update_conversation(store, id, |current| {
        let extended = current.and_then(|it| it.extended(to, conversation.turn_count));
        extended.ok_or(())
    });
    if extended.await?.is_ok() {
        info!(conversation = %id, turns = turns.len(), "extended");
    } else {
        warn!(conversation = %id, "extended in part: a further turn has begun");
    }
    Ok(())
}
