//! `AWS::SQS::Queue`.

use std::num::NonZeroU32;
use std::time::Duration;

use local_stack::config::{QueueConfig, RedrivePolicy};

use super::Problem;
use super::properties::Properties;
use super::value::{Scope, target};

const DEFAULT_VISIBILITY_SECONDS: u32 = 30;
const DEFAULT_RETENTION_SECONDS: u32 = 345_600;
/// AWS's greatest, and the local queues' own.
const MAXIMUM_MESSAGE_BYTES: &str = "1048576";

pub(super) fn read(scope: &Scope<'_>, problems: &mut Vec<Problem>) -> Vec<QueueConfig> {
    let mut queues = Vec::new();
    for resource in scope.document.resources_of("AWS::SQS::Queue") {
        let mut properties = Properties::of(scope, resource);
        let seconds = |number: u32| Duration::from_secs(number.into());
        let visibility = properties.number("VisibilityTimeout");
        let retention = properties.number("MessageRetentionPeriod");
        let receive_wait = properties.number("ReceiveMessageWaitTimeSeconds");
        // Its name was read with everyone's.
        properties.raw("QueueName");
        properties.only("FifoQueue", &["false"], "there are standard queues only");
        properties.only(
            "DelaySeconds",
            &["0"],
            "a message is delayed by its sender only",
        );
        properties.only(
            "MaximumMessageSize",
            &[MAXIMUM_MESSAGE_BYTES],
            "the local queues take 1048576 bytes",
        );
        queues.push(QueueConfig {
            name: scope.names.name(resource.id),
            visibility_timeout: seconds(visibility.unwrap_or(DEFAULT_VISIBILITY_SECONDS)),
            retention: seconds(retention.unwrap_or(DEFAULT_RETENTION_SECONDS)),
            receive_wait: seconds(receive_wait.unwrap_or_default()),
            redrive: properties
                .nested("RedrivePolicy", |policy| redrive(scope, policy))
                .flatten(),
        });
        problems.extend(properties.finish());
    }
    queues
}

fn redrive(scope: &Scope<'_>, policy: &mut Properties<'_>) -> Option<RedrivePolicy> {
    let max_receive_count = policy.number("maxReceiveCount").and_then(NonZeroU32::new);
    if max_receive_count.is_none() {
        policy.problem("maxReceiveCount", "expected a number from 1");
    }
    let dead_letters = policy.raw("deadLetterTargetArn").and_then(target);
    let is_queue = |id: &&str| {
        let resource = scope.document.resource(id);
        resource.is_some_and(|resource| resource.kind == "AWS::SQS::Queue")
    };
    let Some(id) = dead_letters.filter(is_queue) else {
        policy.problem("deadLetterTargetArn", "expected a queue of the template");
        return None;
    };
    Some(RedrivePolicy {
        dead_letter_queue: scope.names.name(id),
        max_receive_count: max_receive_count?,
    })
}
