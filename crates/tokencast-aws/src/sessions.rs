//! The session table in DynamoDB. Each session is an item, written by compare and set on its `version`. The start of a
//! long answer is in items beside it.
//!
//! | module | what |
//! | --- | --- |
//! | `item` | a session's record as an item |
//! | `text_chunks` | the start of a long text, in items that are written once |
//! | `piece_chunks` | the same of what an answer has besides its text |
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
use tokencast_core::id::SessionId;
use tokencast_core::ports::{Conflict, Sealed, SessionStore, StoreError, Version, Versioned};
use tokencast_core::session::{OtherPieces, Session};
use tokio::sync::Semaphore;

mod item;
mod piece_chunks;
mod text_chunks;
mod unknown;

use item::{Item, Rest};
use text_chunks::TextChunk;

use crate::sdk::MAX_CALLS;

pub use text_chunks::TEXT_CHUNK_BYTES;

/// The partition key.
pub const KEY: &str = "sessionId";

/// The attribute that DynamoDB's TTL reads: seconds since the Unix epoch.
pub const TTL: &str = "expiresAt";

/// DynamoDB's limit for one batch.
const MAX_BATCH: usize = 100;

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
        let (chunks, text) = text_chunks::split(&session.text, &session.lengths);
        let (piece_chunks, others) = session.others.split(TEXT_CHUNK_BYTES);
        let rest = Rest { text, others };
        let mut version = Version::after(expected);
        let sealed = self.seal(session, &chunks, &piece_chunks, version.sealed);
        version.sealed = Box::pin(sealed).await?;
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
    /// Writes the chunks of the answer that are not stored yet, before the record that counts them. An attempt's chunks
    /// never change, so a chunk does no harm whose worker has lost its lease.
    async fn seal(
        &self,
        session: &Session,
        chunks: &[TextChunk],
        piece_chunks: &[OtherPieces],
        before: Sealed,
    ) -> Result<Sealed, StoreError> {
        let attempt = session.text_attempt;
        let there = match before.attempt == attempt {
            true => before,
            false => Sealed::default(),
        };
        for (chunk, index) in chunks.iter().zip(0..).skip(there.chunks as usize) {
            let key = text_chunks::key(session.id, attempt, index);
            let item = text_chunks::write(key, chunk, session.expires_at);
            self.put_chunk(item).await?;
        }
        let missing = piece_chunks.iter().zip(0..);
        for (chunk, index) in missing.skip(there.piece_chunks as usize) {
            let key = piece_chunks::key(session.id, attempt, index);
            let item = piece_chunks::write(key, chunk, session.expires_at);
            self.put_chunk(item).await?;
        }
        let count = |chunks: usize| u32::try_from(chunks).unwrap_or(u32::MAX);
        Ok(Sealed {
            attempt,
            chunks: count(chunks.len()),
            piece_chunks: count(piece_chunks.len()),
        })
    }

    async fn put_chunk(&self, chunk: Item) -> Result<(), StoreError> {
        let put = self.client.put_item().table_name(&self.name);
        let put = put.set_item(Some(chunk)).send().await;
        put.map_err(|source| failed("PutItem of a part", source))?;
        Ok(())
    }

    /// Reads a record's item, and the chunks that it counts.
    async fn read(&self, operation: &'static str, item: &Item) -> Result<Versioned, StoreError> {
        let mut record = item::read(item).map_err(|source| failed(operation, source))?;
        let sealed = record.version.sealed;
        if sealed.chunks > 0 || sealed.piece_chunks > 0 {
            // Boxed, because most answers are short and have no chunks.
            Box::pin(self.unseal(&mut record.session, sealed)).await?;
        }
        let Session {
            others, lengths, ..
        } = &record.session;
        if !others.fits(lengths) {
            return Err(failed(operation, item::malformed("pieces")));
        }
        Ok(record)
    }

    /// Puts the chunks of an answer before the rest, which the record has.
    async fn unseal(&self, session: &mut Session, sealed: Sealed) -> Result<(), StoreError> {
        const OPERATION: &str = "BatchGetItem";
        let Sealed {
            attempt,
            chunks,
            piece_chunks,
        } = sealed;
        let texts = (0..chunks).map(|index| text_chunks::key(session.id, attempt, index));
        let others = (0..piece_chunks).map(|index| piece_chunks::key(session.id, attempt, index));
        let keys: Vec<_> = texts.chain(others).collect();
        let mut items = Vec::new();
        for keys in keys.chunks(MAX_BATCH) {
            items.extend(self.get_batch(keys).await?);
        }
        let (texts, others) = items.split_at(chunks as usize);
        let texts: Result<Vec<_>, _> = texts.iter().map(text_chunks::read).collect();
        let texts = texts.map_err(|source| failed(OPERATION, source))?;
        let rest = TextChunk {
            text: std::mem::take(&mut session.text),
            lengths: std::mem::take(&mut session.lengths),
        };
        let TextChunk { text, lengths } = text_chunks::join(texts.into_iter().chain([rest]));
        (session.text, session.lengths) = (text, lengths);
        let rest = std::mem::take(&mut session.others);
        for item in others {
            let chunk = piece_chunks::read(item).map_err(|source| failed(OPERATION, source))?;
            session.others.append(&chunk);
        }
        session.others.append(&rest);
        Ok(())
    }

    /// Reads the items with these keys, in their order. DynamoDB may leave some for the next request.
    async fn get_batch(&self, keys: &[String]) -> Result<Vec<Item>, StoreError> {
        const OPERATION: &str = "BatchGetItem";
        const BACKOFF: Backoff = Backoff {
            first: Duration::from_millis(20),
            cap: Duration::from_secs(1),
        };
        const MAX_REQUESTS: u32 = 8;
        let mut found: Vec<Option<Item>> = vec![None; keys.len()];
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
                let key = item.get(KEY).and_then(|key| key.as_s().ok());
                if let Some(at) = keys.iter().position(|wanted| Some(wanted) == key) {
                    found[at] = Some(item);
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
