//! A session's record as an item. The item holds only the end of a long text: see [`super::text_chunks`].
//!
//! While a deployment runs, old and new functions read and write the same items. So a reader takes the item version
//! before its own and the one after it, and writes attributes back that it doesn't know. A version may add attributes
//! at the top that have a default. An attribute with another meaning needs another name.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_dynamo::Deserializer as ItemDeserializer;
use thiserror::Error;
use tokencast_core::assistant::{AssistantName, Cost, Price};
use tokencast_core::event::{Ending, Guardrail, Usage};
use tokencast_core::failure::Failure;
use tokencast_core::id::{Attempt, ConversationId, Owner, Sequence, SessionId};
use tokencast_core::ports::{Sealed, Version, Versioned};
use tokencast_core::session::{
    Fingerprint, Follower, Lease, Lengths, OtherPieces, Session, Status,
};
use tokencast_core::time::Timestamp;
use uuid::Uuid;

use super::text_chunks::TextChunk;
use super::unknown;

mod fields;
mod quota_fields;

use fields::{FailureRecord, FollowerRecord, UsageRecord};
use quota_fields::{PriceRecord, QuotaRecord};

#[cfg(test)]
mod tests;

pub(crate) type Item = HashMap<String, AttributeValue>;

/// Counts the writes of an item.
pub(crate) const VERSION: &str = "version";

/// Says which version of this code wrote an item. The first version wrote none.
pub(crate) const ITEM_VERSION: &str = "itemVersion";

/// The version of the items that this code writes.
pub(crate) const OWN_ITEM_VERSION: u32 = 3;

/// Every attribute of a [`Record`].
const KNOWN: [&str; 43] = [
    "sessionId",
    VERSION,
    ITEM_VERSION,
    "owner",
    "status",
    "fingerprint",
    "attempt",
    "sequence",
    "text",
    "lengths",
    "textAttempt",
    "parts",
    "otherAttempt",
    "other",
    "pieces",
    "otherParts",
    "reasoningMs",
    "lastAttempt",
    "reopenedAfter",
    "throttledAttempts",
    "throttledSince",
    "startBy",
    "stopRequested",
    "createdAt",
    "updatedAt",
    "expiresAt",
    "followers",
    "leaseUntil",
    "leaseHolder",
    "lastFailure",
    "stopReason",
    "usage",
    "cacheRead",
    "cacheWrite",
    "cost",
    "failure",
    "conversationId",
    "parentId",
    "assistant",
    "guardrail",
    "deletedAt",
    "price",
    "quota",
];

/// An attribute of an item is missing or malformed.
#[derive(Debug, Error)]
#[error("the item's attribute `{0}` is missing or malformed")]
pub(crate) struct MalformedItem(pub(crate) String);

/// The attributes. Times are in milliseconds since the Unix epoch, but for `expiresAt`, which is in seconds.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    session_id: SessionId,
    version: u32,
    #[serde(default = "first_version")]
    item_version: u32,
    owner: Owner,
    status: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    attempt: Attempt,
    sequence: Sequence,
    text: String,
    #[serde(with = "serde_bytes")]
    lengths: Vec<u8>,
    text_attempt: Attempt,
    parts: u32,
    /// The attempt that wrote the following four. They count only if it is the text's: a function of the version before
    /// writes the text of a later attempt, and leaves these as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    other_attempt: Option<Attempt>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    other: Option<String>,
    #[serde(with = "serde_bytes", default, skip_serializing_if = "Option::is_none")]
    pieces: Option<Vec<u8>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    other_parts: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reasoning_ms: Option<u32>,
    last_attempt: Attempt,
    reopened_after: Attempt,
    #[serde(default)]
    throttled_attempts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    throttled_since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start_by: Option<Timestamp>,
    #[serde(default)]
    stop_requested: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
    expires_at: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    followers: Vec<FollowerRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lease_until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lease_holder: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_failure: Option<FailureRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stop_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    usage: Option<UsageRecord>,
    /// Part of the usage. A function of the version before would drop a field within `usage`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cache_read: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cache_write: Option<u32>,
    /// Of the usage, in micro-dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cost: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<FailureRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    conversation_id: Option<ConversationId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent_id: Option<SessionId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    assistant: Option<AssistantName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    guardrail: Option<Guardrail>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    price: Option<PriceRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quota: Option<QuotaRecord>,
}

fn first_version() -> u32 {
    1
}

/// What a record holds of an answer: what follows its chunks.
#[derive(Clone, Debug, Default)]
pub(super) struct Rest {
    pub(super) text: TextChunk,
    pub(super) others: OtherPieces,
}

pub(super) fn write(session: &Session, version: Version, rest: &Rest) -> Item {
    let mut item = unknown::write(&session.unknown);
    let written_by = item.get(ITEM_VERSION).cloned();
    item.extend(to_item(&record(session, version, rest)));
    // An item of a newer function keeps that function's version.
    if let Some(written_by) = written_by {
        item.insert(ITEM_VERSION.to_owned(), written_by);
    }
    item
}

fn record(session: &Session, version: Version, rest: &Rest) -> Record {
    let Rest { text, others } = rest;
    let has_rest = !others.is_empty();
    let other_parts = version.sealed.piece_chunks;
    let Ending {
        stop_reason,
        usage,
        failure,
        guardrail,
    } = session.ending.clone();
    Record {
        session_id: session.id,
        version: version.number,
        item_version: OWN_ITEM_VERSION,
        owner: session.owner.clone(),
        status: session.status,
        fingerprint: session.fingerprint.map(|it| it.to_string()),
        attempt: session.attempt,
        sequence: session.sequence,
        text: text.text.clone(),
        lengths: text.lengths.as_bytes().to_vec(),
        text_attempt: session.text_attempt,
        parts: version.sealed.chunks,
        other_attempt: (!session.others.is_empty()).then_some(session.text_attempt),
        other: has_rest.then(|| others.contents().to_owned()),
        pieces: has_rest.then(|| others.to_bytes()),
        other_parts: (other_parts > 0).then_some(other_parts),
        reasoning_ms: session.reasoning_ms,
        last_attempt: session.last_attempt,
        reopened_after: session.reopened_after,
        throttled_attempts: session.throttled_attempts,
        throttled_since: session.throttled_since,
        start_by: session.start_by,
        stop_requested: session.stop_requested,
        created_at: session.created_at,
        updated_at: session.updated_at,
        expires_at: session.expires_at.as_secs(),
        followers: session.followers.iter().map(FollowerRecord::from).collect(),
        lease_until: session.lease.map(|lease| lease.until),
        lease_holder: session.lease.map(|lease| lease.holder),
        last_failure: session.last_failure.clone().map(FailureRecord::from),
        stop_reason,
        usage: usage.map(UsageRecord::from),
        cache_read: usage.and_then(|usage| usage.cache_read_input_tokens),
        cache_write: usage.and_then(|usage| usage.cache_write_input_tokens),
        cost: usage.and_then(|usage| usage.cost).map(Cost::as_micros),
        failure: failure.map(FailureRecord::from),
        conversation_id: session.conversation_id,
        parent_id: session.parent_id,
        assistant: session.assistant.clone(),
        guardrail,
        deleted_at: session.deleted_at,
        price: session.price.map(PriceRecord::from),
        quota: QuotaRecord::of(session),
    }
}

/// Reads a record; its answer is only what follows its chunks.
pub(super) fn read(item: &Item) -> Result<Versioned, MalformedItem> {
    let mut record: Record = of_item(item)?;
    if record.other_attempt != Some(record.text_attempt) {
        (record.other, record.pieces) = (None, None);
        (record.other_parts, record.reasoning_ms) = (None, None);
    }
    let known = known_in(record.item_version)?;
    let unknown = unknown::read(item, &known)?;
    let version = Version {
        number: record.version,
        sealed: Sealed {
            attempt: record.text_attempt,
            chunks: record.parts,
            piece_chunks: record.other_parts.unwrap_or(0),
        },
    };
    let lease = match (record.lease_until, record.lease_holder) {
        (None, _) => None,
        (Some(until), Some(holder)) => Some(Lease { until, holder }),
        (Some(_), None) => return Err(malformed("leaseHolder")),
    };
    let fingerprint: Option<Result<Fingerprint, _>> = record.fingerprint.map(|it| it.parse());
    let session = Session {
        id: record.session_id,
        owner: record.owner,
        status: record.status,
        fingerprint: fingerprint
            .transpose()
            .map_err(|_| malformed("fingerprint"))?,
        attempt: record.attempt,
        sequence: record.sequence,
        lengths: lengths(record.lengths, &record.text)?,
        text: record.text,
        others: match (record.other, record.pieces) {
            (Some(contents), Some(pieces)) => other_pieces(contents, &pieces)?,
            (None, None) => OtherPieces::default(),
            (None, Some(_)) => return Err(malformed("other")),
            (Some(_), None) => return Err(malformed("pieces")),
        },
        reasoning_ms: record.reasoning_ms,
        text_attempt: record.text_attempt,
        ending: Ending {
            stop_reason: record.stop_reason,
            usage: record.usage.map(|usage| Usage {
                cache_read_input_tokens: record.cache_read,
                cache_write_input_tokens: record.cache_write,
                cost: record.cost.map(Cost::of_micros),
                ..usage.into()
            }),
            failure: record.failure.map(Failure::from),
            guardrail: record.guardrail,
        },
        last_attempt: record.last_attempt,
        reopened_after: record.reopened_after,
        throttled_attempts: record.throttled_attempts,
        throttled_since: record.throttled_since,
        start_by: record.start_by,
        lease,
        stop_requested: record.stop_requested,
        followers: record.followers.into_iter().map(Follower::from).collect(),
        last_failure: record.last_failure.map(Failure::from),
        created_at: record.created_at,
        updated_at: record.updated_at,
        expires_at: Timestamp::from_secs(record.expires_at),
        conversation_id: record.conversation_id,
        parent_id: record.parent_id,
        assistant: record.assistant,
        deleted_at: record.deleted_at,
        price: record.price.map(Price::from),
        reservation: record.quota.as_ref().map(QuotaRecord::reservation),
        spent: record
            .quota
            .as_ref()
            .map(QuotaRecord::spent)
            .unwrap_or_default(),
        unknown,
    };
    Ok(Versioned { session, version })
}

/// The attributes that this code knows of an item of this version, if it reads that version. It must not change a newer
/// version.
fn known_in(written_by: u32) -> Result<Vec<&'static str>, MalformedItem> {
    match written_by.checked_sub(OWN_ITEM_VERSION - 1) {
        Some(0 | 1) => Ok(KNOWN.to_vec()),
        Some(2) => Ok(KNOWN
            .into_iter()
            .filter(|name| *name != ITEM_VERSION)
            .collect()),
        _ => Err(malformed(ITEM_VERSION)),
    }
}

/// Makes an item of a struct that has only text, numbers and bytes.
pub(crate) fn to_item(record: &impl Serialize) -> Item {
    serde_dynamo::to_item(record).expect("text, numbers and bytes always serialize")
}

/// Reads an item. The error names the malformed attribute, and never quotes it, for it may be an answer's text.
pub(crate) fn of_item<T: DeserializeOwned>(item: &Item) -> Result<T, MalformedItem> {
    let attributes = AttributeValue::M(item.clone());
    let deserializer = ItemDeserializer::from_attribute_value(attributes.into());
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let reason = error.inner().to_string();
        // The path of a missing attribute is the item's, so the name comes from the message.
        let missing = reason.strip_prefix("missing field `");
        let missing = missing.and_then(|name| name.strip_suffix('`'));
        malformed(missing.unwrap_or(&error.path().to_string()))
    })
}

/// Reads where the events in `text` end.
pub(super) fn lengths(bytes: Vec<u8>, text: &str) -> Result<Lengths, MalformedItem> {
    Lengths::of(bytes, text).ok_or_else(|| malformed("lengths"))
}

/// Reads which piece each event has.
pub(super) fn other_pieces(contents: String, bytes: &[u8]) -> Result<OtherPieces, MalformedItem> {
    OtherPieces::of(contents, bytes).ok_or_else(|| malformed("pieces"))
}

pub(crate) fn malformed(attribute: &str) -> MalformedItem {
    MalformedItem(attribute.to_owned())
}
