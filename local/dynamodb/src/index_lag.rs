//! The fault `indexLag`: a global secondary index whose answers don't have the newest items yet.
//!
//! AWS's indexes are eventually consistent; the database's own never lag. So writes are noted while a plan has the fault,
//! and an index's answer loses the items that were written too recently. An item that changed is missing for that time as
//! well, where AWS may still return it as it was.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use local_faults::{Event, Fault, FaultService, Faults, Point};
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::config::TableConfig;

/// Notes writes, and filters the answers of indexes. Clones share the notes.
#[derive(Clone, Debug)]
pub(crate) struct IndexLag {
    faults: Faults,
    keys: Arc<HashMap<String, Vec<String>>>,
    written: Arc<Mutex<HashMap<ItemKey, Instant>>>,
}

/// A table, and the values of its key's attributes.
type ItemKey = (String, Vec<Value>);

/// The items that a request writes.
#[derive(Debug)]
pub(crate) struct Writes {
    items: Vec<ItemKey>,
    longest: Duration,
}

impl IndexLag {
    pub(crate) fn new(tables: &[TableConfig]) -> Self {
        let keys = tables.iter().map(|table| {
            let sort_key = table.sort_key.iter().map(|key| key.name.clone());
            let names = std::iter::once(table.partition_key.clone()).chain(sort_key);
            (table.name.clone(), names.collect())
        });
        Self {
            faults: Faults::default(),
            keys: Arc::new(keys.collect()),
            written: Arc::default(),
        }
    }

    pub(crate) fn with_faults(self, faults: Faults) -> Self {
        Self { faults, ..self }
    }

    /// The items that a request writes, if the plan in force has the fault.
    pub(crate) fn writes(&self, operation: &str, body: &[u8]) -> Option<Writes> {
        let active = self.faults.active(FaultService::DynamoDb)?;
        let longest = active.longest_index_lag()?;
        let request: Value = serde_json::from_slice(body).ok()?;
        let mut items = Vec::new();
        let mut note = |table: &Value, attributes: &Value| {
            items.extend(table.as_str().and_then(|table| self.key(table, attributes)));
        };
        match operation {
            "PutItem" => note(&request["TableName"], &request["Item"]),
            "UpdateItem" => note(&request["TableName"], &request["Key"]),
            "TransactWriteItems" => {
                for action in request["TransactItems"].as_array()? {
                    note(&action["Put"]["TableName"], &action["Put"]["Item"]);
                    note(&action["Update"]["TableName"], &action["Update"]["Key"]);
                }
            }
            "BatchWriteItem" => {
                for (table, writes) in request["RequestItems"].as_object()? {
                    for write in writes.as_array().into_iter().flatten() {
                        note(&Value::from(table.as_str()), &write["PutRequest"]["Item"]);
                    }
                }
            }
            _ => return None,
        }
        Some(Writes { items, longest })
    }

    /// Notes that the items are written.
    pub(crate) fn note(&self, writes: Writes) {
        let now = Instant::now();
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.retain(|_, at| now.duration_since(*at) < writes.longest);
        written.extend(writes.items.into_iter().map(|item| (item, now)));
    }

    /// The answer to a query or scan of an index without the items that were written too recently; none if the answer
    /// stays as it is.
    pub(crate) fn filtered(&self, operation: &str, request: &[u8], answer: &[u8]) -> Option<Bytes> {
        if !matches!(operation, "Query" | "Scan") {
            return None;
        }
        let active = self.faults.active(FaultService::DynamoDb)?;
        active.longest_index_lag()?;
        let asked: Value = serde_json::from_slice(request).ok()?;
        asked.get("IndexName")?;
        let table = asked["TableName"].as_str()?;
        let event = Event {
            point: Point::Index,
            service: FaultService::DynamoDb,
            operations: &[operation],
            caller: None,
            has_process: false,
            body: request,
        };
        let fired = active.fire(&event).fault?;
        let Fault::IndexLag { ms } = *fired.fault else {
            return None;
        };
        let mut answer: Map<String, Value> = serde_json::from_slice(answer).ok()?;
        let items = answer.get_mut("Items")?.as_array_mut()?;
        items.retain(|item| !self.is_newer(table, item, Duration::from_millis(ms)));
        let count = Value::from(items.len());
        for counted in ["Count", "ScannedCount"] {
            answer.insert(counted.to_owned(), count.clone());
        }
        serde_json::to_vec(&answer).ok().map(Bytes::from)
    }

    fn is_newer(&self, table: &str, item: &Value, lag: Duration) -> bool {
        let Some(key) = self.key(table, item) else {
            return false;
        };
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.get(&key).is_some_and(|at| at.elapsed() < lag)
    }

    /// The item's key, if all attributes of it are there.
    fn key(&self, table: &str, attributes: &Value) -> Option<ItemKey> {
        let names = self.keys.get(table)?.iter();
        let values = names.map(|name| attributes.get(name).cloned());
        Some((table.to_owned(), values.collect::<Option<_>>()?))
    }
}
