//! The conversation table in DynamoDB. A conversation's items have one partition: its record, and of each turn a small
//! head and the prompt. The answers are the sessions', in their own table.
//!
//! | module | what |
//! | --- | --- |
//! | `record_item` | a conversation's record as an item |
//! | `turn_item` | a turn's head and its prompt as items |

use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::builders::PutBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokencast_core::conversation::{Conversation, TurnHead};
use tokencast_core::id::{Attempt, ConversationId, Owner, SessionId};
use tokencast_core::ports::{
    ConversationConflict, ConversationPage, ConversationStore, LedgerWrite, ListPosition, NewTurn,
    StoreError, StoredTurn, Version, VersionedConversation,
};
use tokencast_core::session::Session;
use tokencast_core::time::Timestamp;
use tokio::sync::Semaphore;

mod record_item;
pub(crate) mod turn_item;

use crate::batch::{self, Key};
use crate::sdk::MAX_CALLS;
use crate::sessions::item::{self, Item};
use crate::sessions::turns::{ABSENT, Cancelled, UNCHANGED, if_unchanged, transact};
use crate::sessions::{SessionTable, TTL, failed};

/// The partition key.
pub const KEY: &str = "conversationId";

/// The sort key.
pub const SORT_KEY: &str = "item";

/// The index of an owner's conversations, by the time of their last turn.
pub const INDEX: &str = "byOwner";

/// The index's partition key. A tombstone doesn't have it.
pub const INDEX_KEY: &str = "listOwner";

/// The index's sort key: milliseconds since the Unix epoch.
pub const INDEX_SORT_KEY: &str = "listedAt";

/// The sort key of a conversation's record.
const RECORD: &str = "conversation";

#[derive(Clone, Debug)]
pub struct ConversationTable {
    client: Client,
    name: String,
    sessions: SessionTable,
    /// Permits for [`MAX_CALLS`] calls at a time.
    calls: Arc<Semaphore>,
}

impl ConversationTable {
    /// The table by its name, and the table of its sessions.
    pub fn new(sdk: &SdkConfig, name: String, sessions: SessionTable) -> Self {
        Self {
            client: Client::new(sdk),
            name,
            sessions,
            calls: Arc::new(Semaphore::new(MAX_CALLS)),
        }
    }

    fn key(&self, id: ConversationId, item: String) -> Key {
        Key::new(&self.name, [(KEY, id.to_string()), (SORT_KEY, item)])
    }

    async fn get(&self, key: &Key) -> Result<Option<Item>, StoreError> {
        let _call = self.calls.acquire().await;
        let get = self
            .client
            .get_item()
            .table_name(&self.name)
            .consistent_read(true)
            .set_key(Some(key.item()));
        let got = get
            .send()
            .await
            .map_err(|source| failed("GetItem", source))?;
        Ok(got.item)
    }

    fn put_builder(&self, item: Item) -> PutBuilder {
        Put::builder().table_name(&self.name).set_item(Some(item))
    }

    fn put_of(put: PutBuilder) -> Result<TransactWriteItem, StoreError> {
        let put = put.build().map_err(|source| failed("Put", source))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Reads the current records of the conversations that the index has.
    async fn current(&self, ids: &[ConversationId]) -> Result<Vec<Conversation>, StoreError> {
        let keys: Vec<_> = ids
            .iter()
            .map(|id| self.key(*id, RECORD.to_owned()))
            .collect();
        let items = batch::get(&self.client, &keys, None).await?;
        let records = items.iter().flatten().map(|item| {
            let record = record_item::read(item);
            record.map(|it| it.conversation)
        });
        let records: Result<Vec<_>, _> = records.collect();
        records.map_err(|source| failed("BatchGetItem", source))
    }

    async fn keep(&self, key: &Key, to: Timestamp) -> Result<(), StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key.item()))
            .update_expression("SET #expires = :to")
            .condition_expression("attribute_exists(#key) AND #expires < :to")
            .expression_attribute_names("#key", KEY)
            .expression_attribute_names("#expires", TTL)
            .expression_attribute_values(":to", AttributeValue::N(to.as_secs().to_string()));
        match update.send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(failed("UpdateItem", error)),
            },
        }
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        let delete = self.client.delete_item().table_name(&self.name);
        let deleted = delete.set_key(Some(key.item())).send().await;
        deleted
            .map(drop)
            .map_err(|source| failed("DeleteItem", source))
    }

    fn prompt_keys(&self, id: ConversationId, turn: &TurnHead) -> Vec<Key> {
        turn_item::prompt_sort_keys(turn)
            .map(|item| self.key(id, item))
            .collect()
    }
}

impl ConversationStore for ConversationTable {
    async fn conversation(
        &self,
        id: ConversationId,
    ) -> Result<Option<VersionedConversation>, StoreError> {
        let item = self.get(&self.key(id, RECORD.to_owned())).await?;
        let record = item.as_ref().map(record_item::read).transpose();
        record.map_err(|source| failed("GetItem", source))
    }

    async fn put_conversation(
        &self,
        conversation: &Conversation,
        expected: Option<u32>,
    ) -> Result<Result<u32, ConversationConflict>, StoreError> {
        const OPERATION: &str = "PutItem";
        let version = expected.unwrap_or_default() + 1;
        let permit = self.calls.acquire().await;
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(record_item::write(conversation, version)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = match expected {
            None => put
                .condition_expression(ABSENT)
                .expression_attribute_names("#key", KEY),
            Some(number) => put
                .condition_expression(UNCHANGED)
                .expression_attribute_names("#version", item::VERSION)
                .expression_attribute_values(":expected", AttributeValue::N(number.to_string())),
        };
        let put = put.send().await;
        drop(permit);
        let Err(error) = put else {
            return Ok(Ok(version));
        };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(refused)) => {
                let found = refused.item().map(record_item::read).transpose();
                let found = found.map_err(|source| failed(OPERATION, source))?;
                Ok(Err(ConversationConflict(found)))
            }
            // A turn is being added: that came first.
            Some(PutItemError::TransactionConflictException(_)) => {
                let found = self.conversation(conversation.id).await?;
                Ok(Err(ConversationConflict(found)))
            }
            _ => Err(failed(OPERATION, error)),
        }
    }

    async fn turn(
        &self,
        id: ConversationId,
        session_id: SessionId,
    ) -> Result<Option<TurnHead>, StoreError> {
        let key = self.key(id, turn_item::sort_key(session_id));
        let item = self.get(&key).await?;
        let turn = item.as_ref().map(turn_item::read).transpose();
        turn.map_err(|source| failed("GetItem", source))
    }

    async fn turns(&self, id: ConversationId) -> Result<Vec<TurnHead>, StoreError> {
        const OPERATION: &str = "Query";
        let _call = self.calls.acquire().await;
        let mut turns = Vec::new();
        let mut from = None;
        loop {
            let query = self
                .client
                .query()
                .table_name(&self.name)
                .consistent_read(true)
                .key_condition_expression("#key = :id AND begins_with(#item, :turn)")
                .expression_attribute_names("#key", KEY)
                .expression_attribute_names("#item", SORT_KEY)
                .expression_attribute_values(":id", AttributeValue::S(id.to_string()))
                .expression_attribute_values(":turn", AttributeValue::S(turn_item::TURN.to_owned()))
                .set_exclusive_start_key(from);
            let page = query
                .send()
                .await
                .map_err(|source| failed(OPERATION, source))?;
            for item in page.items.unwrap_or_default() {
                let turn = turn_item::read(&item).map_err(|source| failed(OPERATION, source))?;
                turns.push(turn);
            }
            from = page.last_evaluated_key.filter(|key| !key.is_empty());
            if from.is_none() {
                return Ok(turns);
            }
        }
    }

    async fn add_turn(&self, new: NewTurn<'_>) -> Result<Option<Version>, StoreError> {
        const OPERATION: &str = "TransactWriteItems";
        let id = new.conversation.id;
        let (session, version) = SessionTable::started(new.session, new.session_version);
        let record_version = new.conversation_version.unwrap_or_default() + 1;
        let record = record_item::write(new.conversation, record_version);
        let mut writes = vec![
            self.sessions.put_record(session, new.session_version)?,
            Self::put_of(if_unchanged(
                self.put_builder(record),
                KEY,
                new.conversation_version,
            ))?,
            Self::put_of(self.put_builder(turn_item::write(id, new.turn)))?,
        ];
        for item in turn_item::write_prompt(id, new.turn, new.prompt) {
            writes.push(Self::put_of(self.put_builder(item))?);
        }
        writes.extend(
            self.sessions
                .put_ledger(new.ledger.map(LedgerWrite::Admitted))?,
        );
        let _call = self.calls.acquire().await;
        match transact(&self.client, OPERATION, &writes).await {
            Ok(()) => Ok(Some(version)),
            Err(Cancelled::Condition { .. }) => Ok(None),
            Err(Cancelled::Failed(error)) => Err(error),
        }
    }

    async fn texts(
        &self,
        id: ConversationId,
        turns: Vec<TurnHead>,
    ) -> Result<Vec<StoredTurn>, StoreError> {
        const OPERATION: &str = "BatchGetItem";
        let prompts: Vec<_> = turns
            .iter()
            .map(|turn| self.prompt_keys(id, turn))
            .collect();
        let sessions = turns.iter().map(|turn| self.sessions.key(turn.session_id));
        let keys: Vec<_> = sessions.chain(prompts.iter().flatten().cloned()).collect();
        let permit = self.calls.acquire().await;
        let mut items = batch::get(&self.client, &keys, None).await?;
        drop(permit);
        let mut texts = items.split_off(turns.len()).into_iter();
        // A long answer has chunks, which are read for several turns at a time.
        let sessions = stream::iter(items).map(|item| async {
            match item {
                None => Ok(None),
                Some(item) => self
                    .sessions
                    .read_permitted(OPERATION, &item)
                    .await
                    .map(Some),
            }
        });
        let sessions: Vec<Option<Session>> = sessions.buffered(MAX_CALLS).try_collect().await?;
        let stored = turns.into_iter().zip(prompts).zip(sessions);
        let stored = stored.map(|((turn, keys), session)| {
            let parts = texts.by_ref().take(keys.len()).flatten();
            let prompt = turn_item::read_prompt(&turn, parts);
            Ok(StoredTurn {
                prompt: prompt.map_err(|source| failed(OPERATION, source))?,
                turn,
                session,
            })
        });
        stored.collect()
    }

    async fn list(
        &self,
        owner: &Owner,
        limit: u32,
        after: Option<ListPosition>,
    ) -> Result<ConversationPage, StoreError> {
        const OPERATION: &str = "Query";
        let _call = self.calls.acquire().await;
        // One more than asked for shows whether there is a next page.
        let most = i32::try_from(limit).unwrap_or(i32::MAX).saturating_add(1);
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(INDEX)
            .scan_index_forward(false)
            .limit(most)
            .key_condition_expression("#owner = :owner")
            .expression_attribute_names("#owner", INDEX_KEY)
            .expression_attribute_values(":owner", AttributeValue::S(owner.as_str().to_owned()))
            .set_exclusive_start_key(after.map(|after| record_item::index_key(owner, after)));
        let page = query
            .send()
            .await
            .map_err(|source| failed(OPERATION, source))?;
        let listed: Result<Vec<_>, _> = page
            .items
            .unwrap_or_default()
            .iter()
            .map(record_item::list_position)
            .collect();
        let mut listed = listed.map_err(|source| failed(OPERATION, source))?;
        let has_more = listed.len() > limit as usize;
        listed.truncate(limit as usize);
        let ids: Vec<_> = listed.iter().map(|it| it.conversation_id).collect();
        let mut conversations = self.current(&ids).await?;
        conversations.retain(|conversation| conversation.owner == *owner);
        Ok(ConversationPage {
            conversations,
            next: listed.last().copied().filter(|_| has_more),
        })
    }

    async fn extend_turn(
        &self,
        id: ConversationId,
        turn: &TurnHead,
        to: Timestamp,
    ) -> Result<(), StoreError> {
        self.sessions.extend(turn.session_id, to).await?;
        let _call = self.calls.acquire().await;
        for key in self.prompt_keys(id, turn) {
            self.keep(&key, to).await?;
        }
        let head = self.key(id, turn_item::sort_key(turn.session_id));
        self.keep(&head, to).await
    }

    async fn erase_turn(
        &self,
        id: ConversationId,
        turn: &TurnHead,
        last_attempt: Attempt,
    ) -> Result<(), StoreError> {
        self.sessions.erase(turn.session_id, last_attempt).await?;
        let _call = self.calls.acquire().await;
        for key in self.prompt_keys(id, turn) {
            self.delete(&key).await?;
        }
        let head = self.key(id, turn_item::sort_key(turn.session_id));
        self.delete(&head).await
    }
}
