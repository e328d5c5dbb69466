//! AppSync refuses, DynamoDB is unavailable, SQS is down. Sessions recover where they can, and end with the right code
//! otherwise.

#![expect(
    clippy::large_futures,
    reason = "a test has few futures, and moves each of them once"
)]

use std::time::Duration;

use local_stack::faults::{Fault, FaultPlan, FaultService, Rule};
use serde_json::json;
use system_tests::answer::Answer;
use system_tests::graphql::only_error;
use system_tests::stack::{script, text, whole_of};
use system_tests::{Channel, TestStack, collect, over_each_channel};
use tokencast_client::Timeouts;
use uuid::Uuid;

const TOKENS: usize = 60;

async fn stack(channel: Channel) -> TestStack {
    TestStack::start_over(channel, |options| {
        options.script = script(TOKENS, Duration::from_millis(5));
        options.worker_variable("LEASE_SECONDS", "2");
    })
    .await
}

/// Asks a prompt while the stack has these faults.
async fn ask(channel: Channel, rules: Vec<Rule>) -> (TestStack, Answer) {
    let stack = stack(channel).await;
    let plan = rules
        .into_iter()
        .fold(FaultPlan::seeded(1), FaultPlan::with);
    stack.running.local.faults().set(plan).expect("a plan");
    let answer = collect(stack.client("alice").stream("Why do rivers meander?"))
        .await
        .expect("an answer");
    let fired: u64 = stack
        .running
        .local
        .faults()
        .report()
        .iter()
        .map(|rule| rule.fired)
        .sum();
    assert!(fired > 0, "the fault happened");
    (stack, answer)
}

/// Checks a fault that passes: the answer is whole, at the first attempt.
async fn check_passes(rule: Rule) {
    check_passes_over(Channel::AppSync, rule).await;
}

async fn check_passes_over(channel: Channel, rule: Rule) {
    let name = format!("{channel:?}: {rule:?}");
    let (stack, answer) = ask(channel, vec![rule]).await;
    assert!(answer.is_completed(), "{name}: {:?}", answer.ending);
    assert_eq!((answer.text, answer.restarts), (text(TOKENS), 0), "{name}");
    stack.queue_is_empty().await;
    stack.shutdown().await;
}

fn publish(fault: Fault) -> Rule {
    Rule::new(FaultService::AppSync, "publishToken", fault)
}

fn status(status: u16) -> Fault {
    Fault::Error {
        error_type: "InternalFailure".to_owned(),
        status: Some(status),
        message: None,
    }
}

#[tokio::test]
async fn a_publish_that_is_throttled_is_sent_again() {
    check_passes(publish(status(429)).after(1).times(3)).await;
}

#[tokio::test]
async fn a_publish_that_fails_is_sent_again() {
    check_passes(publish(status(500)).after(1).times(3)).await;
    check_passes(publish(status(503)).times(1)).await;
}

#[tokio::test]
async fn a_publish_whose_connection_is_reset_is_sent_again() {
    check_passes(publish(Fault::Reset).after(1).times(3)).await;
}

#[tokio::test]
async fn a_publish_whose_answer_is_lost_is_sent_again_and_shown_once() {
    check_passes(publish(Fault::LostAnswer).after(1).times(3)).await;
}

#[tokio::test]
async fn a_publish_that_is_not_answered_is_sent_again() {
    check_passes(publish(Fault::Hang).after(1).times(1)).await;
}

#[tokio::test]
async fn a_publish_with_errors_in_its_answer_is_sent_again() {
    let refused = Fault::GraphqlError {
        error_type: "InternalFailure".to_owned(),
        message: None,
    };
    check_passes(publish(refused).after(1).times(2)).await;
}

#[tokio::test]
async fn a_publish_whose_credentials_expired_is_signed_again() {
    let expired = Fault::Error {
        error_type: "ExpiredTokenException".to_owned(),
        status: Some(403),
        message: None,
    };
    check_passes(publish(expired).after(1).times(2)).await;
}

#[tokio::test]
async fn a_publish_that_is_never_accepted_fails_the_session_and_keeps_its_text() {
    let refused = Fault::GraphqlError {
        error_type: "Unauthorized".to_owned(),
        message: None,
    };
    let (stack, answer) = ask(Channel::AppSync, vec![publish(refused).after(1)]).await;
    assert_eq!(answer.failure(), Some("PUBLISH_FAILED"));
    assert!(
        !answer.text.is_empty() && whole_of(&answer.text, TOKENS).starts_with(&answer.text),
        "{}",
        answer.text
    );
    stack.running.local.faults().clear();
    stack.queue_is_empty().await;
    assert_eq!(stack.messages_in(&stack.dead_letter_queue_url()).await, 1);
    stack.shutdown().await;
}

fn table(channel: Channel, operation: &str, fault: Fault) -> Rule {
    Rule::new(FaultService::DynamoDb, operation, fault).called_by(channel.function())
}

over_each_channel! {
    async fn a_throttled_table_delays_nothing_that_shows(channel) {
        let throttled = Fault::error("ThrottlingException");
        check_passes_over(channel, table(channel, "PutItem", throttled).times(4)).await;
    }

    async fn a_table_whose_answers_are_lost_is_written_once(channel) {
        check_passes_over(channel, table(channel, "PutItem", Fault::LostAnswer).times(3)).await;
    }

    async fn a_start_that_cannot_be_queued_can_be_tried_again(channel) {
        check_queue_down(channel).await;
    }

    async fn a_queue_that_is_away_for_a_while_is_waited_for(channel) {
        let away = Fault::Unavailable { for_ms: Some(5000) };
        check_passes_over(channel, Rule::new(FaultService::Sqs, "SendMessage", away).times(1)).await;
    }

    async fn a_queue_that_stays_away_ends_the_stream_with_the_error(channel) {
        check_queue_gone(channel).await;
    }
}

/// The queue is down whenever the function sends to it, so no start is ever accepted.
async fn check_queue_gone(channel: Channel) {
    let stack = stack(channel).await;
    let away = Fault::Unavailable { for_ms: Some(5000) };
    let rule = Rule::new(FaultService::Sqs, "SendMessage", away);
    let faults = stack.running.local.faults();
    faults.set(FaultPlan::seeded(1).with(rule)).expect("a plan");
    let client = stack.client_with(
        "alice",
        Timeouts {
            start_within: Duration::from_secs(3),
            ..Timeouts::default()
        },
    );
    let id = Uuid::new_v4();
    let refused = collect(client.stream_as(id, "hi")).await;
    let error = refused.expect_err("an error");
    // AppSync hides the type of a function's error.
    let expected = match channel {
        Channel::AppSync => "Lambda:Unhandled: The request could not be handled: try again.",
        Channel::FunctionUrl | Channel::WebSocket => {
            "INTERNAL: the prompt could not be queued: try again"
        }
    };
    assert_eq!(error.to_string(), expected, "{channel:?}");
    assert!(faults.report()[0].fired > 0, "the fault happened");
    let session = stack.get_stream("alice", &id.to_string()).await;
    assert_eq!(session["status"], json!("CLAIMED"), "{channel:?}");
    stack.shutdown().await;
}

#[tokio::test]
async fn the_command_waits_for_a_queue_that_is_away() {
    let stack = stack(Channel::AppSync).await;
    let away = Fault::Unavailable { for_ms: Some(5000) };
    let rule = Rule::new(FaultService::Sqs, "SendMessage", away).times(1);
    let faults = stack.running.local.faults();
    faults.set(FaultPlan::seeded(1).with(rule)).expect("a plan");
    let url = &stack.running.info.endpoints.graphql_url();
    let token = stack.access_token("alice");
    let asked = stack
        .command(&["ask", "hi", "--api-url", url, "--token", &token])
        .await;
    let stderr = String::from_utf8_lossy(&asked.stderr);
    assert_eq!(asked.status.code(), Some(0), "{stderr}");
    let answer = String::from_utf8_lossy(&asked.stdout);
    assert_eq!(answer.trim_end(), text(TOKENS).trim_end(), "{stderr}");
    assert_eq!(faults.report()[0].fired, 1, "the fault happened");
    stack.shutdown().await;
}

#[tokio::test]
async fn a_table_that_is_away_for_a_while_costs_no_attempt() {
    let away = Fault::Unavailable { for_ms: Some(3000) };
    check_passes(table(Channel::AppSync, "GetItem", away).times(1)).await;
}

fn queue_is_down(stack: &TestStack, times: Option<u64>) {
    let down = Fault::error("ServiceUnavailable");
    let rule = Rule::new(FaultService::Sqs, "SendMessage", down);
    let rule = times.into_iter().fold(rule, Rule::times);
    let plan = FaultPlan::seeded(1).with(rule);
    stack.running.local.faults().set(plan).expect("a plan");
}

/// The function's own tries are not enough, but a later try by its client or its user succeeds.
async fn check_queue_down(channel: Channel) {
    let stack = stack(channel).await;
    queue_is_down(&stack, Some(4));
    let (id, client) = (Uuid::new_v4(), stack.client("alice"));
    let mut answer = collect(client.stream_as(id, "Why do rivers meander?")).await;
    if let Err(refused) = &answer {
        assert!(refused.is_transient(), "{refused:?}");
        answer = collect(client.stream_as(id, "Why do rivers meander?")).await;
    }
    let answer = answer.expect("an answer");
    assert_eq!((answer.text, answer.attempt), (text(TOKENS), 1));
    stack.queue_is_empty().await;
    stack.shutdown().await;
}

#[tokio::test]
async fn a_start_that_cannot_be_queued_is_an_error_and_can_be_tried_again() {
    let stack = stack(Channel::AppSync).await;
    queue_is_down(&stack, None);
    let id = Uuid::new_v4();
    let refused = stack
        .start_stream("alice", "Why do rivers meander?", Some(&id.to_string()))
        .await;
    assert_eq!(
        only_error(&refused),
        (
            "Lambda:Unhandled",
            "The request could not be handled: try again."
        )
    );
    let session = stack.get_stream("alice", &id.to_string()).await;
    assert_eq!(
        session["status"],
        json!("CLAIMED"),
        "no orphan waits in no queue"
    );
    stack.running.local.faults().clear();
    let answer = collect(
        stack
            .client("alice")
            .stream_as(id, "Why do rivers meander?"),
    )
    .await
    .expect("an answer");
    assert_eq!(answer.text, text(TOKENS));
    stack.shutdown().await;
}

#[tokio::test]
async fn a_wire_that_drops_repeats_and_reorders_costs_no_token() {
    for fault in [
        Fault::Drop,
        Fault::Repeat { times: 2 },
        Fault::Reorder {
            window: 4,
            within_ms: 50,
        },
        Fault::Disconnect,
    ] {
        let rule = Rule::new(FaultService::Realtime, "data", fault).with_probability(0.15);
        let rule = if rule.fault == Fault::Disconnect {
            rule.times(3)
        } else {
            rule
        };
        check_passes(rule).await;
    }
}
