//! The actions of the API: each checks its input and returns its output.

mod batch;
mod delete;
mod queues;
mod receive;
mod redrive;
mod send;
mod visibility;

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::error::{ApiError, Kind};
use super::store::{Store, check_name};

/// Runs one action of the API on its JSON input. `trace` is the request's X-Ray header, which a message keeps.
/// `closing` ends a long poll.
pub(crate) async fn run(
    store: &Arc<Store>,
    action: &str,
    input: &[u8],
    trace: Option<&str>,
    closing: &CancellationToken,
) -> Result<Value, ApiError> {
    match action {
        "CreateQueue" => queues::create(store, parse(input)?),
        "GetQueueUrl" => queues::url(store, &parse(input)?),
        "ListQueues" => queues::list(store, parse(input)?),
        "DeleteQueue" => queues::delete(store, &parse(input)?),
        "PurgeQueue" => queues::purge(store, &parse(input)?),
        "GetQueueAttributes" => queues::attributes(store, &parse(input)?),
        "SetQueueAttributes" => queues::set_attributes(store, parse(input)?),
        "TagQueue" => queues::tag(store, parse(input)?),
        "UntagQueue" => queues::untag(store, &parse(input)?),
        "ListQueueTags" => queues::tags(store, &parse(input)?),
        "SendMessage" => send::one(store, parse(input)?, trace),
        "SendMessageBatch" => send::batch(store, parse(input)?, trace),
        "ReceiveMessage" => receive::receive(store, parse(input)?, closing).await,
        "DeleteMessage" => delete::one(store, &parse(input)?),
        "DeleteMessageBatch" => delete::batch(store, parse(input)?),
        "ChangeMessageVisibility" => visibility::one(store, &parse(input)?),
        "ChangeMessageVisibilityBatch" => visibility::batch(store, parse(input)?),
        "ListDeadLetterSourceQueues" => redrive::sources(store, &parse(input)?),
        "StartMessageMoveTask" => redrive::start(store, &parse(input)?),
        "ListMessageMoveTasks" => redrive::list(store, &parse(input)?),
        "CancelMessageMoveTask" => redrive::cancel(store, &parse(input)?),
        _ => Err(Kind::UnknownOperation.with(format!(
            "The action {action} is not valid for this endpoint."
        ))),
    }
}

fn parse<T: DeserializeOwned>(input: &[u8]) -> Result<T, ApiError> {
    let input = if input.is_empty() { b"{}" } else { input };
    serde_json::from_slice(input).map_err(|error| Kind::Serialization.with(error.to_string()))
}

/// The name of the queue in a URL. The host doesn't matter, because a laptop's port changes between runs.
fn queue_name(url: Option<&str>) -> Result<String, ApiError> {
    let url = url
        .filter(|url| !url.is_empty())
        .ok_or_else(|| ApiError::missing("QueueUrl"))?;
    let name = url
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default();
    check_name(name).map_err(|_| {
        Kind::InvalidAddress.with(format!("The address {url} is not valid for this endpoint."))
    })?;
    Ok(name.to_owned())
}

fn required<'a>(value: Option<&'a str>, parameter: &str) -> Result<&'a str, ApiError> {
    value
        .filter(|value| !value.is_empty())
        .ok_or_else(|| ApiError::missing(parameter))
}

/// A number in its range, or AWS's error.
fn ranged(value: i64, parameter: &str, most: u32, reason: &str) -> Result<u32, ApiError> {
    u32::try_from(value)
        .ok()
        .filter(|value| *value <= most)
        .ok_or_else(|| ApiError::invalid_value(value, parameter, reason))
}
