//! A job for a session that somebody else is at: it waits, and is not received to death meanwhile.

use std::time::Duration;

use serde_json::{Value, json};
use system_tests::stack::{script, text};
use system_tests::websocket::Followed;
use system_tests::{TestStack, eventually};
use tokencast::stack::{TABLE, WORKER_FUNCTION};
use tokencast_local::faults::{Fault, FaultPlan, FaultService, Rule};
use uuid::Uuid;

/// The queue gives a message to the dead-letter queue instead of a fifth receive.
const MAX_RECEIVES: u64 = 4;

async fn stack(tokens: usize) -> TestStack {
    TestStack::start_with(|options| {
        options.script = script(tokens, Duration::from_millis(10));
        options.worker_variable("LEASE_SECONDS", "1");
    })
    .await
}

/// A job as the function behind a Function URL leaves it in the queue, in case that it dies.
fn job(id: &str, owner: &str) -> Value {
    json!({
        "version": 1, "sessionId": id, "owner": owner, "prompt": "Why do rivers meander?",
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

#[tokio::test]
async fn a_job_waits_for_as_long_as_somebody_else_is_at_it() {
    let stack = stack(10_000).await;
    let count = Rule::new(FaultService::Sqs, "SendMessage", Fault::Delay { ms: 0 })
        .called_by(WORKER_FUNCTION);
    let plan = FaultPlan::default().with(count);
    stack.running.local.faults().set(plan).expect("a plan");
    let id = Uuid::new_v4().to_string();
    stack
        .start_stream("alice", "A very long story", Some(&id))
        .await;
    stack.model_said(5).await;
    stack
        .send(&job(&id, &owner_of(&stack, &id).await).to_string())
        .await;
    for times in 1..=MAX_RECEIVES + 1 {
        eventually("the job to be queued anew", || async {
            let report = stack.running.local.faults().report();
            (report[0].matched >= times).then_some(())
        })
        .await;
    }
    stack.stop_stream("alice", &id).await;
    stack.queue_is_empty().await;
    let dead = stack.messages_in(&stack.dead_letter_queue_url()).await;
    assert_eq!(dead, 0, "a wait is no receive that counts");
    let record = stack.get_stream("alice", &id).await;
    assert_eq!(
        (&record["status"], &record["attempt"]),
        (&json!("CANCELLED"), &json!(1))
    );
    assert_eq!(stack.running.local.bedrock().calls().len(), 1);
    stack.shutdown().await;
}

#[tokio::test]
async fn a_job_that_cannot_be_queued_anew_is_kept() {
    let stack = stack(10_000).await;
    let down = Fault::error("ServiceUnavailable");
    let down = Rule::new(FaultService::Sqs, "SendMessage", down).called_by(WORKER_FUNCTION);
    let plan = FaultPlan::default().with(down);
    let id = Uuid::new_v4().to_string();
    stack.start_stream("alice", "A story", Some(&id)).await;
    stack.model_said(5).await;
    stack.running.local.faults().set(plan).expect("a plan");
    stack
        .send(&job(&id, &owner_of(&stack, &id).await).to_string())
        .await;
    eventually("a failure to queue it anew", || async {
        let report = stack.running.local.faults().report();
        (report[0].fired > 0).then_some(())
    })
    .await;
    assert!(
        stack.messages_in(&stack.queue_url()).await >= 1,
        "it is there"
    );
    stack.running.local.faults().clear();
    stack.stop_stream("alice", &id).await;
    stack.queue_is_empty().await;
    let record = stack.get_stream("alice", &id).await;
    assert_eq!(
        (&record["status"], &record["attempt"]),
        (&json!("CANCELLED"), &json!(1))
    );
    stack.shutdown().await;
}

#[tokio::test]
async fn an_answer_that_is_nobodys_response_any_more_reaches_its_followers() {
    let stack = stack(60).await;
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
