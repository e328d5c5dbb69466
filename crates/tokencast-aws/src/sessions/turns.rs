//! The writes of a session that is a turn of a conversation.
//!
//! - A chunk of its answer is written only while the record is as the worker knows it. So a worker that was paused writes no
//!   text of a conversation that was deleted meanwhile.
//! - The write that ends the session is one with the write of the turn's head, and of its owner's ledger.

use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::builders::PutBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, ConditionCheck, Put, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem,
};
use tokencast_core::backoff::Backoff;
use tokencast_core::ports::{Conflict, LedgerWrite, StoreError, Version};
use tokencast_core::session::{Session, Status};

use super::item::{self, Item};
use super::{KEY, SessionTable, failed};
use crate::conversations::turn_item;

/// The condition of an item that is not there yet.
pub(crate) const ABSENT: &str = "attribute_not_exists(#key)";

/// The condition of an item that nobody has written since it was read.
pub(crate) const UNCHANGED: &str = "#version = :expected";

/// The most chunks of one transaction: DynamoDB takes 100 items, and 4 MB.
const MAX_CHUNKS: usize = 90;

/// How often a transaction is tried that another one keeps out.
const MAX_TRIES: u32 = 8;

const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(20),
    cap: Duration::from_millis(500),
};

/// Why a transaction wrote nothing.
#[derive(Debug)]
pub(crate) enum Cancelled {
    /// The condition of the write with this number did not hold. `found` is the item, if it was asked for and there is
    /// one.
    Condition {
        at: usize,
        found: Option<Item>,
    },
    Failed(StoreError),
}

impl SessionTable {
    /// Writes the record of a turn, and the chunks that it counts.
    pub(super) async fn put_turn(
        &self,
        session: &Session,
        expected: Option<Version>,
        item: Item,
        version: Version,
        chunks: Vec<Item>,
        ledger: Option<LedgerWrite<'_>>,
    ) -> Result<Result<Version, Conflict>, StoreError> {
        const OPERATION: &str = "TransactWriteItems";
        for chunks in chunks.chunks(MAX_CHUNKS) {
            let mut writes = vec![self.check(session, expected)?];
            for chunk in chunks {
                let put = Put::builder()
                    .table_name(&self.name)
                    .set_item(Some(chunk.clone()));
                writes.push(Self::put_of(put)?);
            }
            match transact(&self.client, OPERATION, &writes).await {
                Ok(()) => {}
                Err(Cancelled::Condition { found, .. }) => {
                    return self.conflict(OPERATION, found.as_ref()).await.map(Err);
                }
                Err(Cancelled::Failed(error)) => return Err(error),
            }
        }
        self.put_with(session, expected, item, version, ledger)
            .await
    }

    /// Writes a record, with the head of its turn if that must hear of it, and with its owner's ledger: all or nothing.
    pub(super) async fn put_with(
        &self,
        session: &Session,
        expected: Option<Version>,
        item: Item,
        version: Version,
        ledger: Option<LedgerWrite<'_>>,
    ) -> Result<Result<Version, Conflict>, StoreError> {
        const OPERATION: &str = "TransactWriteItems";
        let mut told = session.conversation_id.filter(|_| tells_turn(session));
        loop {
            let counted = self.put_ledger(ledger)?;
            if told.is_none() && counted.is_none() {
                return self
                    .put_item("PutItem", session, item, version, expected)
                    .await;
            }
            let mut writes = vec![self.put_record(item.clone(), expected)?];
            if let Some(conversation_id) = told {
                writes.push(turn_item::end(
                    &self.conversations,
                    conversation_id,
                    session,
                )?);
            }
            writes.extend(counted);
            match transact(&self.client, OPERATION, &writes).await {
                Ok(()) => return Ok(Ok(version)),
                Err(Cancelled::Condition { at: 0, found }) => {
                    return self.conflict(OPERATION, found.as_ref()).await.map(Err);
                }
                // The turn's head was forgotten or deleted, which must not keep the session from its end.
                Err(Cancelled::Condition { at: 1, .. }) if told.is_some() => told = None,
                Err(Cancelled::Condition { .. }) => {
                    let change = match ledger {
                        Some(LedgerWrite::Changed(change)) => {
                            self.quotas.as_ref().zip(Some(change))
                        }
                        _ => None,
                    };
                    if let Some((quotas, change)) = change {
                        // There is no ledger of the day yet.
                        quotas.begin(&change.owner, change.day).await?;
                    } else {
                        // The ledger has changed.
                        let found = self.get_unpermitted(session.id).await?;
                        return Ok(Err(Conflict(found)));
                    }
                }
                Err(Cancelled::Failed(error)) => return Err(error),
            }
        }
    }

    /// The write of an owner's ledger within a transaction; `None` without one, or without a table of quotas.
    pub(crate) fn put_ledger(
        &self,
        ledger: Option<LedgerWrite<'_>>,
    ) -> Result<Option<TransactWriteItem>, StoreError> {
        let quotas = self.quotas.as_ref().zip(ledger);
        quotas
            .map(|(quotas, ledger)| match ledger {
                LedgerWrite::Admitted(ledger) => quotas.put(ledger),
                LedgerWrite::Changed(change) => quotas.change(change),
            })
            .transpose()
    }

    /// The write of a record by compare and set, within a transaction.
    pub(crate) fn put_record(
        &self,
        item: Item,
        expected: Option<Version>,
    ) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(item))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        Self::put_of(if_unchanged(put, KEY, expected.map(|it| it.number)))
    }

    /// A record's item as the start of a turn writes it, and its version.
    pub(crate) fn started(session: &Session, expected: Option<Version>) -> (Item, Version) {
        let (item, version, _) = super::written(session, expected);
        (item, version)
    }

    fn put_of(put: PutBuilder) -> Result<TransactWriteItem, StoreError> {
        let put = put.build().map_err(|source| failed("Put", source))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    fn check(
        &self,
        session: &Session,
        expected: Option<Version>,
    ) -> Result<TransactWriteItem, StoreError> {
        let number = expected.unwrap_or_default().number;
        let check = ConditionCheck::builder()
            .table_name(&self.name)
            .key(KEY, AttributeValue::S(session.id.to_string()))
            .condition_expression(UNCHANGED)
            .expression_attribute_names("#version", item::VERSION)
            .expression_attribute_values(":expected", AttributeValue::N(number.to_string()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let check = check
            .build()
            .map_err(|source| failed("ConditionCheck", source))?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }
}

/// Whether the turn's head must hear of the session's status: when it is over, and when an operator has opened it again.
fn tells_turn(session: &Session) -> bool {
    let is_reopened = session.status == Status::Queued
        && session.reopened_after.0 > 0
        && session.reopened_after == session.last_attempt;
    !session.is_deleted() && (session.status.is_terminal() || is_reopened)
}

/// Makes a write depend on its item: there must be none, or it must have this version.
pub(crate) fn if_unchanged(put: PutBuilder, key: &str, expected: Option<u32>) -> PutBuilder {
    match expected {
        None => put
            .condition_expression(ABSENT)
            .expression_attribute_names("#key", key),
        Some(number) => put
            .condition_expression(UNCHANGED)
            .expression_attribute_names("#version", item::VERSION)
            .expression_attribute_values(":expected", AttributeValue::N(number.to_string())),
    }
}

/// Writes all or nothing. Tries again while other transactions have one of the items.
pub(crate) async fn transact(
    client: &aws_sdk_dynamodb::Client,
    operation: &'static str,
    writes: &[TransactWriteItem],
) -> Result<(), Cancelled> {
    let mut tries = 0;
    loop {
        tries += 1;
        let write = client
            .transact_write_items()
            .set_transact_items(Some(writes.to_vec()));
        let Err(error) = write.send().await else {
            return Ok(());
        };
        let reasons = reasons(&error);
        let at = reasons
            .iter()
            .position(|reason| reason.code() == Some("ConditionalCheckFailed"));
        if let Some(at) = at {
            let found = reasons[at].item().filter(|item| !item.is_empty()).cloned();
            return Err(Cancelled::Condition { at, found });
        }
        let passes = |reason: &CancellationReason| {
            let codes = [
                "TransactionConflict",
                "ThrottlingError",
                "ProvisionedThroughputExceeded",
            ];
            reason.code().is_some_and(|code| codes.contains(&code))
        };
        if tries >= MAX_TRIES || !reasons.iter().any(passes) {
            return Err(Cancelled::Failed(failed(operation, error)));
        }
        tokio::time::sleep(BACKOFF.delay(tries)).await;
    }
}

fn reasons<R>(error: &SdkError<TransactWriteItemsError, R>) -> &[CancellationReason] {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            cancelled.cancellation_reasons()
        }
        _ => &[],
    }
}
