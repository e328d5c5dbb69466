//! The function's event: `{"Records": […]}`, in the shape of Lambda's guide for SQS.

use aws_sdk_sqs::types::{Message, MessageAttributeValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};

/// The messages of one event.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) event: Bytes,
    pub(super) items: Vec<Item>,
}

/// The parts of a message that are needed after the invocation.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) message_id: String,
    pub(super) receipt_handle: String,
}

/// Groups messages into events of at most `most_bytes`. A larger message gets an event of its own.
pub(super) fn batches(
    messages: &[Message],
    queue_arn: &str,
    region: &str,
    most_bytes: usize,
) -> Vec<Batch> {
    let mut batches = Vec::new();
    let (mut records, mut items) = (Vec::new(), Vec::new());
    let mut bytes = 0;
    for message in messages {
        let record = record(message, queue_arn, region).to_string();
        if bytes + record.len() > most_bytes && !records.is_empty() {
            batches.push(batch(
                &std::mem::take(&mut records),
                std::mem::take(&mut items),
            ));
            bytes = 0;
        }
        bytes += record.len() + 1;
        records.push(record);
        items.push(Item {
            message_id: message.message_id().unwrap_or_default().to_owned(),
            receipt_handle: message.receipt_handle().unwrap_or_default().to_owned(),
        });
    }
    if !records.is_empty() {
        batches.push(batch(&records, items));
    }
    batches
}

fn batch(records: &[String], items: Vec<Item>) -> Batch {
    Batch {
        event: format!(r#"{{"Records":[{}]}}"#, records.join(",")).into(),
        items,
    }
}

fn record(message: &Message, queue_arn: &str, region: &str) -> Value {
    let attributes: Map<_, _> = message
        .attributes()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str().to_owned(), json!(value)))
        .collect();
    let message_attributes: Map<_, _> = message
        .message_attributes()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), attribute(value)))
        .collect();
    let mut record = json!({
        "messageId": message.message_id(),
        "receiptHandle": message.receipt_handle(),
        "body": message.body(),
        "attributes": attributes,
        "messageAttributes": message_attributes,
        "md5OfBody": message.md5_of_body(),
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": region,
    });
    if let Some(md5) = message.md5_of_message_attributes() {
        record["md5OfMessageAttributes"] = json!(md5);
    }
    record
}

fn attribute(value: &MessageAttributeValue) -> Value {
    let mut attribute = json!({
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": value.data_type(),
    });
    if let Some(text) = value.string_value() {
        attribute["stringValue"] = json!(text);
    }
    if let Some(blob) = value.binary_value() {
        attribute["binaryValue"] = json!(STANDARD.encode(blob));
    }
    attribute
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_stay_within_their_limit() {
        let message = |body: &str| {
            Message::builder()
                .message_id("id")
                .receipt_handle("handle")
                .body(body)
                .build()
        };
        let messages: Vec<_> = (0..3).map(|_| message(&"x".repeat(1_000))).collect();
        let sizes = |most_bytes| {
            let batches = batches(&messages, "arn", "us-east-1", most_bytes);
            batches
                .iter()
                .map(|batch| batch.items.len())
                .collect::<Vec<_>>()
        };
        assert_eq!(sizes(1_000_000), [3]);
        assert_eq!(sizes(3_000), [2, 1]);
        assert_eq!(sizes(10), [1, 1, 1]);
    }
}
