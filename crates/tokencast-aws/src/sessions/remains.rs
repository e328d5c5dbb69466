//! What there is of a turn beside its session's record: the chunks of its answer. An extension keeps them longer, and a
//! deletion deletes them.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use tokencast_core::id::{Attempt, SessionId};
use tokencast_core::ports::{Sealed, StoreError};
use tokencast_core::time::Timestamp;

use super::item::{self, Item};
use super::{KEY, SessionTable, TTL, failed, piece_chunks, text_chunks};
use crate::batch;

/// How many chunks are looked for at a time.
const STEP: u32 = 100;

impl SessionTable {
    /// Keeps a session's record and its chunks until `to`. Does nothing for one that is gone, deleted, or kept longer.
    pub(crate) async fn extend(&self, id: SessionId, to: Timestamp) -> Result<(), StoreError> {
        let _call = self.calls.acquire().await;
        // The record is extended first: the chunks that a worker writes afterwards have the new time. Its version counts,
        // so that a worker that knows the old time doesn't write that back.
        self.keep(&id.to_string(), to, true).await?;
        let get = self
            .client
            .get_item()
            .table_name(&self.name)
            .consistent_read(true)
            .key(KEY, AttributeValue::S(id.to_string()));
        let got = get
            .send()
            .await
            .map_err(|source| failed("GetItem", source))?;
        let Some(found) = got.item else {
            return Ok(());
        };
        let found = item::read(&found).map_err(|source| failed("GetItem", source))?;
        for key in chunk_keys(id, found.version.sealed) {
            self.keep(&key, to, false).await?;
        }
        Ok(())
    }

    async fn keep(&self, key: &str, to: Timestamp, is_record: bool) -> Result<(), StoreError> {
        const OPERATION: &str = "UpdateItem";
        let one = AttributeValue::N("1".to_owned());
        let update = self
            .client
            .update_item()
            .table_name(&self.name)
            .key(KEY, AttributeValue::S(key.to_owned()))
            .condition_expression(
                "attribute_exists(#key) AND #expires < :to AND attribute_not_exists(#deleted)",
            )
            .expression_attribute_names("#key", KEY)
            .expression_attribute_names("#expires", TTL)
            .expression_attribute_names("#deleted", "deletedAt")
            .expression_attribute_values(":to", AttributeValue::N(to.as_secs().to_string()));
        let update = if is_record {
            update
                .update_expression("SET #expires = :to, #version = #version + :one")
                .expression_attribute_names("#version", item::VERSION)
                .expression_attribute_values(":one", one)
        } else {
            update.update_expression("SET #expires = :to")
        };
        match update.send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(failed(OPERATION, error)),
            },
        }
    }

    /// Deletes the chunks of a session's attempts, the last of each first. So what an interruption leaves has no gap, and
    /// is found again.
    pub(crate) async fn erase(
        &self,
        id: SessionId,
        last_attempt: Attempt,
    ) -> Result<(), StoreError> {
        let _call = self.calls.acquire().await;
        let kinds: [fn(SessionId, Attempt, u32) -> String; 2] =
            [text_chunks::key, piece_chunks::key];
        let attempts = (1..=last_attempt.0).map(Attempt);
        let starts: Vec<_> = attempts
            .flat_map(|attempt| kinds.map(|key| (attempt, key)))
            .collect();
        let firsts = starts.iter().map(|(attempt, key)| key(id, *attempt, 0));
        let there = self.are_there(firsts.collect()).await?;
        for ((attempt, key), _) in starts.into_iter().zip(there).filter(|(_, there)| *there) {
            let mut count = 1;
            loop {
                let keys = (count..count + STEP).map(|index| key(id, attempt, index));
                let there = self.are_there(keys.collect()).await?;
                let more = there.iter().take_while(|there| **there).count();
                count += u32::try_from(more).unwrap_or(STEP);
                if more < STEP as usize {
                    break;
                }
            }
            for index in (0..count).rev() {
                self.delete(&key(id, attempt, index)).await?;
            }
        }
        Ok(())
    }

    async fn are_there(&self, keys: Vec<String>) -> Result<Vec<bool>, StoreError> {
        let keys = self.keys(keys);
        let found: Vec<Option<Item>> = batch::get(&self.client, &keys, Some(KEY)).await?;
        Ok(found.iter().map(Option::is_some).collect())
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        let delete = self.client.delete_item().table_name(&self.name);
        let delete = delete.key(KEY, AttributeValue::S(key.to_owned()));
        let deleted = delete.send().await;
        deleted
            .map(drop)
            .map_err(|source| failed("DeleteItem", source))
    }
}

fn chunk_keys(id: SessionId, sealed: Sealed) -> Vec<String> {
    let Sealed {
        attempt,
        chunks,
        piece_chunks,
    } = sealed;
    let texts = (0..chunks).map(|index| text_chunks::key(id, attempt, index));
    let others = (0..piece_chunks).map(|index| piece_chunks::key(id, attempt, index));
    texts.chain(others).collect()
}
