//! What the three batch actions share: their checks, and one result for each entry.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::error::{ApiError, Kind};

const MAX_ENTRIES: usize = 10;

/// Checks the batch as a whole, then runs each entry on its own.
pub(super) fn run<E>(
    entries: Vec<E>,
    entry_type: &str,
    id: impl Fn(&E) -> Option<&str>,
    mut each: impl FnMut(E) -> Result<Map<String, Value>, ApiError>,
) -> Result<Value, ApiError> {
    check(&entries, entry_type, &id)?;
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries {
        let id = id(&entry).unwrap_or_default().to_owned();
        match each(entry) {
            Ok(mut result) => {
                result.insert("Id".to_owned(), Value::String(id));
                successful.push(Value::Object(result));
            }
            Err(error) => failed.push(json!({
                "Id": id,
                "SenderFault": error.sender_fault(),
                "Code": error.kind.query_code(),
                "Message": error.message,
            })),
        }
    }
    let mut answer = Map::new();
    answer.insert("Successful".to_owned(), Value::Array(successful));
    if !failed.is_empty() {
        answer.insert("Failed".to_owned(), Value::Array(failed));
    }
    Ok(Value::Object(answer))
}

pub(super) fn check<E>(
    entries: &[E],
    entry_type: &str,
    id: impl Fn(&E) -> Option<&str>,
) -> Result<(), ApiError> {
    if entries.is_empty() {
        return Err(Kind::EmptyBatchRequest.with(format!(
            "There should be at least one {entry_type} in the request."
        )));
    }
    if entries.len() > MAX_ENTRIES {
        return Err(Kind::TooManyEntriesInBatchRequest.with(format!(
            "Maximum number of entries per request are {MAX_ENTRIES}. You have sent {}.",
            entries.len()
        )));
    }
    let mut seen = HashSet::new();
    for entry in entries {
        let id = id(entry).ok_or_else(|| ApiError::missing(&format!("{entry_type}.Id")))?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !(1..=80).contains(&id.len()) || !id.bytes().all(allowed) {
            return Err(Kind::InvalidBatchEntryId.with(
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.",
            ));
        }
        if !seen.insert(id) {
            return Err(Kind::BatchEntryIdsNotDistinct.with(format!("Id {id} repeated.")));
        }
    }
    Ok(())
}
