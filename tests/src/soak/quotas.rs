//! Checks what must hold of the quotas when everything is over: the sums in the table are what the sessions used, and that
//! is what the model's log says.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use local_stack::bedrock::log::ModelCall;
use serde_json::Value;
use tokencast::stack::QUOTAS_TABLE;

use uuid::Uuid;

use super::user::prompt;
use super::verdict::Records;
use crate::TestStack;

/// What an owner has used, on all days together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    pub starts: u64,
    pub tokens: u64,
    /// The sessions that still have a reservation.
    pub live: usize,
}

/// By owner.
pub type Ledgers = BTreeMap<String, Used>;

/// Returns what the table says.
pub async fn ledgers(stack: &TestStack) -> Ledgers {
    let mut ledgers = Ledgers::new();
    let mut items = stack
        .dynamodb()
        .scan()
        .table_name(QUOTAS_TABLE)
        .consistent_read(true)
        .into_paginator()
        .items()
        .send();
    while let Some(item) = items.next().await {
        let item = item.expect("a readable table");
        let number = |name: &str| {
            let number = item.get(name).and_then(|value| value.as_n().ok());
            number.map_or(0, |number| number.parse().expect("a number"))
        };
        let owner = item["owner"].as_s().expect("an owner").clone();
        let used = ledgers.entry(owner).or_default();
        used.starts += number("starts");
        used.tokens += number("tokens");
        if let Some(AttributeValue::M(live)) = item.get("live") {
            used.live += live.len();
        }
    }
    ledgers
}

/// Returns every promise that doesn't hold. `asked` are the sessions, each with the number of its prompt.
pub fn judge(
    asked: impl IntoIterator<Item = (usize, Uuid)>,
    records: &Records,
    ledgers: &Ledgers,
    calls: &[ModelCall],
) -> Vec<String> {
    let mut broken = Vec::new();
    let mut expected = Ledgers::new();
    for (id, record) in records {
        // A session that was refused, or stopped before its start, has no reservation.
        let Some(is_settled) = record["settled"].as_bool() else {
            continue;
        };
        if !is_settled {
            broken.push(format!("session {id} is not settled"));
        }
        let owner = record["owner"].as_str().unwrap_or_default().to_owned();
        let used = expected.entry(owner).or_default();
        used.starts += 1;
        used.tokens += record["spent"].as_u64().unwrap_or_default();
    }
    if expected.is_empty() {
        broken.push("no session has a reservation".to_owned());
    }
    if *ledgers != expected {
        broken.push(format!(
            "the ledgers have {ledgers:?}, the sessions {expected:?}"
        ));
    }
    for (number, id) in asked {
        let own = prompt(number);
        let own = calls.iter().filter(|call| call.prompt.contains(&own));
        let own: Vec<_> = own.collect();
        let record = records.get(&id);
        if let Some(wrong) = record.and_then(|record| wrong_sum(record, &own)) {
            broken.push(format!("session {number} ({id}): {wrong}"));
        }
    }
    broken
}

/// Compares what a session has used with what the model's log says. The model doesn't count an answer that was interrupted,
/// so such a call only bounds the sum: its input and the length of what it said are the most that is charged.
fn wrong_sum(record: &Value, calls: &[&ModelCall]) -> Option<String> {
    let spent = record["spent"].as_u64()?;
    if calls.is_empty() {
        return (spent > 0).then(|| format!("{spent} tokens, and the model was never asked"));
    }
    let input = record["input"].as_u64()?;
    let most = calls.iter().map(|call| {
        let about = input + call.text_sent.len().div_ceil(3) as u64;
        about.max(call.counted_tokens.unwrap_or(0))
    });
    let most: u64 = most.sum();
    if spent > most {
        return Some(format!(
            "{spent} tokens, and the model's calls are {most} at most"
        ));
    }
    if record["status"] != "COMPLETED" {
        return None;
    }
    let counted: Vec<_> = calls
        .iter()
        .filter_map(|call| call.counted_tokens)
        .collect();
    match (counted.iter().min(), calls.len() - counted.len()) {
        (None, _) => Some(format!("{spent} tokens, and the model counted none")),
        (Some(counted), 0) if calls.len() == 1 && spent != *counted => {
            Some(format!("{spent} tokens, and the model counted {counted}"))
        }
        (Some(least), _) if spent < *least => {
            Some(format!("{spent} tokens, and the model counted {least}"))
        }
        _ => None,
    }
}
