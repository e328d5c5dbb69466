//! What the worker reads of a record in an SQS event, besides its body.

use aws_lambda_events::event::sqs::{SqsMessage, SqsMessageAttribute};
use tokencast_aws::queue::{Attribute, Forwarded};
use tokencast_core::time::Timestamp;

/// When the prompt went into the queue.
pub fn sent_at(record: &SqsMessage) -> Option<Timestamp> {
    let sent_at_ms = record.attributes.get("SentTimestamp")?.parse().ok()?;
    Some(Timestamp::from_millis(sent_at_ms))
}

/// The message as another queue gets it: body, message attributes and message group.
pub fn as_it_came(record: &SqsMessage) -> Forwarded<'_> {
    let attributes = record.message_attributes.iter();
    Forwarded {
        body: record.body.as_deref().unwrap_or_default(),
        group: record.attributes.get("MessageGroupId").map(String::as_str),
        attributes: attributes
            .map(|(name, value)| (name.as_str(), attribute(value)))
            .collect(),
    }
}

fn attribute(value: &SqsMessageAttribute) -> Attribute {
    Attribute {
        data_type: value.data_type.clone().unwrap_or_default(),
        string: value.string_value.clone(),
        binary: value.binary_value.as_ref().map(|bytes| bytes.0.clone()),
    }
}
