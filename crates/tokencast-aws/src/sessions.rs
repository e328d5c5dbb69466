//! The session table in DynamoDB. Each session is an item, written by compare and set on its `version`. The start of a
//! long answer is in items beside it.
//!
//! | module | what |
//! | --- | --- |
//! | `item` | a session's record as an item |
//! | `remains` | what an extension keeps, and a deletion deletes, beside a record |
//! | `text_chunks` | the start of a long text, in items that are written once |
//! | `piece_chunks` | the same of what an answer has besides its text |
//! | `turns` | the writes of a session that is a turn of a conversation |
//! | `unknown` | attributes that a newer function has written, kept as they are |

use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use tokencast_core::id::{Owner, SessionId};
use tokencast_core::ports::{
    Conflict, LedgerStore, LedgerWrite, Sealed, SessionStore, Standing, StoreError, Version,
    Versioned,
};
use tokencast_core::quota::Day;
use tokencast_core::session::Session;
use tokio::sync::Semaphore;

pub(crate) mod item;
mod piece_chunks;
mod remains;
mod text_chunks;
pub(crate) mod turns;
pub(crate) mod unknown;

use item::{Item, MalformedItem, Rest};
use text_chunks::TextChunk;

use crate::batch::{self, Key};
use crate::quotas::QuotaTable;
use crate::sdk::MAX_CALLS;

pub use text_chunks::TEXT_CHUNK_BYTES;

/// The partition key.
pub const KEY: &str = "sessionId";

/// The attribute that DynamoDB's TTL reads: seconds since the Unix epoch.
pub const TTL: &str = "expiresAt";

#[derive(Clone, Debug)]
pub struct SessionTable {
    client: Client,
    name: String,
    /// The table of conversations, whose turns' heads say how their sessions ended.
    conversations: String,
    /// Where the owners' ledgers are; `None` without quotas.
    quotas: Option<QuotaTable>,
    /// Permits for [`MAX_CALLS`] calls at a time.
    calls: Arc<Semaphore>,
}

impl SessionTable {
    /// The tables of sessions and of conversations, by their names.
    pub fn new(sdk: &SdkConfig, name: String, conversations: String) -> Self {
        Self {
            client: Client::new(sdk),
            name,
            conversations,
            quotas: None,
            calls: Arc::new(Semaphore::new(MAX_CALLS)),
        }
    }
}

impl SessionTable {
    /// The same, with the table of its owners' quotas, if there is one.
    #[must_use]
    pub fn with_quotas(self, quotas: Option<QuotaTable>) -> Self {
        Self { quotas, ..self }
    }
}

impl LedgerStore for SessionTable {
    async fn standing(&self, owner: &Owner, day: Day) -> Result<Option<Standing>, StoreError> {
        let Some(quotas) = &self.quotas else {
            return Ok(None);
        };
        let _call = self.calls.acquire().await;
        quotas.standing(owner, day).await.map(Some)
    }
}

impl SessionStore for SessionTable {
    async fn get(&self, id: SessionId) -> Result<Option<Versioned>, StoreError> {
        let _call = self.calls.acquire().await;
        self.get_unpermitted(id).await
    }

    async fn put(
        &self,
        session: &Session,
        expected: Option<Version>,
        ledger: Option<LedgerWrite<'_>>,
    ) -> Result<Result<Version, Conflict>, StoreError> {
        const OPERATION: &str = "PutItem";
        let _call = self.calls.acquire().await;
        let (item, version, chunks) = written(session, expected);
        if session.conversation_id.is_some() {
            // Boxed, because it is of no use to a session outside of conversations.
            let put = self.put_turn(session, expected, item, version, chunks, ledger);
            return Box::pin(put).await;
        }
        // The chunks are written before the record that counts them. An attempt's chunks never change, so a chunk does no
        // harm whose worker has lost its lease.
        for chunk in chunks {
            Box::pin(self.put_chunk(chunk)).await?;
        }
        if ledger.is_some() {
            let put = self.put_with(session, expected, item, version, ledger);
            return Box::pin(put).await;
        }
        self.put_item(OPERATION, session, item, version, expected)
            .await
    }
}

impl SessionTable {
    /// Writes a record by compare and set.
    async fn put_item(
        &self,
        operation: &'static str,
        session: &Session,
        item: Item,
        version: Version,
        expected: Option<Version>,
    ) -> Result<Result<Version, Conflict>, StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = match expected {
            None => put
                .condition_expression(turns::ABSENT)
                .expression_attribute_names("#key", KEY),
            Some(expected) => put
                .condition_expression(turns::UNCHANGED)
                .expression_attribute_names("#version", item::VERSION)
                .expression_attribute_values(
                    ":expected",
                    AttributeValue::N(expected.number.to_string()),
                ),
        };
        let Err(error) = put.send().await else {
            return Ok(Ok(version));
        };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(refused)) => {
                self.conflict(operation, refused.item()).await.map(Err)
            }
            // A start or an end of the turn is being written: that came first.
            Some(PutItemError::TransactionConflictException(_)) => {
                let found = self.get_unpermitted(session.id).await?;
                Ok(Err(Conflict(found)))
            }
            _ => Err(failed(operation, error)),
        }
    }

    async fn conflict(
        &self,
        operation: &'static str,
        found: Option<&Item>,
    ) -> Result<Conflict, StoreError> {
        Ok(Conflict(match found {
            None => None,
            Some(item) => Some(self.read(operation, item).await?),
        }))
    }

    /// Reads a record for a call that has its permit already.
    async fn get_unpermitted(&self, id: SessionId) -> Result<Option<Versioned>, StoreError> {
        const OPERATION: &str = "GetItem";
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
        check_fit(&record.session).map_err(|source| failed(operation, source))?;
        Ok(record)
    }

    /// The key of a session's record, as a batch names it.
    pub(crate) fn key(&self, id: SessionId) -> Key {
        Key::new(&self.name, [(KEY, id.to_string())])
    }

    /// Reads a record's item, and the chunks that it counts, for a call that has no permit yet.
    pub(crate) async fn read_permitted(
        &self,
        operation: &'static str,
        item: &Item,
    ) -> Result<Session, StoreError> {
        let _call = self.calls.acquire().await;
        self.read(operation, item).await.map(|it| it.session)
    }

    /// The keys of items, as a batch names them.
    fn keys(&self, keys: impl IntoIterator<Item = String>) -> Vec<Key> {
        let keys = keys.into_iter();
        keys.map(|key| Key::new(&self.name, [(KEY, key)])).collect()
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
        let keys = texts.chain(others);
        let mut items = Vec::new();
        for key in batch::get(&self.client, &self.keys(keys), None).await? {
            items.push(key.ok_or_else(|| failed(OPERATION, item::malformed("parts")))?);
        }
        let (texts, others) = items.split_at(chunks as usize);
        put_before(session, texts, others).map_err(|source| failed(OPERATION, source))
    }
}

/// A record's item, its version, and the chunks of its answer that are not stored yet.
fn written(session: &Session, expected: Option<Version>) -> (Item, Version, Vec<Item>) {
    let (texts, text) = text_chunks::split(&session.text, &session.lengths);
    let (others_chunks, others) = session.others.split(TEXT_CHUNK_BYTES);
    let rest = Rest { text, others };
    let mut version = Version::after(expected);
    let (id, attempt, expires_at) = (session.id, session.text_attempt, session.expires_at);
    let stored = if version.sealed.attempt == attempt {
        version.sealed
    } else {
        Sealed::default()
    };
    let count = |chunks: usize| u32::try_from(chunks).unwrap_or(u32::MAX);
    version.sealed = Sealed {
        attempt,
        chunks: count(texts.len()),
        piece_chunks: count(others_chunks.len()),
    };
    let texts = texts.iter().zip(0..).skip(stored.chunks as usize);
    let texts = texts.map(|(chunk, index)| {
        text_chunks::write(text_chunks::key(id, attempt, index), chunk, expires_at)
    });
    let others_chunks = others_chunks.iter().zip(0..);
    let others_chunks = others_chunks
        .skip(stored.piece_chunks as usize)
        .map(|(chunk, index)| {
            piece_chunks::write(piece_chunks::key(id, attempt, index), chunk, expires_at)
        });
    let chunks = texts.chain(others_chunks).collect();
    (item::write(session, version, &rest), version, chunks)
}

/// Puts the chunks of an answer, which these items are, before the rest of it.
fn put_before(session: &mut Session, texts: &[Item], others: &[Item]) -> Result<(), MalformedItem> {
    let texts: Result<Vec<_>, _> = texts.iter().map(text_chunks::read).collect();
    let rest = TextChunk {
        text: std::mem::take(&mut session.text),
        lengths: std::mem::take(&mut session.lengths),
    };
    let TextChunk { text, lengths } = text_chunks::join(texts?.into_iter().chain([rest]));
    (session.text, session.lengths) = (text, lengths);
    let rest = std::mem::take(&mut session.others);
    for item in others {
        session.others.append(&piece_chunks::read(item)?);
    }
    session.others.append(&rest);
    Ok(())
}

/// Checks that there is a piece for each event of a whole answer.
fn check_fit(session: &Session) -> Result<(), MalformedItem> {
    let fits = session.others.fits(&session.lengths);
    fits.then_some(()).ok_or_else(|| item::malformed("pieces"))
}

pub(crate) fn failed(
    operation: &'static str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StoreError {
    StoreError {
        operation,
        source: source.into(),
    }
}

#[cfg(test)]
mod tests;
