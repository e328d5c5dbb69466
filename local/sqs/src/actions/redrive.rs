//! Dead-letter queues: the queues that use one, and moving its messages back.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{queue_name, ranged, required};
use crate::error::{ApiError, Kind};
use crate::move_task::{self, MoveTask, Status};
use crate::store::Store;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Sources {
    queue_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Start {
    source_arn: Option<String>,
    destination_arn: Option<String>,
    max_number_of_messages_per_second: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    source_arn: Option<String>,
    max_results: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Cancel {
    task_handle: Option<String>,
}

pub(super) fn sources(store: &Store, input: &Sources) -> Result<Value, ApiError> {
    let (name, state) = (queue_name(input.queue_url.as_deref())?, store.lock());
    state.queue(&name)?;
    let names = store.dead_letter_sources(&state, &name);
    let urls: Vec<_> = names
        .iter()
        .map(|name| store.endpoints.queue_url(name))
        .collect();
    // AWS's model has this member in lower case, unlike its siblings.
    Ok(json!({ "queueUrls": urls }))
}

pub(super) fn start(store: &Arc<Store>, input: &Start) -> Result<Value, ApiError> {
    let source_arn = required(input.source_arn.as_deref(), "SourceArn")?;
    let reason = "Must be between 1 and 500, if provided.";
    let rate = match input.max_number_of_messages_per_second {
        Some(0) => {
            return Err(ApiError::invalid_value(
                0,
                "MaxNumberOfMessagesPerSecond",
                reason,
            ));
        }
        Some(rate) => Some(ranged(rate, "MaxNumberOfMessagesPerSecond", 500, reason)?),
        None => None,
    };
    let mut state = store.lock();
    let source = existing(store, &state.queues, source_arn, "SourceArn")?;
    let destination = match &input.destination_arn {
        Some(arn) => Some(existing(store, &state.queues, arn, "DestinationArn")?),
        None => None,
    };
    if store.dead_letter_sources(&state, &source).is_empty() {
        return Err(Kind::InvalidParameterValue
            .with("Source queue must be configured as a Dead Letter Queue."));
    }
    if state
        .move_tasks
        .iter()
        .any(|task| task.source == source && task.status == Status::Running)
    {
        return Err(Kind::InvalidParameterValue.with(
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
        ));
    }
    let to_move = state.queue(&source)?.counts().visible;
    let task = MoveTask::new(source, destination, rate, to_move, store.clock.now_ms());
    let handle = task.handle.clone();
    state.move_tasks.push(task);
    drop(state);
    tokio::spawn(move_task::run(Arc::downgrade(store), handle.clone()));
    Ok(json!({ "TaskHandle": handle }))
}

fn existing(
    store: &Store,
    queues: &crate::journal::Queues,
    arn: &str,
    parameter: &str,
) -> Result<String, ApiError> {
    store
        .queue_of_arn(arn)
        .filter(|name| queues.contains_key(name))
        .ok_or_else(|| {
            Kind::ResourceNotFound.with(format!(
                "The resource that you specified for the {parameter} parameter doesn't exist."
            ))
        })
}

pub(super) fn list(store: &Store, input: &List) -> Result<Value, ApiError> {
    let source_arn = required(input.source_arn.as_deref(), "SourceArn")?;
    let most = input.max_results.unwrap_or(1);
    if !(1..=10).contains(&most) {
        return Err(ApiError::invalid_value(
            most,
            "MaxResults",
            "Must be between 1 and 10, if provided.",
        ));
    }
    let state = store.lock();
    let source = existing(store, &state.queues, source_arn, "SourceArn")?;
    let of_source = state
        .move_tasks
        .iter()
        .rev()
        .filter(|task| task.source == source);
    let results: Vec<_> = of_source
        .take(usize::try_from(most).unwrap_or(1))
        .map(|task| described(store, task))
        .collect();
    Ok(json!({ "Results": results }))
}

fn described(store: &Store, task: &MoveTask) -> Value {
    let mut result = Map::new();
    let mut insert = |name: &str, value: Value| result.insert(name.to_owned(), value);
    if task.status == Status::Running {
        insert("TaskHandle", json!(task.handle));
    }
    insert("Status", json!(task.status.name()));
    insert("SourceArn", json!(store.endpoints.queue_arn(&task.source)));
    insert("ApproximateNumberOfMessagesMoved", json!(task.moved));
    insert("ApproximateNumberOfMessagesToMove", json!(task.to_move));
    insert("StartedTimestamp", json!(task.started_ms));
    if let Some(destination) = &task.destination {
        insert(
            "DestinationArn",
            json!(store.endpoints.queue_arn(destination)),
        );
    }
    if let Some(rate) = task.rate {
        insert("MaxNumberOfMessagesPerSecond", json!(rate));
    }
    if let Status::Failed(reason) = task.status {
        insert("FailureReason", json!(reason));
    }
    Value::Object(result)
}

pub(super) fn cancel(store: &Store, input: &Cancel) -> Result<Value, ApiError> {
    let handle = required(input.task_handle.as_deref(), "TaskHandle")?;
    let mut state = store.lock();
    let task = state
        .move_tasks
        .iter_mut()
        .find(|task| task.handle == handle);
    let task = task.ok_or_else(|| {
        Kind::ResourceNotFound
            .with("The resource that you specified for the TaskHandle parameter doesn't exist.")
    })?;
    if task.status != Status::Running {
        return Err(Kind::UnsupportedOperation.with("Only active tasks can be cancelled."));
    }
    task.status = Status::Cancelled;
    Ok(json!({ "ApproximateNumberOfMessagesMoved": task.moved }))
}
