//! `ReceiveMessage`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::{queue_name, ranged};
use crate::error::{ApiError, Kind};
use crate::handle::ReceiptHandle;
use crate::message::{Message, MessageAttribute, md5_of_attributes, md5_of_body};
use crate::store::{self, Store};

const SYSTEM_ATTRIBUTES: [&str; 9] = [
    "ApproximateFirstReceiveTimestamp",
    "ApproximateReceiveCount",
    "AWSTraceHeader",
    "DeadLetterQueueSourceArn",
    "MessageDeduplicationId",
    "MessageGroupId",
    "SenderId",
    "SentTimestamp",
    "SequenceNumber",
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Receive {
    queue_url: Option<String>,
    max_number_of_messages: Option<i64>,
    visibility_timeout: Option<i64>,
    wait_time_seconds: Option<i64>,
    /// The older name of `MessageSystemAttributeNames`.
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
    #[serde(default)]
    message_attribute_names: Vec<String>,
}

pub(super) async fn receive(
    store: &Store,
    input: Receive,
    closing: &CancellationToken,
) -> Result<Value, ApiError> {
    let name = queue_name(input.queue_url.as_deref())?;
    let request = checked(&input)?;
    let mut wanted = input.message_system_attribute_names;
    wanted.extend(input.attribute_names);
    if let Some(unknown) = wanted
        .iter()
        .find(|name| *name != "All" && !SYSTEM_ATTRIBUTES.contains(&name.as_str()))
    {
        return Err(Kind::InvalidAttributeName.with(format!("Unknown Attribute {unknown}.")));
    }
    let messages = store.receive(&name, request, closing).await?;
    if messages.is_empty() {
        return Ok(json!({}));
    }
    let account_id = &store.endpoints.account_id;
    let render = |message: &Message| {
        let handle = ReceiptHandle {
            message_id: message.id,
            receive: message.receive_count,
        };
        let attributes = selected(&message.attributes, &input.message_attribute_names);
        let mut body = json!({
            "MessageId": message.id,
            "ReceiptHandle": handle.encode(&name),
            "Body": message.body,
            "MD5OfBody": md5_of_body(&message.body),
        });
        let system = system_attributes(message, account_id, &wanted);
        if !system.is_empty() {
            body["Attributes"] = Value::Object(system);
        }
        if let Some(md5) = md5_of_attributes(&attributes) {
            body["MD5OfMessageAttributes"] = Value::String(md5);
            body["MessageAttributes"] = json!(attributes);
        }
        body
    };
    Ok(json!({ "Messages": messages.iter().map(render).collect::<Vec<_>>() }))
}

fn checked(input: &Receive) -> Result<store::Receive, ApiError> {
    let max = input.max_number_of_messages.unwrap_or(1);
    if !(1..=10).contains(&max) {
        let reason = "Must be between 1 and 10, if provided.";
        return Err(ApiError::invalid_value(max, "MaxNumberOfMessages", reason));
    }
    let optional = |value: Option<i64>, parameter: &str, most: u32, reason: &str| {
        value
            .map(|value| ranged(value, parameter, most, reason))
            .transpose()
    };
    Ok(store::Receive {
        max: usize::try_from(max).unwrap_or(1),
        visibility_s: optional(
            input.visibility_timeout,
            "VisibilityTimeout",
            43_200,
            "Must be >= 0 and <= 43200, if provided.",
        )?,
        wait_s: optional(
            input.wait_time_seconds,
            "WaitTimeSeconds",
            20,
            "Must be >= 0 and <= 20, if provided.",
        )?,
    })
}

fn system_attributes(message: &Message, account_id: &str, wanted: &[String]) -> Map<String, Value> {
    let all = [
        ("SenderId", Some(account_id.to_owned())),
        ("SentTimestamp", Some(message.sent_ms.to_string())),
        (
            "ApproximateReceiveCount",
            Some(message.receive_count.to_string()),
        ),
        (
            "ApproximateFirstReceiveTimestamp",
            message.first_received_ms.map(|at| at.to_string()),
        ),
        ("MessageGroupId", message.group.clone()),
        ("AWSTraceHeader", message.trace_header.clone()),
        (
            "DeadLetterQueueSourceArn",
            message.dead_letter_source.clone(),
        ),
    ];
    let is_wanted = |name: &str| {
        wanted
            .iter()
            .any(|wanted| wanted == "All" || wanted == name)
    };
    all.into_iter()
        .filter(|(name, _)| is_wanted(name))
        .filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?))))
        .collect()
}

/// The names that a selection matches: `All`, `.*`, a name, or a prefix followed by `.*`.
fn selected(
    attributes: &BTreeMap<String, MessageAttribute>,
    wanted: &[String],
) -> BTreeMap<String, MessageAttribute> {
    let is_wanted = |name: &str| {
        wanted.iter().any(|wanted| match wanted.strip_suffix(".*") {
            Some(prefix) => name.starts_with(prefix),
            None => wanted == "All" || wanted == name,
        })
    };
    attributes
        .iter()
        .filter(|(name, _)| is_wanted(name))
        .map(|(name, it)| (name.clone(), it.clone()))
        .collect()
}
