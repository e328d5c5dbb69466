//! `DeleteMessage` and `DeleteMessageBatch`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{batch, queue_name, required};
use crate::error::ApiError;
use crate::store::Store;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Delete {
    queue_url: Option<String>,
    receipt_handle: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeleteBatch {
    queue_url: Option<String>,
    #[serde(default)]
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    id: Option<String>,
    receipt_handle: Option<String>,
}

pub(super) fn one(store: &Store, input: &Delete) -> Result<Value, ApiError> {
    let name = queue_name(input.queue_url.as_deref())?;
    store.lock().queue(&name)?;
    store.delete(
        &name,
        required(input.receipt_handle.as_deref(), "ReceiptHandle")?,
    )?;
    Ok(json!({}))
}

pub(super) fn batch(store: &Store, input: DeleteBatch) -> Result<Value, ApiError> {
    let name = queue_name(input.queue_url.as_deref())?;
    store.lock().queue(&name)?;
    batch::run(
        input.entries,
        "DeleteMessageBatchRequestEntry",
        |entry| entry.id.as_deref(),
        |entry| {
            store.delete(
                &name,
                required(entry.receipt_handle.as_deref(), "ReceiptHandle")?,
            )?;
            Ok(Map::new())
        },
    )
}
