//! A stop ends the model's stream and keeps the text so far, and every client gets the terminal event.

use std::time::Duration;

use local_stack::bedrock::log::EndReason;
use local_stack::config::{FaultRule, ModelException, ModelFault};
use local_stack::faults::{Fault, FaultPlan, FaultService, Rule};
use serde_json::json;
use system_tests::stack::{faulty, script, text};
use system_tests::{Channel, TestStack, collect, eventually, over_each_channel, within};
use uuid::Uuid;

over_each_channel! {
    async fn a_stop_while_streaming_ends_the_model_and_keeps_the_text(channel) {
        check_stop(channel).await;
    }

    async fn a_stop_is_heard_at_any_moment(channel) {
        check_any_moment(channel).await;
    }
}

async fn stack(channel: Channel, tokens: usize) -> TestStack {
    TestStack::start_over(channel, |options| {
        options.script = script(tokens, Duration::from_millis(10));
        // The queue gives the job of a Function URL's answer again once the lease would have run out.
        options.worker_variable("LEASE_SECONDS", "5");
    })
    .await
}

async fn check_stop(channel: Channel) {
    let stack = stack(channel, 2000).await;
    let (id, client) = (Uuid::new_v4(), stack.client("alice"));
    let (answer, ()) = tokio::join!(collect(client.stream_as(id, "A very long story")), async {
        stack.model_said(50).await;
        client.stop(id).await.expect("stopped");
    });
    let answer = answer.expect("an answer");
    assert!(answer.is_cancelled(), "{:?}", answer.ending);
    assert!(text(2000).starts_with(&answer.text) && answer.text.len() > 100);
    within(
        "the model's end",
        stack
            .running
            .local
            .bedrock()
            .wait_until(|calls| calls[0].ended.is_some()),
    )
    .await;
    assert_eq!(
        stack.running.local.bedrock().calls()[0].ended,
        Some(EndReason::ClientGone)
    );
    let record = stack.get_stream("alice", &id.to_string()).await;
    assert_eq!(
        (&record["status"], &record["text"]),
        (&json!("CANCELLED"), &json!(answer.text))
    );
    // The same user and then another one stop the session again.
    let again = stack.stop_stream("alice", &id.to_string()).await;
    assert_eq!(again["data"]["stopStream"]["status"], json!("CANCELLED"));
    let refused = stack.stop_stream("bob", &id.to_string()).await;
    assert_eq!(
        system_tests::graphql::only_error(&refused).0,
        "UNAUTHORIZED"
    );
    assert_eq!(
        stack.get_stream("alice", &id.to_string()).await,
        record,
        "nothing has changed"
    );
    stack.queue_is_empty().await;
    stack.shutdown().await;
}

async fn check_any_moment(channel: Channel) {
    let stack = stack(channel, 5000).await;
    let client = stack.client("alice");
    for _ in 0..8 {
        let id = Uuid::new_v4();
        let (answer, ()) =
            tokio::join!(collect(client.stream_as(id, "A very long story")), async {
                stack.model_said(1 + fastrand::u64(..70)).await;
                client.stop(id).await.expect("stopped");
            });
        assert!(answer.expect("an answer").is_cancelled());
    }
    assert_eq!(stack.running.local.bedrock().live_streams(), 0);
    stack.shutdown().await;
}

#[tokio::test]
async fn a_stop_before_the_start_is_not_lost() {
    let stack = TestStack::start().await;
    let id = Uuid::new_v4().to_string();
    let stopped = stack.stop_stream("alice", &id).await;
    assert_eq!(
        stopped["data"]["stopStream"]["status"],
        json!("CANCELLED"),
        "{stopped}"
    );
    let started = stack.start_stream("alice", "Too late", Some(&id)).await;
    assert_eq!(
        started["data"]["startStream"]["status"],
        json!("CANCELLED"),
        "{started}"
    );
    assert_eq!(stack.messages_in(&stack.queue_url()).await, 0);
    assert_eq!(stack.running.local.bedrock().calls().len(), 0);
    stack.shutdown().await;
}

#[tokio::test]
async fn a_stop_of_a_queued_session_is_a_stop_before_it_begins() {
    let stack = TestStack::start_with(|options| {
        // The model is busy throughout, so the session waits in the queue.
        let busy = FaultRule::always(ModelFault::Refuse(ModelException::Throttling));
        options.script = faulty(10, Duration::ZERO, vec![busy]);
        options.worker_variable("THROTTLE_PATIENCE_SECONDS", "30");
    })
    .await;
    let (id, client) = (Uuid::new_v4(), stack.client("alice"));
    let (answer, ()) = tokio::join!(collect(client.stream_as(id, "A prompt")), async {
        within(
            "a first try",
            stack
                .running
                .local
                .bedrock()
                .wait_until(|calls| !calls.is_empty()),
        )
        .await;
        eventually("the session back in the queue", || async {
            let stopped = stack.stop_stream("alice", &id.to_string()).await;
            (stopped["data"]["stopStream"]["status"] == json!("CANCELLED")).then_some(())
        })
        .await;
    });
    let answer = answer.expect("an answer");
    assert!(
        answer.is_cancelled() && answer.text.is_empty(),
        "{answer:?}"
    );
    stack.queue_is_empty().await;
    stack.shutdown().await;
}

#[tokio::test]
async fn a_stop_after_the_end_changes_nothing() {
    let stack = TestStack::start().await;
    let (id, client) = (Uuid::new_v4(), stack.client("alice"));
    collect(client.stream_as(id, "A prompt"))
        .await
        .expect("an answer");
    let stopped = stack.stop_stream("alice", &id.to_string()).await;
    assert_eq!(
        stopped["data"]["stopStream"]["status"],
        json!("COMPLETED"),
        "{stopped}"
    );
    let record = stack.get_stream("alice", &id.to_string()).await;
    assert_eq!(
        (&record["status"], &record["text"]),
        (&json!("COMPLETED"), &json!(text(100)))
    );
    stack.shutdown().await;
}

#[tokio::test]
async fn a_stop_of_a_claimed_session_keeps_it_from_starting() {
    let stack = TestStack::start().await;
    let id = Uuid::new_v4().to_string();
    // A start that can't be queued leaves the session claimed.
    let down = Fault::error("ServiceUnavailable");
    let rule = Rule::new(FaultService::Sqs, "SendMessage", down);
    let plan = FaultPlan::seeded(1).with(rule);
    stack.running.local.faults().set(plan).expect("a plan");
    stack.start_stream("alice", "A prompt", Some(&id)).await;
    stack.running.local.faults().clear();
    let session = stack.get_stream("alice", &id).await;
    assert_eq!(session["status"], json!("CLAIMED"), "{session}");
    let stopped = stack.stop_stream("alice", &id).await;
    assert_eq!(
        stopped["data"]["stopStream"]["status"],
        json!("CANCELLED"),
        "{stopped}"
    );
    let started = stack.start_stream("alice", "A prompt", Some(&id)).await;
    assert_eq!(
        started["data"]["startStream"]["status"],
        json!("CANCELLED"),
        "{started}"
    );
    assert_eq!(stack.running.local.bedrock().calls().len(), 0);
    stack.shutdown().await;
}
