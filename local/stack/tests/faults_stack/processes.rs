//! Functions' processes that are killed or frozen, and invocations that fail.

use std::time::{Duration, Instant};

use bytes::Bytes;
use local_faults::{Fault, FaultService, Rule};
use local_kit::invoke::{Invoke as _, InvokeError};
use serde_json::{Value, json};

use crate::stack::{Stack, eventually, rule, within};

async fn invoke(stack: &Stack, event: Value) -> Result<Value, InvokeError> {
    let event = Bytes::from(event.to_string());
    let answer = within(stack.local.lambda().invoke("worker", event)).await?;
    Ok(serde_json::from_slice(&answer).expect("JSON"))
}

fn error_type(result: Result<Value, InvokeError>) -> String {
    match result {
        Err(InvokeError::Function { error_type, .. }) => error_type,
        other => panic!("expected a function error, got {other:?}"),
    }
}

/// The bodies of the queue's messages, in their order.
async fn sent(stack: &Stack) -> Vec<String> {
    let receive = stack.sqs().receive_message().queue_url(&stack.queue_url);
    let received = receive.max_number_of_messages(10).send().await;
    let messages = received.expect("an answer").messages.unwrap_or_default();
    let mut bodies: Vec<String> = messages.into_iter().filter_map(|it| it.body).collect();
    bodies.sort();
    bodies
}

fn sending(stack: &Stack, times: u64) -> Value {
    json!({ "do": "send", "times": times, "queueUrl": stack.queue_url })
}

fn worker(fault: Fault) -> Rule {
    rule(FaultService::Lambda, "worker", fault)
}

#[tokio::test]
async fn an_invocation_fails_without_reaching_the_function() {
    let stack = Stack::with(worker(Fault::error("Sandbox.Failure")).times(1)).await;
    assert_eq!(
        error_type(invoke(&stack, json!({})).await),
        "Sandbox.Failure"
    );
    assert_eq!(stack.local.lambda().processes("worker"), []);
    invoke(&stack, json!({})).await.expect("once only");
    stack.set(worker(Fault::error("TooManyRequestsException")));
    let throttled = invoke(&stack, json!({})).await;
    assert!(
        matches!(throttled, Err(InvokeError::Throttled(_))),
        "{throttled:?}"
    );
    stack.set(worker(Fault::Delay { ms: 100 }));
    let started = Instant::now();
    invoke(&stack, json!({})).await.expect("an answer");
    assert!(started.elapsed() >= Duration::from_millis(100));
    stack.stop().await;
}

#[tokio::test]
async fn a_process_is_killed_in_its_invocation() {
    let stack = Stack::with(worker(Fault::Kill { after_ms: 50 }).containing("hang")).await;
    let first = invoke(&stack, json!({})).await.expect("another event");
    let killed = invoke(&stack, json!({ "do": "hang" })).await;
    assert_eq!(error_type(killed), "Runtime.ExitError");
    let next = invoke(&stack, json!({})).await.expect("a new process");
    assert_ne!(first["pid"], next["pid"]);
    stack.stop().await;
}

#[tokio::test]
async fn an_invocation_that_is_over_before_leaves_its_process_alone() {
    let stack = Stack::with(worker(Fault::Kill { after_ms: 100 }).times(1)).await;
    let first = invoke(&stack, json!({})).await.expect("an answer");
    let faults = stack.local.faults();
    assert_eq!((stack.counts(), faults.pending()), ([1, 1], 1));
    eventually(async || (faults.pending() == 0).then_some(())).await;
    let next = invoke(&stack, json!({})).await.expect("an answer");
    assert_eq!(first["pid"], next["pid"]);
    stack.stop().await;
}

#[tokio::test]
async fn a_frozen_process_goes_on_afterwards() {
    let stack = Stack::start().await;
    invoke(&stack, json!({})).await.expect("warm");
    stack.set(worker(Fault::Freeze {
        after_ms: 0,
        for_ms: Some(300),
    }));
    let started = Instant::now();
    // Long enough that it is frozen before it ends.
    let event = sending(&stack, 200);
    invoke(&stack, event).await.expect("an answer");
    assert!(started.elapsed() >= Duration::from_millis(300));
    stack.stop().await;
}

#[tokio::test]
async fn the_caller_is_killed_at_a_count_of_its_requests() {
    for (handled, expected) in [(false, &["1", "2"][..]), (true, &["1", "2", "3"])] {
        let kill = rule(
            FaultService::Sqs,
            "SendMessage",
            Fault::KillCaller { handled },
        );
        let stack = Stack::with(kill.after(2).times(1).called_by("worker")).await;
        let killed = invoke(&stack, sending(&stack, 10)).await;
        assert_eq!(error_type(killed), "Runtime.ExitError");
        assert_eq!(sent(&stack).await, expected, "handled: {handled}");
        stack.send("mine").await.expect("no function's process");
        assert_eq!(stack.counts(), [3, 1]);
        stack.stop().await;
    }
}

#[tokio::test]
async fn only_the_process_that_called_is_frozen() {
    let freeze = rule(
        FaultService::Sqs,
        "SendMessage",
        Fault::FreezeCaller { for_ms: None },
    );
    let stack = Stack::with(freeze.times(1)).await;
    stack.local.lambda().warm("worker", 2).await.expect("warm");
    let frozen = invoke(&stack, sending(&stack, 1));
    let other = async {
        eventually(async || (stack.counts()[1] == 1).then_some(())).await;
        invoke(&stack, json!({})).await.expect("an answer");
    };
    tokio::select! {
        answer = frozen => panic!("answered while frozen: {answer:?}"),
        () = other => {}
    }
    assert_eq!(sent(&stack).await, ["1"], "its request was handled");
    stack.stop().await;
}

#[tokio::test]
async fn each_process_has_credentials_of_its_own() {
    let deny = rule(
        FaultService::Sqs,
        "SendMessage",
        Fault::error("AccessDenied"),
    );
    let stack = Stack::with(deny.called_by("worker")).await;
    stack.send("mine").await.expect("not the function's");
    let refused = invoke(&stack, sending(&stack, 1)).await;
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(sent(&stack).await, ["mine"]);
    stack.stop().await;
}
