//! `AWS::Lambda::EventSourceMapping`.

use std::num::NonZeroU32;
use std::time::Duration;

use local_stack::config::EventSourceConfig;

use super::Problem;
use super::functions::UNRESERVED_CONCURRENCY;
use super::properties::Properties;
use super::value::{Scope, target};

/// Lambda's own for SQS.
const DEFAULT_BATCH_SIZE: NonZeroU32 = NonZeroU32::new(10).expect("10 is not 0");
const REPORT_FAILURES: &str = "ReportBatchItemFailures";

pub(super) fn read(scope: &Scope<'_>, problems: &mut Vec<Problem>) -> Vec<EventSourceConfig> {
    let mut sources = Vec::new();
    for resource in scope
        .document
        .resources_of("AWS::Lambda::EventSourceMapping")
    {
        let mut properties = Properties::of(scope, resource);
        let queue = named(scope, &mut properties, "EventSourceArn", "AWS::SQS::Queue");
        let function = named(
            scope,
            &mut properties,
            "FunctionName",
            "AWS::Lambda::Function",
        );
        let batch_size = positive(&mut properties, "BatchSize");
        let window = properties.number("MaximumBatchingWindowInSeconds");
        let maximum_concurrency = properties.nested("ScalingConfig", |scaling| {
            positive(scaling, "MaximumConcurrency")
        });
        let response_types = properties.value("FunctionResponseTypes");
        properties.only(
            "Enabled",
            &["true"],
            "a queue that nothing reads answers nobody",
        );
        if let (Some(queue), Some(function)) = (queue, function) {
            sources.push(EventSourceConfig {
                queue,
                function,
                batch_size: batch_size.unwrap_or(DEFAULT_BATCH_SIZE),
                batching_window: Duration::from_secs(window.unwrap_or_default().into()),
                maximum_concurrency: maximum_concurrency
                    .flatten()
                    .unwrap_or(UNRESERVED_CONCURRENCY),
                report_batch_item_failures: response_types
                    .as_ref()
                    .and_then(serde_json::Value::as_array)
                    .is_some_and(|types| types.iter().any(|it| it == REPORT_FAILURES)),
            });
        }
        problems.extend(properties.finish());
    }
    sources
}

/// What a resource of the template is called here, which a property names.
fn named(
    scope: &Scope<'_>,
    properties: &mut Properties<'_>,
    property: &str,
    kind: &str,
) -> Option<String> {
    let id = properties.raw(property).and_then(target);
    let resource = id.and_then(|id| scope.document.resource(id));
    let found = resource.filter(|resource| resource.kind == kind);
    if found.is_none() {
        properties.problem(property, format!("expected an {kind} of the template"));
    }
    found.map(|resource| scope.names.name(resource.id))
}

fn positive(properties: &mut Properties<'_>, property: &str) -> Option<NonZeroU32> {
    let number = properties.number(property)?;
    let positive = NonZeroU32::new(number);
    if positive.is_none() {
        properties.problem(property, "it is 0, expected a number from 1");
    }
    positive
}
