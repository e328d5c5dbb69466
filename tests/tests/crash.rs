//! The worker dies, or is paused for too long. Another takes over, and no client sees two answers mixed.

use std::time::{Duration, Instant};

use system_tests::stack::{script, text_of};
use system_tests::{Channel, TestStack, collect, over_each_channel};
use tokencast_client::AnswerEvent;
use uuid::Uuid;

const TOKENS: usize = 150;

async fn stack(channel: Channel) -> TestStack {
    TestStack::start_over(channel, |options| {
        options.script = script(TOKENS, Duration::from_millis(10));
        options.worker_variable("LEASE_SECONDS", "2");
    })
    .await
}

/// Kills the function that streams the answer, once the model has said so many tokens.
async fn check_killed_after(channel: Channel, tokens: u64) {
    let stack = stack(channel).await;
    let stream = stack.client("alice").stream("Why do rivers meander?");
    let (answer, ()) = tokio::join!(collect(stream), async {
        stack.model_said(tokens).await;
        let busy = stack.busy_function().await;
        assert!(stack.running.local.lambda().kill(busy.pid));
    });
    let answer = answer.expect("an answer");
    assert_eq!(
        (answer.text, answer.attempt),
        (text_of(2, TOKENS), 2),
        "killed after {tokens}"
    );
    assert!(matches!(answer.ending, AnswerEvent::Completed { .. }));
    assert_eq!(stack.running.local.bedrock().calls().len(), 2);
    stack.queue_is_empty().await;
    stack.shutdown().await;
}

over_each_channel! {
    async fn another_attempt_follows_a_kill_at_the_first_token(channel) {
        check_killed_after(channel, 1).await;
    }

    async fn another_attempt_follows_a_kill_in_the_middle(channel) {
        check_killed_after(channel, 70).await;
    }

    async fn another_attempt_follows_a_kill_near_the_end(channel) {
        check_killed_after(channel, 140).await;
    }

    async fn who_was_paused_and_wakes_up_says_nothing_more(channel) {
        check_paused(channel).await;
    }
}

#[tokio::test]
async fn a_worker_killed_by_default_settings_is_followed_within_35_seconds() {
    let stack =
        TestStack::start_with(|options| options.script = script(100, Duration::from_millis(20)))
            .await;
    let id = Uuid::new_v4();
    let started = stack
        .start_stream("alice", "Why do rivers meander?", Some(&id.to_string()))
        .await;
    assert!(started.get("errors").is_none(), "{started}");
    stack.model_said(20).await;
    let worker = stack.busy_worker().await;
    let killed_at = Instant::now();
    assert!(stack.running.local.lambda().kill(worker.pid));
    let second = stack
        .running
        .local
        .bedrock()
        .wait_until(|calls| calls.len() == 2);
    tokio::time::timeout(Duration::from_secs(35), second)
        .await
        .expect("a second attempt within 35 s");
    println!("another attempt after {:?}", killed_at.elapsed());
    let answer = collect(stack.client("alice").resume(id))
        .await
        .expect("an answer");
    assert_eq!((answer.text, answer.attempt), (text_of(2, 100), 2));
    stack.shutdown().await;
}

/// Pauses the function that streams the answer until another has taken over.
async fn check_paused(channel: Channel) {
    let stack = stack(channel).await;
    let stream = stack.client("alice").stream("Why do rivers meander?");
    let mut attempts = Vec::new();
    let (answer, ()) = tokio::join!(
        system_tests::answer::collect_from(stream, |event| match event {
            AnswerEvent::Text { attempt, .. } => attempts.push(*attempt),
            AnswerEvent::Restarted { attempt } => attempts.push(*attempt),
            _ => {}
        }),
        async {
            stack.model_said(50).await;
            let paused = stack.busy_function().await.pid;
            let lambda = stack.running.local.lambda();
            assert!(lambda.freeze(paused));
            let taken_over = stack
                .running
                .local
                .bedrock()
                .wait_until(|calls| calls.len() == 2 && calls[1].tokens_sent > 20);
            system_tests::within("another worker", taken_over).await;
            assert!(lambda.thaw(paused));
        }
    );
    let answer = answer.expect("an answer");
    assert_eq!((answer.text, answer.attempt), (text_of(2, TOKENS), 2));
    let first_of_second = attempts
        .iter()
        .position(|attempt| *attempt == 2)
        .expect("a second attempt");
    assert!(
        attempts[first_of_second..]
            .iter()
            .all(|attempt| *attempt == 2),
        "{attempts:?}"
    );
    // The first call ended because its worker dropped the stream, not because the answer was complete.
    let calls = stack.running.local.bedrock().calls();
    assert_eq!(calls.len(), 2);
    stack.queue_is_empty().await;
    stack.shutdown().await;
}
