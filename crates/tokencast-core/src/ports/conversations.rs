//! The conversation table, and those who hear of its changes.

use std::future::Future;

use super::store::MAX_CONFLICTS;
use super::{StoreError, Version, VersionedLedger};
use crate::conversation::{Conversation, TurnHead};
use crate::event::ConversationEvent;
use crate::failure::Failure;
use crate::id::{Attempt, ConversationId, Owner, SessionId};
use crate::session::Session;
use crate::time::{Deadline, Timestamp};

/// A conversation's record, and the number of the write that it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionedConversation {
    pub conversation: Conversation,
    pub version: u32,
}

/// Another write came first. Holds the record as it stands.
#[derive(Clone, Debug)]
pub struct ConversationConflict(pub Option<VersionedConversation>);

/// All that a start writes at once.
pub struct NewTurn<'a> {
    pub session: &'a Session,
    /// What the session's record must be; `None`: there must be none.
    pub session_version: Option<Version>,
    pub conversation: &'a Conversation,
    /// What the conversation's record must be; `None`: there must be none.
    pub conversation_version: Option<u32>,
    pub turn: &'a TurnHead,
    pub prompt: &'a str,
    /// What the owner's ledger becomes; `None` without quotas.
    pub ledger: Option<&'a VersionedLedger>,
}

/// A turn with its texts.
#[derive(Clone, Debug)]
pub struct StoredTurn {
    pub turn: TurnHead,
    pub prompt: String,
    /// `None` if the session is not there any more.
    pub session: Option<Session>,
}

/// A conversation's place in its owner's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListPosition {
    pub listed_at: Timestamp,
    pub conversation_id: ConversationId,
}

/// Some of an owner's conversations, the one with the newest turn first.
#[derive(Clone, Debug, Default)]
pub struct ConversationPage {
    pub conversations: Vec<Conversation>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<ListPosition>,
}

/// Where conversations are kept, beside the sessions' table.
pub trait ConversationStore: Send + Sync {
    /// Reads a conversation's record consistently.
    ///
    /// # Errors
    ///
    /// The table does not answer, or the record is malformed.
    fn conversation(
        &self,
        id: ConversationId,
    ) -> impl Future<Output = Result<Option<VersionedConversation>, StoreError>> + Send;

    /// Writes a record if the stored one is still `expected`, and returns the new version.
    ///
    /// # Errors
    ///
    /// The table does not answer. Whether the record was written is then unknown.
    fn put_conversation(
        &self,
        conversation: &Conversation,
        expected: Option<u32>,
    ) -> impl Future<Output = Result<Result<u32, ConversationConflict>, StoreError>> + Send;

    /// Reads one turn's head consistently.
    ///
    /// # Errors
    ///
    /// The table does not answer, or the head is malformed.
    fn turn(
        &self,
        id: ConversationId,
        session_id: SessionId,
    ) -> impl Future<Output = Result<Option<TurnHead>, StoreError>> + Send;

    /// Reads the heads of all turns consistently, in no particular order.
    ///
    /// # Errors
    ///
    /// The table does not answer, or a head is malformed.
    fn turns(
        &self,
        id: ConversationId,
    ) -> impl Future<Output = Result<Vec<TurnHead>, StoreError>> + Send;

    /// Writes the session's record, the conversation's, the turn's head, its prompt and the ledger: all or nothing. `None`
    /// if one of them is another by now. Returns the version of the session.
    ///
    /// # Errors
    ///
    /// The table does not answer. Whether the turn was written is then unknown.
    fn add_turn(
        &self,
        turn: NewTurn<'_>,
    ) -> impl Future<Output = Result<Option<Version>, StoreError>> + Send;

    /// Reads the texts of these turns, in this order.
    ///
    /// # Errors
    ///
    /// The table does not answer, or an item is malformed.
    fn texts(
        &self,
        id: ConversationId,
        turns: Vec<TurnHead>,
    ) -> impl Future<Output = Result<Vec<StoredTurn>, StoreError>> + Send;

    /// Lists at most `limit` of an owner's conversations, from `after` on. The list may lag behind, and may have
    /// conversations that were deleted or have expired.
    ///
    /// # Errors
    ///
    /// The table does not answer, or a record is malformed.
    fn list(
        &self,
        owner: &Owner,
        limit: u32,
        after: Option<ListPosition>,
    ) -> impl Future<Output = Result<ConversationPage, StoreError>> + Send;

    /// Keeps all items of a turn until `to`: its session with all its text, its prompt and its head. Does nothing for
    /// those that are gone, or are kept longer.
    ///
    /// # Errors
    ///
    /// The table does not answer. Doing it again does no harm.
    fn extend_turn(
        &self,
        id: ConversationId,
        turn: &TurnHead,
        to: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Deletes what is left of a turn, beside its session's record: the text of attempts up to `last_attempt`, the
    /// prompt, and the head last.
    ///
    /// # Errors
    ///
    /// The table does not answer. Doing it again deletes what is left.
    fn erase_turn(
        &self,
        id: ConversationId,
        turn: &TurnHead,
        last_attempt: Attempt,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Who hears of a conversation's changes.
pub trait ConversationSink: Send + Sync {
    /// Tells of a change.
    ///
    /// # Errors
    ///
    /// Nobody heard of it.
    fn tell(
        &self,
        event: &ConversationEvent,
        deadline: Deadline,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Applies a rule to a conversation's record and writes what it returns. Repeats both while others write in between.
///
/// # Errors
///
/// The table does not answer, or others kept changing the record; or the rule's refusal.
pub async fn update_conversation<S: ConversationStore, E>(
    store: &S,
    id: ConversationId,
    mut rule: impl FnMut(Option<Conversation>) -> Result<Conversation, E> + Send,
) -> Result<Result<Conversation, E>, StoreError>
where
    E: Send,
{
    let mut current = store.conversation(id).await?;
    for _ in 0..MAX_CONFLICTS {
        let version = current.as_ref().map(|it| it.version);
        let before = current.as_ref().map(|it| &it.conversation);
        let changed = match rule(before.cloned()) {
            Ok(changed) => changed,
            Err(refused) => return Ok(Err(refused)),
        };
        if Some(&changed) == before {
            return Ok(Ok(changed));
        }
        match store.put_conversation(&changed, version).await? {
            Ok(_) => return Ok(Ok(changed)),
            // An earlier try succeeded, and only its response was lost.
            Err(ConversationConflict(Some(found))) if found.conversation == changed => {
                return Ok(Ok(changed));
            }
            Err(ConversationConflict(found)) => current = found,
        }
    }
    Err(StoreError {
        operation: "update",
        source: "the conversation kept changing".into(),
    })
}
