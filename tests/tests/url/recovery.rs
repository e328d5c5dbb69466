//! The function dies. A worker takes over, and the client resumes where it was.

use std::time::Duration;

use serde_json::json;
use system_tests::TestStack;
use system_tests::stack::{script, text_of as said};
use system_tests::url::{Broken, Event, text_of};
use uuid::Uuid;

const TOKENS: usize = 100;

async fn stack() -> TestStack {
    TestStack::start_with(|options| {
        options.script = script(TOKENS, Duration::from_millis(10));
        options.function_url_variable("LEASE_SECONDS", "2");
    })
    .await
}

/// Kills the function once the client has so many events.
async fn check_killed_after(count: usize) {
    let stack = stack().await;
    let id = Uuid::new_v4().to_string();
    let mut events = stack.url_ask(Some(&id)).await;
    let mut seen = events.take(count).await;
    let process = stack.busy_function_url().await;
    assert!(stack.running.local.lambda().kill(process.pid));
    let (more, end) = events.rest_or_broken().await;
    assert_eq!(end, Err(Broken), "a stream without its end breaks off");
    seen.extend(more);
    let begun: String = seen.iter().map(Event::token).collect();
    assert!(said(1, TOKENS).starts_with(&begun));

    let last = seen.last().map(|event| event.id.clone());
    let rest = stack.url_resume(&id, last.as_deref()).await.rest().await;
    let second = rest
        .iter()
        .position(|event| event.data["attempt"] == json!(2));
    let second = &rest[second.expect("a second attempt")..];
    assert_eq!(text_of(second), said(2, TOKENS), "killed after {count}");
    assert_eq!(stack.running.local.bedrock().calls().len(), 2);
    stack.queue_is_empty().await;
    let record = stack.get_stream("alice", &id).await;
    assert_eq!(record["status"], "COMPLETED");
    stack.shutdown().await;
}

#[tokio::test]
async fn a_worker_takes_over_from_a_function_killed_at_its_first_token() {
    check_killed_after(1).await;
}

#[tokio::test]
async fn a_worker_takes_over_from_a_function_killed_in_the_middle() {
    check_killed_after(40).await;
}

#[tokio::test]
async fn a_stop_reaches_a_session_whose_function_died() {
    let stack = stack().await;
    let mut events = stack.url_ask(None).await;
    let id = events.session_id();
    events.take(3).await;
    let process = stack.busy_function_url().await;
    assert!(stack.running.local.lambda().kill(process.pid));
    let (_, end) = events.rest_or_broken().await;
    assert_eq!(end, Err(Broken));
    stack.url_stop(&id).await;
    let end = stack.url_resume(&id, None).await.rest().await.pop();
    assert_eq!(end.expect("an end").data["status"], "CANCELLED");
    stack.queue_is_empty().await;
    assert_eq!(stack.running.local.bedrock().calls().len(), 1);
    stack.shutdown().await;
}

/// The job that waits for a function to die never disturbs a function that lives.
#[tokio::test]
async fn a_job_is_put_off_while_the_function_lives() {
    let stack = TestStack::start_with(|options| {
        options.script = script(400, Duration::from_millis(10));
        options.function_url_variable("LEASE_SECONDS", "1");
    })
    .await;
    let mut events = stack.url_ask(None).await;
    let events = events.rest().await;
    assert_eq!(text_of(&events), said(1, 400));
    stack.queue_is_empty().await;
    assert_eq!(stack.running.local.bedrock().calls().len(), 1);
    assert_eq!(stack.messages_in(&stack.dead_letter_queue_url()).await, 0);
    stack.shutdown().await;
}
