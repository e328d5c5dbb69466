//! `ChangeMessageVisibility` and `ChangeMessageVisibilityBatch`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{batch, queue_name, ranged, required};
use crate::error::ApiError;
use crate::store::Store;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Change {
    queue_url: Option<String>,
    #[serde(flatten)]
    entry: Entry,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ChangeBatch {
    queue_url: Option<String>,
    #[serde(default)]
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    id: Option<String>,
    receipt_handle: Option<String>,
    visibility_timeout: Option<i64>,
}

pub(super) fn one(store: &Store, input: &Change) -> Result<Value, ApiError> {
    let name = queue_name(input.queue_url.as_deref())?;
    change(store, &name, &input.entry)?;
    Ok(json!({}))
}

pub(super) fn batch(store: &Store, input: ChangeBatch) -> Result<Value, ApiError> {
    let name = queue_name(input.queue_url.as_deref())?;
    store.lock().queue(&name)?;
    batch::run(
        input.entries,
        "ChangeMessageVisibilityBatchRequestEntry",
        |entry| entry.id.as_deref(),
        |entry| change(store, &name, &entry).map(|()| Map::new()),
    )
}

fn change(store: &Store, name: &str, entry: &Entry) -> Result<(), ApiError> {
    store.lock().queue(name)?;
    let handle = required(entry.receipt_handle.as_deref(), "ReceiptHandle")?;
    let visibility = entry
        .visibility_timeout
        .ok_or_else(|| ApiError::missing("VisibilityTimeout"))?;
    let reason = "VisibilityTimeout must be >= 0 and <= 43200.";
    store.change_visibility(
        name,
        handle,
        ranged(visibility, "VisibilityTimeout", 43_200, reason)?,
    )
}
