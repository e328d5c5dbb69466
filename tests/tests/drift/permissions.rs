//! Compares each function's policy with the function's requests to AWS: nothing may be missing, and nothing may be
//! allowed in vain.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use local_stack::StackConfig;
use local_stack::config::FunctionConfig;
use local_stack::faults::{Fault, FaultPlan, FaultService, Rule};
use reqwest::Method;
use serde_json::{Value, json};
use system_tests::ai_sdk::{ChatRequest, answer, user};
use system_tests::conversations::Talk;
use system_tests::stack::script;
use system_tests::url::Events;
use system_tests::websocket::Followed;
use system_tests::{TestStack, collect, eventually, templates};
use tokencast::stack::{StackOptions, WORKER_FUNCTION};
use tokencast_aws::sessions::TEXT_CHUNK_BYTES;
use uuid::Uuid;

use super::{deployed, function};

/// A session of so many tokens is more than one item. No answer gets to [`NEVER_ALL`] tokens.
const LONG: u64 = 3000;
const NEVER_ALL: usize = 100_000;

/// The actions that Lambda's own poller calls with the worker's role.
const POLLER: [&str; 3] = [
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
];

const TRANSACTION: &str = "TransactWriteItems";

/// The parts of a transaction, each with the action that it needs. A transaction has no action of its own.
const PARTS: [(&str, &str); 4] = [
    ("\"Put\":", "dynamodb:PutItem"),
    ("\"Update\":", "dynamodb:UpdateItem"),
    ("\"Delete\":", "dynamodb:DeleteItem"),
    ("\"ConditionCheck\":", "dynamodb:ConditionCheckItem"),
];

/// Returns the request that an action allows, as the local stack sees it.
fn request_of(action: &str) -> (FaultService, &str) {
    match action.split_once(':').expect("SERVICE:ACTION") {
        ("sqs", operation) => (FaultService::Sqs, operation),
        ("dynamodb", operation) => (FaultService::DynamoDb, operation),
        // AWS has no action of its own for `ConverseStream`.
        ("bedrock", "InvokeModelWithResponseStream") => (FaultService::Bedrock, "ConverseStream"),
        // With the field that it is allowed on.
        ("appsync", field) => (FaultService::AppSync, field),
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

/// Returns rules that change nothing and only count. They count each function's requests to each service, and those
/// that its policy allows.
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
        let transaction = |name: &str| {
            let name = counted(&function.name, name);
            count(FaultService::DynamoDb, TRANSACTION, &function.name, &name)
        };
        plan = plan.with(transaction(TRANSACTION));
        for (part, _) in PARTS {
            plan = plan.with(transaction(part).containing(part));
        }
    }
    plan
}

/// Returns the actions that a function's own code is allowed. An action on a field of the API has the field's name.
fn actions(function: &FunctionConfig) -> BTreeSet<String> {
    let is_its_own =
        |action: &String| function.name != WORKER_FUNCTION || !POLLER.contains(&action.as_str());
    let mut actions = BTreeSet::new();
    for statement in &function.policy {
        for action in &statement.actions {
            if action == "appsync:GraphQL" {
                let fields = statement.resources.iter();
                let fields = fields.filter_map(|resource| resource.rsplit('/').next());
                actions.extend(fields.map(|field| format!("appsync:{field}")));
            } else {
                actions.insert(action.clone());
            }
        }
    }
    actions.retain(is_its_own);
    actions
}

/// Makes every function do all that it ever does. There is an answer over each channel, too long for one item, and it
/// is stopped and read over another channel.
async fn use_all(stack: &TestStack) {
    let client = stack.client("alice");
    let id = Uuid::new_v4();
    let (answer, ()) = tokio::join!(
        collect(client.stream_as(id, "Why do rivers meander?")),
        async {
            stack.model_said(LONG).await;
            // The stop changes the record, so the worker reads it again.
            is_long(stack, &id.to_string()).await;
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

/// The same in a conversation, which is listed and read, extended and deleted.
async fn use_a_conversation(stack: &TestStack) {
    let talk = Talk::new(stack);
    let first = talk.start("Why do rivers meander?", None).await;
    is_long(stack, &first).await;
    // There are two workers, which have this turn and another session. So these wait, and end by who stops them. The one
    // that names no parent looks for the last turn that is over.
    let mut socket = stack.websocket("alice").await;
    let other = socket.start("Why do rivers meander?").await;
    is_long(stack, &other).await;
    let question = json!({"action": "stream", "prompt": "Why?", "conversationId": talk.id});
    let started = socket.ask(&question, "started").await;
    let waits = started["sessionId"].as_str().expect("an id").to_owned();
    stack.stop_stream("alice", &waits).await;
    talk.ended(&waits).await;
    let waits = talk.start("Why?", Some(&talk.id)).await;
    socket
        .send(&json!({"action": "stop", "sessionId": waits}))
        .await;
    talk.ended(&waits).await;
    socket.close().await;
    stack.stop_stream("alice", &other).await;
    talk.ended(&other).await;
    stack.stop_stream("alice", &first).await;
    talk.ended(&first).await;

    // Those that continue the first turn are told what it said.
    let next = talk.start("And then?", Some(&first)).await;
    is_long(stack, &next).await;
    stack.stop_stream("alice", &next).await;
    talk.ended(&next).await;
    let question = json!({"prompt": "And then?", "conversationId": talk.id, "parentId": first});
    let request = stack.url(Method::POST, "", "alice").json(&question);
    let mut events = Events::of(request.send().await.expect("a response"));
    let over_url = events.session_id();
    is_long(stack, &over_url).await;
    stack.url_stop(&over_url).await;
    events.rest().await;
    let path = format!("conversations/{}", talk.id);
    for path in ["conversations", &path] {
        let read = stack.url(Method::GET, path, "alice").send().await;
        assert!(read.expect("a response").status().is_success(), "{path}");
    }
    stack.conversations("alice", 20, &Value::Null).await;
    talk.read().await;
    stack.queue_is_empty().await;

    // When less than half of its time is left, a turn has everything kept for longer.
    let clock = stack.running.local.clock();
    clock.advance(Duration::from_hours(36));
    let last = talk.start("At last?", Some(&first)).await;
    is_long(stack, &last).await;
    stack.stop_stream("alice", &last).await;
    talk.ended(&last).await;
    stack.queue_is_empty().await;
    talk.delete().await;
    eventually("a purge", || async {
        (stack.items_of(&talk.id).await == ["conversation"]).then_some(())
    })
    .await;
    stack.queue_is_empty().await;
}

/// A chat of the AI SDK over a socket, whose second question is compared with the first.
async fn use_a_chat(stack: &TestStack) {
    let mut socket = stack.websocket("alice").await;
    let mut asked = vec![user("m1", "Why do rivers meander?")];
    for request in ["r1", "r2"] {
        let mut answered = ChatRequest::send(&mut socket, request, "c", &asked).await;
        answered.until_text(&mut socket, 1).await;
        let id = answered.chunks[0]["messageId"].as_str().expect("an id");
        let id = id.to_owned();
        answered.abort(&mut socket).await;
        eventually("a stop", || async {
            let stream = stack.get_stream("alice", &id).await;
            (stream["status"] == "CANCELLED").then_some(())
        })
        .await;
        asked.extend([answer(&id, ""), user("m2", "And then?")]);
    }
    socket.close().await;
    stack.queue_is_empty().await;
}

/// Waits until the record of a session has several items.
async fn is_long(stack: &TestStack, id: &str) {
    eventually("a record of several items", || async {
        let stream = stack.get_stream("alice", id).await;
        (stream["text"].as_str()?.len() > 2 * TEXT_CHUNK_BYTES).then_some(())
    })
    .await;
}

fn matched(stack: &TestStack, rule: &str, service: FaultService) -> u64 {
    let report = stack.running.local.faults().report();
    let rules = report
        .iter()
        .filter(|it| it.rule == rule && it.service == service);
    rules.map(|it| it.matched).sum()
}

/// Returns the part of a transaction that needs an action; one that no rule counts if there is none.
fn part_of(action: &str) -> &'static str {
    let mut parts = PARTS.iter();
    parts
        .find(|(_, needs)| *needs == action)
        .map_or("none", |(part, _)| part)
}

/// Returns the name of the rule that counts an action of a function, or `all`.
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
        options.stack.max_concurrency = NonZeroU32::new(2);
        options.worker_variable("CHECKPOINT_INTERVAL_MS", "50");
        // An answer is still running when it is stopped, even on a busy machine.
        options.worker_variable("MAX_TOKENS", "15000");
        options.worker_variable("CONVERSATION_TTL_DAYS", "2");
        let StackOptions {
            function_url_environment,
            request_environment,
            ..
        } = &mut options.stack;
        function_url_environment.insert("LEASE_SECONDS".into(), "1".into());
        function_url_environment.insert("CONVERSATION_TTL_DAYS".into(), "2".into());
        request_environment.insert("LEASE_SECONDS".into(), "1".into());
        request_environment.insert("CONVERSATION_TTL_DAYS".into(), "2".into());
    })
    .await;
    use_all(&stack).await;
    use_a_chat(&stack).await;
    use_a_conversation(&stack).await;
    for function in &resources.functions {
        for service in SERVICES {
            let seen = |name: &str| matched(&stack, &counted(&function.name, name), service);
            // What is in a transaction is looked at below.
            let mut explained = seen(TRANSACTION);
            for action in actions(function) {
                let (of, _) = request_of(&action);
                if of == service {
                    let (alone, within) = (seen(&action), seen(part_of(&action)));
                    assert!(
                        alone + within > 0,
                        "{} may {action} and never does",
                        function.name
                    );
                    explained += alone;
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
        let allowed = actions(function);
        for (part, action) in PARTS {
            let name = counted(&function.name, part);
            let seen = matched(&stack, &name, FaultService::DynamoDb);
            assert!(
                seen == 0 || allowed.contains(action),
                "{} has {part} in a transaction, and may not {action}",
                function.name
            );
        }
    }
    stack.shutdown().await;
}
