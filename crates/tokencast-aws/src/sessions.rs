//! The session table in DynamoDB. Each session is an item, written by compare and set on its `version`. The start of a
//! long text is in items beside it.
//!
//! | module | what |
//! | --- | --- |
//! | `item` | a session's record as an item |
//! | `text_chunks` | the start of a long text, in items that are written once |
//! | `unknown` | attributes that a newer function has written, kept as they are |

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, KeysAndAttributes, ReturnValuesOnConditionCheckFailure,
};
use tokencast_core::backoff::Backoff;
use tokencast_core::id::{Attempt, SessionId};
use tokencast_core::ports::{Conflict, Sealed, SessionStore, StoreError, Version, Versioned};
use tokencast_core::session::Session;
use tokio::sync::Semaphore;

mod item;
mod text_chunks;
mod unknown;

use item::Item;
use text_chunks::TextChunk;

use crate::sdk::MAX_CALLS;

pub use text_chunks::TEXT_CHUNK_BYTES;

/// The partition key.
pub const KEY: &str = "sessionId";

/// The attribute that DynamoDB's TTL reads: seconds since the Unix epoch.
pub const TTL: &str = "expiresAt";

/// DynamoDB's limit for one batch.
const MAX_BATCH: u32 = 100;

#[derive(Clone, Debug)]
pub struct SessionTable {
    client: Client,
    name: String,
    /// Permits for [`MAX_CALLS`] calls at a time.
    calls: Arc<Semaphore>,
}

impl SessionTable {
    pub fn new(sdk: &SdkConfig, name: String) -> Self {
        Self {
            client: Client::new(sdk),
            name,
            calls: Arc::new(Semaphore::new(MAX_CALLS)),
        }
    }
}

impl SessionStore for SessionTable {
    async fn get(&self, id: SessionId) -> Result<Option<Versioned>, StoreError> {
        const OPERATION: &str = "GetItem";
        let _call = self.calls.acquire().await;
        let get = self
            .client
            .get_item()
            .table_name(&self.name)
            .consistent_read(true);
        let got = get.key(KEY, AttributeValue::S(id.to_string())).send().await;
        match got.map_err(|source| failed(OPERATION, source))?.item {
            None => Ok(None),
            Some(item) => self.read(OPERATION, &item).await.map(Some),
        }
    }

    async fn put(
        &self,
        session: &Session,
        expected: Option<Version>,
    ) -> Result<Result<Version, Conflict>, StoreError> {
        const OPERATION: &str = "PutItem";
        let _call = self.calls.acquire().await;
        let (chunks, rest) = text_chunks::split(&session.text, &session.lengths);
        let mut version = Version::after(expected);
        version.sealed = Box::pin(self.seal(session, &chunks, version.sealed)).await?;
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item::write(session, version, &rest)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = match expected {
            None => put
                .condition_expression("attribute_not_exists(#key)")
                .expression_attribute_names("#key", KEY),
            Some(expected) => put
                .condition_expression("#version = :expected")
                .expression_attribute_names("#version", item::VERSION)
                .expression_attribute_values(
                    ":expected",
                    AttributeValue::N(expected.number.to_string()),
                ),
        };
        let Err(error) = put.send().await else {
            return Ok(Ok(version));
        };
        if let Some(PutItemError::ConditionalCheckFailedException(refused)) =
            error.as_service_error()
        {
            let found = match refused.item() {
                None => None,
                Some(item) => Some(self.read(OPERATION, item).await?),
            };
            return Ok(Err(Conflict(found)));
        }
        Err(failed(OPERATION, error))
    }
}

impl SessionTable {
    /// Writes the chunks of the text that are not stored yet, before the record that counts them. An attempt's chunks
    /// never change, so a chunk does no harm whose worker has lost its lease.
    async fn seal(
        &self,
        session: &Session,
        chunks: &[TextChunk],
        before: Sealed,
    ) -> Result<Sealed, StoreError> {
        let attempt = session.text_attempt;
        let there = if before.attempt == attempt {
            before.chunks
        } else {
            0
        };
        for (chunk, index) in chunks.iter().zip(0..).skip(there as usize) {
            let key = text_chunks::key(session.id, attempt, index);
            let put = self.client.put_item().table_name(&self.name);
            let put = put.set_item(Some(text_chunks::write(key, chunk, session.expires_at)));
            put.send()
                .await
                .map_err(|source| failed("PutItem of a part", source))?;
        }
        let count = u32::try_from(chunks.len()).unwrap_or(u32::MAX);
        Ok(Sealed {
            attempt,
            chunks: count,
        })
    }

    /// Reads a record's item, and the chunks that it counts.
    async fn read(&self, operation: &'static str, item: &Item) -> Result<Versioned, StoreError> {
        let mut record = item::read(item).map_err(|source| failed(operation, source))?;
        let Sealed { attempt, chunks } = record.version.sealed;
        if chunks > 0 {
            let session = &mut record.session;
            let rest = TextChunk {
                text: std::mem::take(&mut session.text),
                lengths: std::mem::take(&mut session.lengths),
            };
            // Boxed, because most answers are short and have no chunks.
            let sealed = Box::pin(self.unseal(session.id, attempt, chunks)).await?;
            let TextChunk { text, lengths } = text_chunks::join(sealed.into_iter().chain([rest]));
            (session.text, session.lengths) = (text, lengths);
        }
        Ok(record)
    }

    async fn unseal(
        &self,
        id: SessionId,
        attempt: Attempt,
        count: u32,
    ) -> Result<Vec<TextChunk>, StoreError> {
        let mut chunks = Vec::new();
        for first in (0..count).step_by(MAX_BATCH as usize) {
            let batch = first..count.min(first + MAX_BATCH);
            let keys: Vec<_> = batch
                .map(|index| text_chunks::key(id, attempt, index))
                .collect();
            chunks.extend(self.get_batch(&keys).await?);
        }
        Ok(chunks)
    }

    /// Reads the items with these keys, in their order. DynamoDB may leave some for the next request.
    async fn get_batch(&self, keys: &[String]) -> Result<Vec<TextChunk>, StoreError> {
        const OPERATION: &str = "BatchGetItem";
        const BACKOFF: Backoff = Backoff {
            first: Duration::from_millis(20),
            cap: Duration::from_secs(1),
        };
        const MAX_REQUESTS: u32 = 8;
        let mut found: Vec<Option<TextChunk>> = vec![None; keys.len()];
        for request in 1..=MAX_REQUESTS {
            let missing = keys.iter().zip(&found).filter(|(_, chunk)| chunk.is_none());
            let missing = missing.map(|(key, _)| {
                let key = AttributeValue::S(key.clone());
                Item::from([(KEY.to_owned(), key)])
            });
            let wanted = KeysAndAttributes::builder()
                .set_keys(Some(missing.collect()))
                .consistent_read(true)
                .build()
                .map_err(|source| failed(OPERATION, source))?;
            let batch = self
                .client
                .batch_get_item()
                .request_items(&self.name, wanted);
            let got = batch
                .send()
                .await
                .map_err(|source| failed(OPERATION, source))?;
            let items = got.responses.and_then(|mut of| of.remove(&self.name));
            for item in items.unwrap_or_default() {
                let read = text_chunks::read(&item).map_err(|source| failed(OPERATION, source))?;
                let (key, chunk) = read;
                if let Some(at) = keys.iter().position(|wanted| *wanted == key) {
                    found[at] = Some(chunk);
                }
            }
            if got.unprocessed_keys.is_none_or(|left| left.is_empty()) {
                break;
            }
            tokio::time::sleep(BACKOFF.delay(request)).await;
        }
        let found: Option<Vec<_>> = found.into_iter().collect();
        found.ok_or_else(|| failed(OPERATION, item::malformed("parts")))
    }
}

fn failed(
    operation: &'static str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StoreError {
    StoreError {
        operation,
        source: source.into(),
    }
}
