//! Each function's policy against what the function asks of AWS: nothing may be missing, and nothing allowed in vain.

use std::collections::BTreeSet;
use std::time::Duration;

use local_stack::StackConfig;
use local_stack::config::FunctionConfig;
use local_stack::faults::{Fault, FaultPlan, FaultService, Rule};
use serde_json::json;
use system_tests::stack::script;
use system_tests::websocket::Followed;
use system_tests::{TestStack, collect, eventually, templates};
use tokencast::stack::WORKER_FUNCTION;
use tokencast_aws::sessions::TEXT_CHUNK_BYTES;
use uuid::Uuid;

use super::{deployed, function};

/// After so many tokens a session is more than one item; and nobody waits for so many.
const LONG: u64 = 3000;
const NEVER_ALL: usize = 100_000;

/// What Lambda's own poller calls with the worker's role.
const POLLER: [&str; 3] = [
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
];

/// The request that an action is for, as the local stack sees it.
fn request_of(action: &str) -> (FaultService, &str) {
    match action.split_once(':').expect("SERVICE:ACTION") {
        ("sqs", operation) => (FaultService::Sqs, operation),
        ("dynamodb", operation) => (FaultService::DynamoDb, operation),
        // AWS has no action of its own for it.
        ("bedrock", "InvokeModelWithResponseStream") => (FaultService::Bedrock, "ConverseStream"),
        ("appsync", "GraphQL") => (FaultService::AppSync, "publishToken"),
        ("execute-api", "ManageConnections") => (FaultService::ExecuteApi, "PostToConnection"),
        _ => panic!("{action} is no action that this test knows"),
    }
}

const SERVICES: [FaultService; 5] = [
    FaultService::AppSync,
    FaultService::Bedrock,
    FaultService::DynamoDb,
    FaultService::ExecuteApi,
    FaultService::Sqs,
];

/// Counts, by rules that change nothing: all that a function asks of each service, and what it is allowed to.
fn counting(config: &StackConfig) -> FaultPlan {
    let count = |service, operation: &str, function: &str, name: &str| {
        Rule::new(service, operation, Fault::Delay { ms: 0 })
            .called_by(function)
            .named(name)
    };
    let mut plan = FaultPlan::default();
    for function in &config.functions {
        for service in SERVICES {
            plan = plan.with(count(
                service,
                "*",
                &function.name,
                &counted(&function.name, "all"),
            ));
        }
        for action in actions(function) {
            let (service, operation) = request_of(&action);
            plan = plan.with(count(
                service,
                operation,
                &function.name,
                &counted(&function.name, &action),
            ));
        }
    }
    plan
}

/// What a function's own code is allowed.
fn actions(function: &FunctionConfig) -> BTreeSet<String> {
    let is_its_own =
        |action: &String| function.name != WORKER_FUNCTION || !POLLER.contains(&action.as_str());
    let statements = function.policy.iter();
    statements
        .flat_map(|statement| statement.actions.clone())
        .filter(is_its_own)
        .collect()
}

/// What has every function do all that it ever does: an answer over each delivery, too long for one item, stopped and read
/// over another.
async fn use_all(stack: &TestStack) {
    let client = stack.client("alice");
    let id = Uuid::new_v4();
    let (answer, ()) = tokio::join!(
        collect(client.stream_as(id, "Why do rivers meander?")),
        async {
            stack.model_said(LONG).await;
            // The worker reads the record again once the stop has changed it under it.
            eventually("a record of several items", || async {
                let stream = stack.get_stream("alice", &id.to_string()).await;
                (stream["text"].as_str()?.len() > 2 * TEXT_CHUNK_BYTES).then_some(())
            })
            .await;
            client.stop(id).await.expect("stopped");
        }
    );
    answer.expect("an answer");
    let id = id.to_string();
    stack.get_stream("alice", &id).await;

    let mut socket = stack.websocket("alice").await;
    let followed = socket.start("Why do rivers meander?").await;
    socket.events_of(&followed, 1).await;
    socket
        .send(&json!({"action": "stop", "sessionId": followed}))
        .await;
    socket.end_of(&followed).await;
    socket.resume(&id, Followed::default()).await;
    socket.end_of(&id).await;
    socket.close().await;

    let events = stack.url_ask(None).await;
    stack.send("no job").await;
    eventually("the worker moves what is no job", || async {
        (matched(
            stack,
            &counted(WORKER_FUNCTION, "sqs:SendMessage"),
            FaultService::Sqs,
        ) > 0)
            .then_some(())
    })
    .await;
    stack.url_stop(&events.session_id()).await;
    stack.url_resume(&id, None).await.rest().await;
    stack.queue_is_empty().await;
}

fn matched(stack: &TestStack, rule: &str, service: FaultService) -> u64 {
    let report = stack.running.local.faults().report();
    let rules = report
        .iter()
        .filter(|it| it.rule == rule && it.service == service);
    rules.map(|it| it.matched).sum()
}

/// What the rule is called that counts an action of a function, or `all`.
fn counted(function: &str, action: &str) -> String {
    format!("{function} {action}")
}

#[tokio::test]
async fn each_function_is_allowed_what_it_does_and_nothing_else() {
    let resources = deployed("deliveries");
    let worker = function(&resources, WORKER_FUNCTION);
    for action in POLLER {
        let allowed = worker
            .policy
            .iter()
            .any(|it| it.actions.iter().any(|it| it == action));
        assert!(allowed, "Lambda's poller needs {action}");
    }
    let template = templates::streaming("deliveries");
    let plan = counting(&resources);
    let stack = TestStack::start_with(|options| {
        options.stack.template = Some(template);
        options.stack.faults = plan;
        options.script = script(NEVER_ALL, Duration::from_millis(1));
        options.worker_variable("CHECKPOINT_INTERVAL_MS", "50");
        let environment = &mut options.stack.function_url_environment;
        environment.insert("LEASE_SECONDS".into(), "1".into());
    })
    .await;
    use_all(&stack).await;
    for function in &resources.functions {
        for service in SERVICES {
            let mut explained = 0;
            for action in actions(function) {
                let (of, _) = request_of(&action);
                if of == service {
                    let seen = matched(&stack, &counted(&function.name, &action), service);
                    assert!(seen > 0, "{} may {action} and never does", function.name);
                    explained += seen;
                }
            }
            let all = matched(&stack, &counted(&function.name, "all"), service);
            assert_eq!(
                all,
                explained,
                "{} asks {} for more than the template allows",
                function.name,
                service.name()
            );
        }
    }
    stack.shutdown().await;
}
