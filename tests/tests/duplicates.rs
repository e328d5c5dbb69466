//! SQS delivers a message at least once. The session is answered once.

use std::time::Duration;

use serde_json::json;
use system_tests::stack::{script, text};
use system_tests::{TestStack, collect};
use tokencast_client::AnswerEvent;
use uuid::Uuid;

/// Returns the message of a session as the request function sends it, from a queue that nobody else reads.
fn job(stack: &TestStack, id: Uuid) -> String {
    let owner = stack
        .running
        .local
        .cognito()
        .users()
        .iter()
        .find(|user| user.username == "alice");
    let owner = &owner.expect("alice").sub;
    json!({ "version": 4, "sessionId": id, "owner": owner, "prompt": "Twice", "requestedAtMs": 0 })
        .to_string()
}

async fn stack() -> TestStack {
    TestStack::start_with(|options| {
        options.script = script(100, Duration::from_millis(5));
        options.worker_variable("LEASE_SECONDS", "1");
    })
    .await
}

#[tokio::test]
async fn the_same_job_twice_at_once_is_one_answer() {
    let stack = stack().await;
    let id = Uuid::new_v4();
    let job = job(&stack, id);
    let stream = stack.client("alice").stream_as(id, "Twice");
    let (answer, ..) = tokio::join!(collect(stream), stack.send(&job), stack.send(&job));
    let answer = answer.expect("an answer");
    assert_eq!(
        (answer.text, answer.attempt, answer.restarts),
        (text(100), 1, 0)
    );
    stack.queue_is_empty().await;
    assert_eq!(
        stack.running.local.bedrock().calls().len(),
        1,
        "one model stream"
    );
    stack.shutdown().await;
}

#[tokio::test]
async fn the_same_job_after_the_end_repeats_the_end_at_most() {
    let stack = stack().await;
    let id = Uuid::new_v4();
    let first = collect(stack.client("alice").stream_as(id, "Twice"))
        .await
        .expect("an answer");
    assert_eq!(first.text, text(100));
    let before = stack.get_stream("alice", &id.to_string()).await;
    let job = job(&stack, id);
    for _ in 0..2 {
        stack.send(&job).await;
        stack.queue_is_empty().await;
    }
    assert_eq!(
        stack.get_stream("alice", &id.to_string()).await,
        before,
        "nothing has changed"
    );
    assert_eq!(
        stack.running.local.bedrock().calls().len(),
        1,
        "one model stream"
    );
    let again = collect(stack.client("alice").resume(id))
        .await
        .expect("an answer");
    assert!(matches!(again.ending, AnswerEvent::Completed { .. }));
    stack.shutdown().await;
}
