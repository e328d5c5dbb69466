//! `SendMessage` and `SendMessageBatch`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{batch, queue_name, ranged};
use crate::error::{ApiError, Kind};
use crate::journal::Record;
use crate::message::{
    MessageAttribute, check_attributes, check_body, md5_of_attributes, md5_of_body, size_bytes,
};
use crate::store::{Store, new_message};

const MAX_BATCH_BYTES: usize = 1_048_576;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Send {
    queue_url: Option<String>,
    #[serde(flatten)]
    entry: Entry,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SendBatch {
    queue_url: Option<String>,
    #[serde(default)]
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    id: Option<String>,
    message_body: Option<String>,
    delay_seconds: Option<i64>,
    message_attributes: Option<BTreeMap<String, MessageAttribute>>,
    message_system_attributes: Option<BTreeMap<String, MessageAttribute>>,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
}

pub(super) fn one(store: &Store, input: Send, trace: Option<&str>) -> Result<Value, ApiError> {
    let name = queue_name(input.queue_url.as_deref())?;
    put(store, &name, input.entry, trace).map(Value::Object)
}

pub(super) fn batch(
    store: &Store,
    input: SendBatch,
    trace: Option<&str>,
) -> Result<Value, ApiError> {
    let name = queue_name(input.queue_url.as_deref())?;
    store.lock().queue(&name)?;
    batch::check(&input.entries, "SendMessageBatchRequestEntry", |entry| {
        entry.id.as_deref()
    })?;
    let empty = BTreeMap::new();
    let of_entry = |entry: &Entry| {
        let attributes = entry.message_attributes.as_ref().unwrap_or(&empty);
        size_bytes(
            entry.message_body.as_deref().unwrap_or_default(),
            attributes,
        )
    };
    let bytes: usize = input.entries.iter().map(of_entry).sum();
    if bytes > MAX_BATCH_BYTES {
        return Err(Kind::BatchRequestTooLong.with(format!(
            "Batch requests cannot be longer than {MAX_BATCH_BYTES} bytes. You have sent {bytes} bytes."
        )));
    }
    batch::run(
        input.entries,
        "SendMessageBatchRequestEntry",
        |entry| entry.id.as_deref(),
        |entry| put(store, &name, entry, trace),
    )
}

fn put(
    store: &Store,
    name: &str,
    entry: Entry,
    trace: Option<&str>,
) -> Result<Map<String, Value>, ApiError> {
    let mut state = store.lock();
    let settings = &state.queue(name)?.attributes;
    let body = entry
        .message_body
        .ok_or_else(|| ApiError::missing("MessageBody"))?;
    let attributes = entry.message_attributes.unwrap_or_default();
    check_body(&body)?;
    check_attributes(&attributes)?;
    let most = settings.maximum_message_bytes;
    if size_bytes(&body, &attributes) > most as usize {
        return Err(Kind::InvalidParameterValue.with(format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {most} bytes."
        )));
    }
    let delay_s = match entry.delay_seconds {
        Some(delay) => ranged(
            delay,
            "DelaySeconds",
            900,
            "DelaySeconds must be >= 0 and <= 900.",
        )?,
        None => settings.delay_s,
    };
    if entry.message_deduplication_id.is_some() {
        let reason = "The request includes a parameter that is not valid for this queue type.";
        return Err(ApiError::invalid_value(
            entry.message_deduplication_id.unwrap_or_default(),
            "MessageDeduplicationId",
            reason,
        ));
    }
    check_group(entry.message_group_id.as_deref())?;
    let system = entry.message_system_attributes.unwrap_or_default();
    let mut message = new_message(body, store.clock.now_ms(), delay_s);
    message.trace_header = trace_header(&system)?.or_else(|| trace.map(str::to_owned));
    message.group = entry.message_group_id;
    message.attributes = attributes;

    let mut answer = Map::new();
    let mut insert =
        |name: &str, value: String| answer.insert(name.to_owned(), Value::String(value));
    insert("MessageId", message.id.to_string());
    insert("MD5OfMessageBody", md5_of_body(&message.body));
    if let Some(md5) = md5_of_attributes(&message.attributes) {
        insert("MD5OfMessageAttributes", md5);
    }
    if let Some(md5) = md5_of_attributes(&system) {
        insert("MD5OfMessageSystemAttributes", md5);
    }
    state.commit(Record::Put {
        queue: name.to_owned(),
        message,
    })?;
    Ok(answer)
}

fn check_group(group: Option<&str>) -> Result<(), ApiError> {
    let Some(group) = group else { return Ok(()) };
    if (1..=128).contains(&group.len()) && group.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    let reason = "MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.";
    Err(ApiError::invalid_value(group, "MessageGroupId", reason))
}

/// `AWSTraceHeader` is the only system attribute that a sender may set. Without it, the request's own header is used.
fn trace_header(system: &BTreeMap<String, MessageAttribute>) -> Result<Option<String>, ApiError> {
    if let Some(name) = system.keys().find(|name| *name != "AWSTraceHeader") {
        return Err(Kind::InvalidParameterValue.with(format!(
            "Message system attribute name '{name}' is invalid."
        )));
    }
    check_attributes_of_system(system)?;
    Ok(system
        .get("AWSTraceHeader")
        .and_then(|attribute| attribute.string_value.clone()))
}

fn check_attributes_of_system(system: &BTreeMap<String, MessageAttribute>) -> Result<(), ApiError> {
    match system
        .values()
        .find(|attribute| attribute.data_type != "String")
    {
        None => Ok(()),
        Some(_) => Err(Kind::InvalidParameterValue.with(
            "The message system attribute 'AWSTraceHeader' has an invalid type, it must be String.",
        )),
    }
}
