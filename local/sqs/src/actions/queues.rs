//! Actions on queues as a whole.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{queue_name, required};
use crate::attributes::Attributes;
use crate::error::{ApiError, Kind};
use crate::journal::Record;
use crate::queue::Queue;
use crate::store::{State, Store, check_name};

/// A queue may be purged once in this time.
const PURGE_INTERVAL_MS: i64 = 60_000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    queue_name: Option<String>,
    #[serde(default)]
    attributes: Option<BTreeMap<String, String>>,
    /// AWS's model calls this member `tags`, the only one in lower case.
    #[serde(default, rename = "tags", alias = "Tags")]
    tags: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Named {
    queue_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    queue_name_prefix: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Of {
    queue_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Get {
    queue_url: Option<String>,
    #[serde(default)]
    attribute_names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Set {
    queue_url: Option<String>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    queue_url: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Untag {
    queue_url: Option<String>,
    #[serde(default)]
    tag_keys: Vec<String>,
}

pub(super) fn create(store: &Store, input: Create) -> Result<Value, ApiError> {
    let name = required(input.queue_name.as_deref(), "QueueName")?.to_owned();
    check_name(&name)?;
    let asked = input.attributes.unwrap_or_default();
    let mut state = store.lock();
    let attributes = checked(store, &state, Attributes::default(), &asked)?;
    if let Ok(queue) = state.queue(&name) {
        let (there, wanted) = (queue.attributes.pairs(), attributes.pairs());
        if let Some(name) = asked
            .keys()
            .find(|name| there.get(*name) != wanted.get(*name))
        {
            return Err(Kind::QueueNameExists.with(format!(
                "A queue already exists with the same name and a different value for attribute {name}"
            )));
        }
    } else {
        state.commit(Record::Create {
            queue: name.clone(),
            attributes: attributes.pairs(),
            tags: input.tags.unwrap_or_default(),
            at_ms: store.clock.now_ms(),
        })?;
    }
    Ok(json!({ "QueueUrl": store.endpoints.queue_url(&name) }))
}

pub(super) fn url(store: &Store, input: &Named) -> Result<Value, ApiError> {
    let name = required(input.queue_name.as_deref(), "QueueName")?;
    store.lock().queue(name)?;
    Ok(json!({ "QueueUrl": store.endpoints.queue_url(name) }))
}

pub(super) fn list(store: &Store, input: List) -> Result<Value, ApiError> {
    let prefix = input.queue_name_prefix.unwrap_or_default();
    let after = input.next_token.unwrap_or_default();
    let most = input.max_results.unwrap_or(1_000);
    if !(1..=1_000).contains(&most) {
        return Err(ApiError::invalid_value(
            most,
            "MaxResults",
            "Must be between 1 and 1000, if provided.",
        ));
    }
    let state = store.lock();
    let mut names = state
        .queues
        .keys()
        .filter(|name| name.starts_with(&prefix) && **name > after)
        .peekable();
    let page: Vec<_> = names.by_ref().take(most).collect();
    let mut answer = Map::new();
    if !page.is_empty() {
        let urls: Vec<_> = page
            .iter()
            .map(|name| store.endpoints.queue_url(name))
            .collect();
        answer.insert("QueueUrls".to_owned(), json!(urls));
    }
    if input.max_results.is_some() && names.peek().is_some() {
        answer.insert("NextToken".to_owned(), json!(page.last()));
    }
    Ok(Value::Object(answer))
}

pub(super) fn delete(store: &Store, input: &Of) -> Result<Value, ApiError> {
    let (name, mut state) = (queue_name(input.queue_url.as_deref())?, store.lock());
    state.queue(&name)?;
    state.commit(Record::Drop { queue: name })?;
    Ok(json!({}))
}

pub(super) fn purge(store: &Store, input: &Of) -> Result<Value, ApiError> {
    let (name, mut state) = (queue_name(input.queue_url.as_deref())?, store.lock());
    let now_ms = store.clock.now_ms();
    if state
        .queue(&name)?
        .purged_ms
        .is_some_and(|at_ms| now_ms < at_ms + PURGE_INTERVAL_MS)
    {
        return Err(Kind::PurgeQueueInProgress.with(format!(
            "Only one PurgeQueue operation on {name} is allowed every 60 seconds."
        )));
    }
    state.commit(Record::Purge {
        queue: name,
        at_ms: now_ms,
    })?;
    Ok(json!({}))
}

pub(super) fn attributes(store: &Store, input: &Get) -> Result<Value, ApiError> {
    let (name, mut state) = (queue_name(input.queue_url.as_deref())?, store.lock());
    let queue = state.queue_mut(&name)?;
    queue.settle(store.clock.now_ms());
    let all = described(store, &name, queue);
    let known = |name: &str| {
        all.contains_key(name)
            || name == "All"
            // Known but not set. An empty text is allowed only where an attribute has no range.
            || Attributes::default().set(name, "").is_ok()
    };
    if let Some(unknown) = input.attribute_names.iter().find(|name| !known(name)) {
        return Err(Kind::InvalidAttributeName.with(format!("Unknown Attribute {unknown}.")));
    }
    let is_wanted = |name: &String| {
        input
            .attribute_names
            .iter()
            .any(|wanted| wanted == "All" || wanted == name)
    };
    let wanted: BTreeMap<_, _> = all.iter().filter(|(name, _)| is_wanted(name)).collect();
    if wanted.is_empty() {
        return Ok(json!({}));
    }
    Ok(json!({ "Attributes": wanted }))
}

fn described(store: &Store, name: &str, queue: &Queue) -> BTreeMap<String, String> {
    let counts = queue.counts();
    let mut all = queue.attributes.pairs();
    for (name, value) in [
        ("QueueArn", store.endpoints.queue_arn(name)),
        ("CreatedTimestamp", (queue.created_ms / 1_000).to_string()),
        (
            "LastModifiedTimestamp",
            (queue.modified_ms / 1_000).to_string(),
        ),
        ("ApproximateNumberOfMessages", counts.visible.to_string()),
        (
            "ApproximateNumberOfMessagesNotVisible",
            counts.in_flight.to_string(),
        ),
        (
            "ApproximateNumberOfMessagesDelayed",
            counts.delayed.to_string(),
        ),
    ] {
        all.insert(name.to_owned(), value);
    }
    all
}

pub(super) fn set_attributes(store: &Store, input: Set) -> Result<Value, ApiError> {
    let (name, mut state) = (queue_name(input.queue_url.as_deref())?, store.lock());
    if input.attributes.is_empty() {
        return Err(ApiError::missing("Attribute.Name"));
    }
    checked(
        store,
        &state,
        state.queue(&name)?.attributes.clone(),
        &input.attributes,
    )?;
    let at_ms = store.clock.now_ms();
    state.commit(Record::Configure {
        queue: name,
        attributes: input.attributes,
        at_ms,
    })?;
    Ok(json!({}))
}

fn checked(
    store: &Store,
    state: &State,
    mut attributes: Attributes,
    asked: &BTreeMap<String, String>,
) -> Result<Attributes, ApiError> {
    for (name, value) in asked {
        attributes.set(name, value)?;
    }
    if let (Some(redrive), Some(text)) = (&attributes.redrive, asked.get("RedrivePolicy")) {
        let target = store.queue_of_arn(&redrive.target_arn);
        if target.is_none_or(|target| !state.queues.contains_key(&target)) {
            return Err(ApiError::invalid_value(
                text,
                "RedrivePolicy",
                "Dead letter target does not exist.",
            ));
        }
    }
    Ok(attributes)
}

pub(super) fn tag(store: &Store, input: Tag) -> Result<Value, ApiError> {
    let (name, mut state) = (queue_name(input.queue_url.as_deref())?, store.lock());
    let mut tags = state.queue(&name)?.tags.clone();
    tags.extend(input.tags);
    state.commit(Record::Tag { queue: name, tags })?;
    Ok(json!({}))
}

pub(super) fn untag(store: &Store, input: &Untag) -> Result<Value, ApiError> {
    let (name, mut state) = (queue_name(input.queue_url.as_deref())?, store.lock());
    let mut tags = state.queue(&name)?.tags.clone();
    tags.retain(|key, _| !input.tag_keys.contains(key));
    state.commit(Record::Tag { queue: name, tags })?;
    Ok(json!({}))
}

pub(super) fn tags(store: &Store, input: &Of) -> Result<Value, ApiError> {
    let (name, state) = (queue_name(input.queue_url.as_deref())?, store.lock());
    Ok(json!({ "Tags": state.queue(&name)?.tags }))
}
