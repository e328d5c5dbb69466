//! API Gateway refuses, throttles, fails, or loses a connection. The answer goes on.

use std::time::Duration;

use local_stack::faults::{Fault, FaultPlan, FaultService, Rule};
use serde_json::json;
use system_tests::stack::{script, text};
use system_tests::websocket::Followed;
use system_tests::{TestStack, eventually};
use tokencast::stack::WORKER_FUNCTION;

const TOKENS: usize = 80;

fn post(fault: Fault) -> Rule {
    Rule::new(FaultService::ExecuteApi, "PostToConnection", fault).called_by(WORKER_FUNCTION)
}

async fn stack_with(rule: Rule) -> TestStack {
    let stack = TestStack::start_with(|options| {
        options.script = script(TOKENS, Duration::from_millis(5));
    })
    .await;
    let plan = FaultPlan::seeded(1).with(rule);
    stack.running.local.faults().set(plan).expect("a plan");
    stack
}

fn fired(stack: &TestStack) -> u64 {
    let report = stack.running.local.faults().report();
    report.iter().map(|rule| rule.fired).sum()
}

/// Checks a fault that costs no token and no attempt.
async fn check_passes(rule: Rule) {
    let stack = stack_with(rule.clone()).await;
    let mut socket = stack.websocket("alice").await;
    let id = socket.start("Why do rivers meander?").await;
    let session = socket.end_of(&id).await;
    assert_eq!(
        (session.text, session.attempt),
        (text(TOKENS), 1),
        "{rule:?}"
    );
    // The machine decides how many posts there are. There is at least one with text, and the last one.
    assert!(
        fired(&stack) > 0 || rule.when.probability.is_some(),
        "{rule:?}"
    );
    stack.queue_is_empty().await;
    stack.shutdown().await;
}

#[tokio::test]
async fn a_post_that_fails_is_tried_again() {
    for error in ["LimitExceededException", "InternalServerError"] {
        Box::pin(check_passes(post(Fault::error(error)).after(1).times(4))).await;
        Box::pin(check_passes(
            post(Fault::error(error)).with_probability(0.3),
        ))
        .await;
    }
    Box::pin(check_passes(post(Fault::Reset).after(1).times(3))).await;
}

#[tokio::test]
async fn a_post_whose_answer_is_lost_is_repeated_and_does_no_harm() {
    Box::pin(check_passes(post(Fault::LostAnswer).after(1).times(3))).await;
}

#[tokio::test]
async fn a_slow_follower_holds_nobody_up() {
    // Only the laptop's posts are slow, because the laptop is posted to first.
    let stack = stack_with(post(Fault::Delay { ms: 700 }).after(1).times(6)).await;
    let (mut phone, mut laptop) = (
        stack.websocket("alice").await,
        stack.websocket("alice").await,
    );
    let id = laptop.start("Why do rivers meander?").await;
    phone.resume(&id, Followed::default()).await;
    let (one, other) = tokio::join!(phone.end_of(&id), laptop.end_of(&id));
    assert_eq!((one.text, other.text), (text(TOKENS), text(TOKENS)));
    stack.shutdown().await;
}

#[tokio::test]
async fn a_connection_that_is_gone_costs_nothing_and_can_be_resumed() {
    for error in ["GoneException", "ForbiddenException"] {
        let stack = stack_with(post(Fault::error(error)).after(1).times(1)).await;
        let mut socket = stack.websocket("alice").await;
        let id = socket.start("Why do rivers meander?").await;
        eventually("the fault", || async { (fired(&stack) == 1).then_some(()) }).await;
        let known = socket
            .sessions
            .get(&id)
            .cloned()
            .unwrap_or_default()
            .known();
        let mut other = stack.websocket("alice").await;
        other.resume(&id, known).await;
        let session = other.end_of(&id).await;
        assert_eq!(
            (session.text, session.attempt),
            (text(TOKENS), 1),
            "{error}"
        );
        assert_eq!(fired(&stack), 1);
        stack.queue_is_empty().await;
        stack.shutdown().await;
    }
}

#[tokio::test]
async fn with_everybody_gone_the_answer_goes_on_into_the_record() {
    let stack = stack_with(post(Fault::error("GoneException")).after(1)).await;
    let mut socket = stack.websocket("alice").await;
    let id = socket.start("Why do rivers meander?").await;
    let known = socket.text_of(&id, 1).await.known();
    stack.queue_is_empty().await;
    let record = stack.get_stream("alice", &id).await;
    assert_eq!(
        (&record["status"], &record["text"], &record["attempt"]),
        (&json!("COMPLETED"), &json!(text(TOKENS)), &json!(1))
    );
    stack.running.local.faults().clear();
    let mut again = stack.websocket("alice").await;
    assert_eq!(again.resume(&id, known).await, "COMPLETED");
    assert_eq!(again.end_of(&id).await.text, text(TOKENS));
    stack.shutdown().await;
}
