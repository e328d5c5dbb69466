//! What was asked for, and how large it was.

use std::collections::BTreeMap;

use serde_json::Value;

/// So many requests of one operation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Calls {
    pub count: u64,
    pub request_bytes: u64,
    /// DynamoDB's, as the table's own answer says; of SQS, 64 KB each.
    pub units: f64,
    /// Of items written, by DynamoDB's rules for their size.
    pub item_bytes: u64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// By operation, as AWS names it; a mutation by its field.
    pub calls: BTreeMap<String, Calls>,
}

/// SQS bills each 64 KB of a request.
const SQS_UNIT_BYTES: u64 = 64 * 1024;

impl Counts {
    pub fn of(&self, operation: &str) -> Calls {
        self.calls.get(operation).copied().unwrap_or_default()
    }

    pub(super) fn add(&mut self, operation: &str, request_bytes: usize) -> &mut Calls {
        let calls = self.calls.entry(operation.to_owned()).or_default();
        calls.count += 1;
        calls.request_bytes += to_u64(request_bytes);
        calls
    }

    /// The sum over several operations.
    fn sum(&self, operations: &[&str]) -> Calls {
        operations.iter().map(|operation| self.of(operation)).fold(
            Calls::default(),
            |sum, calls| Calls {
                count: sum.count + calls.count,
                request_bytes: sum.request_bytes + calls.request_bytes,
                units: sum.units + calls.units,
                item_bytes: sum.item_bytes + calls.item_bytes,
            },
        )
    }

    pub fn dynamodb_writes(&self) -> Calls {
        self.sum(&[
            "PutItem",
            "UpdateItem",
            "DeleteItem",
            "BatchWriteItem",
            "TransactWriteItems",
        ])
    }

    pub fn dynamodb_reads(&self) -> Calls {
        self.sum(&["GetItem", "BatchGetItem", "Query", "TransactGetItems"])
    }

    pub fn sqs(&self) -> Calls {
        self.sum(&[
            "SendMessage",
            "ReceiveMessage",
            "DeleteMessage",
            "ChangeMessageVisibility",
            "GetQueueAttributes",
        ])
    }
}

impl Calls {
    pub(super) fn sqs_units(request_bytes: usize) -> f64 {
        to_f64(to_u64(request_bytes).div_ceil(SQS_UNIT_BYTES).max(1))
    }
}

/// The sizes of the items that a request writes.
pub(super) fn written_bytes(request: &Value) -> u64 {
    request.get("Item").map_or(0, map_bytes)
}

/// DynamoDB's rules: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>.
fn map_bytes(item: &Value) -> u64 {
    let attributes = item.as_object().into_iter().flatten();
    attributes
        .map(|(name, value)| to_u64(name.len()) + value_bytes(value))
        .sum()
}

fn value_bytes(value: &Value) -> u64 {
    let Some((kind, value)) = value.as_object().and_then(|value| value.iter().next()) else {
        return 0;
    };
    let text = value.as_str().unwrap_or_default().len();
    match kind.as_str() {
        "S" => to_u64(text),
        // Two digits a byte, and one for the sign and the exponent.
        "N" => to_u64(text.div_ceil(2) + 1),
        // In base64.
        "B" => to_u64(text / 4 * 3),
        "M" => 3 + map_bytes(value) + to_u64(value.as_object().map_or(0, serde_json::Map::len)),
        "L" => {
            let values = value.as_array().into_iter().flatten();
            3 + values.map(|value| 1 + value_bytes(value)).sum::<u64>()
        }
        _ => 1,
    }
}

/// What DynamoDB's answer says that it consumed.
pub(super) fn consumed(answer: &Value) -> f64 {
    let units = |of: &Value| of["CapacityUnits"].as_f64().unwrap_or(0.0);
    match &answer["ConsumedCapacity"] {
        Value::Array(tables) => tables.iter().map(units).sum(),
        table => units(table),
    }
}

fn to_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "a few units")]
fn to_f64(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_size_of_an_item_is_dynamodbs() {
        for (item, expected) in [
            (json!({"id": {"S": "abc"}}), 5),
            (json!({"n": {"N": "1234"}}), 4),
            (json!({"b": {"BOOL": true}}), 2),
            (json!({"b": {"B": "AAAA"}}), 4),
            (json!({"m": {"M": {"a": {"S": "x"}}}}), 1 + 3 + 2 + 1),
            (json!({"l": {"L": [{"S": "x"}, {"N": "1"}]}}), 1 + 3 + 2 + 3),
        ] {
            assert_eq!(written_bytes(&json!({ "Item": item })), expected, "{item}");
        }
    }

    #[test]
    fn what_was_consumed_is_added_up() {
        let one = json!({"ConsumedCapacity": {"TableName": "t", "CapacityUnits": 2.0}});
        let two = json!({"ConsumedCapacity": [{"CapacityUnits": 2.0}, {"CapacityUnits": 0.5}]});
        assert!((consumed(&one) - 2.0).abs() < 1e-9);
        assert!((consumed(&two) - 2.5).abs() < 1e-9);
        assert!(consumed(&json!({})).abs() < 1e-9);
    }

    #[test]
    fn a_large_request_of_sqs_is_several() {
        for (bytes, units) in [(1, 1.0), (65_536, 1.0), (65_537, 2.0)] {
            assert!((Calls::sqs_units(bytes) - units).abs() < 1e-9, "{bytes}");
        }
    }
}
