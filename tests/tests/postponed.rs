//! Receives that are no attempts: another worker has the session, Lambda is throttled, or no worker can start.

use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;
use local_stack::faults::{Fault, FaultPlan, FaultService, Rule};
use serde_json::{Value, json};
use system_tests::stack::{script, text};
use system_tests::websocket::Followed;
use system_tests::{Channel, TestStack, collect, eventually};
use tokencast::stack::{TABLE, WORKER_FUNCTION};
use uuid::Uuid;

/// More receives than a session has attempts.
const RECEIVES: u64 = 6;

async fn stack(channel: Channel, tokens: usize) -> TestStack {
    TestStack::start_over(channel, |options| {
        options.script = script(tokens, Duration::from_millis(10));
        options.worker_variable("LEASE_SECONDS", "1");
    })
    .await
}

/// A job that the function URL's function leaves in the queue, in case it dies.
fn job(id: &str, owner: &str) -> Value {
    json!({
        "version": 4, "sessionId": id, "owner": owner, "prompt": "Why do rivers meander?",
        "delivery": "response", "requestedAtMs": 1_767_312_000_000_u64,
    })
}

async fn owner_of(stack: &TestStack, id: &str) -> String {
    let id = aws_sdk_dynamodb::types::AttributeValue::S(id.to_owned());
    let get = stack.dynamodb().get_item().table_name(TABLE);
    let item = get.key("sessionId", id).send().await.expect("an item");
    let item = item.item.expect("a session");
    item["owner"].as_s().expect("an owner").clone()
}

/// Sets rules that change nothing and only count: the worker's invocations, and the messages that it sends.
fn count(stack: &TestStack) {
    let nothing = Fault::Delay { ms: 0 };
    let invoked = Rule::new(FaultService::Lambda, WORKER_FUNCTION, nothing.clone());
    let sent = Rule::new(FaultService::Sqs, "SendMessage", nothing).called_by(WORKER_FUNCTION);
    let plan = FaultPlan::default().with(invoked).with(sent);
    stack.running.local.faults().set(plan).expect("a plan");
}

async fn until_invoked(stack: &TestStack, times: u64) {
    eventually("the job's receives", || async {
        let report = stack.running.local.faults().report();
        (report[0].matched >= times).then_some(())
    })
    .await;
}

/// Checks that the worker sent nothing. Sending to the queue that invokes it would be a loop.
async fn check_no_loop(stack: &TestStack) {
    assert_eq!(stack.running.local.faults().report()[1].matched, 0);
    let dead = stack.messages_in(&stack.dead_letter_queue_url()).await;
    assert_eq!(dead, 0, "a wait is no attempt");
}

#[tokio::test]
async fn a_job_waits_for_as_long_as_somebody_else_is_at_it() {
    let stack = stack(Channel::AppSync, 10_000).await;
    count(&stack);
    let id = Uuid::new_v4().to_string();
    stack
        .start_stream("alice", "A very long story", Some(&id))
        .await;
    stack.model_said(5).await;
    stack
        .send(&job(&id, &owner_of(&stack, &id).await).to_string())
        .await;
    until_invoked(&stack, RECEIVES + 1).await;
    stack.stop_stream("alice", &id).await;
    stack.queue_is_empty().await;
    check_no_loop(&stack).await;
    let record = stack.get_stream("alice", &id).await;
    assert_eq!(
        (&record["status"], &record["attempt"]),
        (&json!("CANCELLED"), &json!(1))
    );
    assert_eq!(stack.running.local.bedrock().calls().len(), 1);
    stack.shutdown().await;
}

#[tokio::test]
async fn a_long_answer_of_a_function_url_keeps_its_job_and_its_only_attempt() {
    const TOKENS: usize = 800;
    let stack = stack(Channel::FunctionUrl, TOKENS).await;
    count(&stack);
    let answer = collect(stack.client("alice").stream("A long story")).await;
    let answer = answer.expect("an answer");
    assert!(answer.is_completed(), "{:?}", answer.ending);
    assert_eq!((answer.text, answer.attempt), (text(TOKENS), 1));
    stack.queue_is_empty().await;
    let received = stack.running.local.faults().report()[0].matched;
    assert!(received >= RECEIVES, "{received} receives in 8 s");
    check_no_loop(&stack).await;
    assert_eq!(stack.running.local.bedrock().calls().len(), 1);
    stack.shutdown().await;
}

async fn set_visibility(stack: &TestStack, seconds: u32) {
    let set = stack.sqs().set_queue_attributes();
    let set = set.queue_url(stack.queue_url());
    let set = set.attributes(QueueAttributeName::VisibilityTimeout, seconds.to_string());
    set.send().await.expect("set");
}

/// Checks receives that fail. They follow each other at once, because the message becomes visible again as soon as it
/// is received.
async fn check_costs_no_attempt(fault: Fault, receives: u64) {
    let stack = TestStack::start_with(|options| {
        options.script = script(20, Duration::from_millis(10));
        options.worker_variable("LEASE_SECONDS", "10");
    })
    .await;
    set_visibility(&stack, 0).await;
    let faults = stack.running.local.faults();
    let rule = Rule::new(FaultService::Lambda, WORKER_FUNCTION, fault);
    faults.set(FaultPlan::default().with(rule)).expect("a plan");
    let client = stack.client("alice");
    let (answer, ()) = tokio::join!(collect(client.stream("Why do rivers meander?")), async {
        eventually("receives in vain", || async {
            (faults.report()[0].fired >= receives).then_some(())
        })
        .await;
        set_visibility(&stack, 5).await;
        faults.clear();
    });
    let answer = answer.expect("an answer");
    assert!(answer.is_completed(), "{:?}", answer.ending);
    assert_eq!((answer.text, answer.attempt), (text(20), 1));
    stack.queue_is_empty().await;
    assert_eq!(stack.messages_in(&stack.dead_letter_queue_url()).await, 0);
    stack.shutdown().await;
}

#[tokio::test]
async fn thirty_throttled_receives_cost_no_attempt() {
    check_costs_no_attempt(Fault::ThrottledReceive, 30).await;
}

#[tokio::test]
async fn a_worker_that_cannot_start_loses_no_message() {
    check_costs_no_attempt(Fault::error("Runtime.ExitError"), 30).await;
}

#[tokio::test]
async fn an_answer_that_is_nobodys_response_any_more_reaches_its_followers() {
    let stack = stack(Channel::AppSync, 60).await;
    let mut socket = stack.websocket("alice").await;
    let id = Uuid::new_v4().to_string();
    assert_eq!(socket.resume(&id, Followed::default()).await, "CLAIMED");
    stack
        .send(&job(&id, &owner_of(&stack, &id).await).to_string())
        .await;
    let session = socket.end_of(&id).await;
    assert_eq!(session.text, text(60));
    stack.queue_is_empty().await;
    stack.shutdown().await;
}
