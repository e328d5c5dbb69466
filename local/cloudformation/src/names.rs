//! What each queue, table and function is called here.
//!
//! A template leaves the naming to `CloudFormation`. Here, whoever starts the stack names a resource by the part that it has
//! in it; a name that the template gives stays.

use std::collections::BTreeMap;

use super::document::{Document, Resource};
use super::function_url;
use super::value::{mentioned, target};

/// The part that a resource has in a stack, by what it is connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// The queue that an event source reads.
    Queue,
    /// Where that queue's messages go that were received too often.
    DeadLetterQueue,
    /// A table, by the name of its partition key.
    Table {
        partition_key: &'a str,
    },
    Function(Trigger),
}

/// What invokes a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The GraphQL API, whose data source it is.
    DataSource,
    /// An event source that reads a queue.
    EventSource,
    FunctionUrl,
    /// The WebSocket API's routes.
    Route,
    /// The WebSocket API, to say who may connect.
    Authorizer,
}

/// The names and triggers of resources, by logical id.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    names: BTreeMap<String, String>,
    triggers: Vec<(String, Trigger)>,
}

impl Names {
    /// `name_of` names what the template doesn't.
    pub(super) fn find(document: &Document, name_of: &dyn Fn(Part<'_>) -> Option<String>) -> Self {
        let triggers = triggers(document);
        let queues = queues(document);
        let part = |resource: Resource<'_>| match resource.kind {
            "AWS::SQS::Queue" => {
                let mut parts = queues.iter();
                parts.find(|(id, _)| *id == resource.id).map(|(_, it)| *it)
            }
            "AWS::Lambda::Function" => {
                let mut triggers = triggers.iter();
                let found = triggers.find(|(id, _)| *id == resource.id);
                found.map(|(_, trigger)| Part::Function(*trigger))
            }
            _ => None,
        };
        let name = |resource: Resource<'_>, property: &str| {
            let given = resource
                .property(property)
                .and_then(serde_json::Value::as_str);
            if let Some(given) = given {
                return given.to_owned();
            }
            let named = match partition_key(resource) {
                Some(partition_key) => name_of(Part::Table { partition_key }),
                None => part(resource).and_then(name_of),
            };
            named.unwrap_or_else(|| resource.id.to_owned())
        };
        let mut names = BTreeMap::new();
        for (kind, property) in [
            ("AWS::SQS::Queue", "QueueName"),
            ("AWS::DynamoDB::Table", "TableName"),
            ("AWS::Lambda::Function", "FunctionName"),
        ] {
            for resource in document.resources_of(kind) {
                names.insert(resource.id.to_owned(), name(resource, property));
            }
        }
        Self { names, triggers }
    }

    /// What a queue, table or function is called here.
    pub(super) fn name(&self, id: &str) -> String {
        self.names.get(id).cloned().unwrap_or_else(|| id.to_owned())
    }

    /// What invokes a function; none if nothing does, or more than one thing.
    pub(super) fn trigger(&self, id: &str) -> Option<Trigger> {
        let mut triggers = self.triggers.iter().filter(|(of, _)| of == id);
        match (triggers.next(), triggers.next()) {
            (Some((_, trigger)), None) => Some(*trigger),
            _ => None,
        }
    }
}

/// The first function of each trigger.
fn triggers(document: &Document) -> Vec<(String, Trigger)> {
    let named_by = |kind: &str, property: &str| {
        let resource = document.resources_of(kind).next()?;
        resource.property(property).and_then(target)
    };
    let called_by = |kind: &str, property: &str| {
        let uri = document.resources_of(kind).next()?.property(property)?;
        mentioned(document, uri, "AWS::Lambda::Function").map(|function| function.id)
    };
    let data_source = document
        .resources_of("AWS::AppSync::DataSource")
        .find_map(|source| target(source.property("LambdaConfig")?.get("LambdaFunctionArn")?));
    let mapping = "AWS::Lambda::EventSourceMapping";
    [
        (data_source, Trigger::DataSource),
        (named_by(mapping, "FunctionName"), Trigger::EventSource),
        (
            named_by(function_url::KIND, "TargetFunctionArn"),
            Trigger::FunctionUrl,
        ),
        (
            called_by("AWS::ApiGatewayV2::Integration", "IntegrationUri"),
            Trigger::Route,
        ),
        (
            called_by("AWS::ApiGatewayV2::Authorizer", "AuthorizerUri"),
            Trigger::Authorizer,
        ),
    ]
    .into_iter()
    .filter_map(|(id, trigger)| Some((id?.to_owned(), trigger)))
    .collect()
}

/// The queue that an event source reads, and its dead-letter queue.
fn queues(document: &Document) -> Vec<(&str, Part<'static>)> {
    let mut mappings = document.resources_of("AWS::Lambda::EventSourceMapping");
    let queue = mappings
        .next()
        .and_then(|mapping| target(mapping.property("EventSourceArn")?));
    let dead_letters = queue
        .and_then(|id| document.resource(id)?.property("RedrivePolicy"))
        .and_then(|policy| target(policy.get("deadLetterTargetArn")?));
    [(queue, Part::Queue), (dead_letters, Part::DeadLetterQueue)]
        .into_iter()
        .filter_map(|(id, part)| Some((id?, part)))
        .collect()
}

fn partition_key(table: Resource<'_>) -> Option<&str> {
    let keys = table.property("KeySchema")?.as_array()?;
    let key = keys.iter().find(|key| key["KeyType"] == "HASH")?;
    key["AttributeName"].as_str()
}
