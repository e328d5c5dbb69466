//! Lambda's deadline: the session ends before it, and a function that goes on is killed.

use std::time::Duration;

use local_stack::config::{FaultRule, ModelFault};
use system_tests::stack::{faulty, script, text, text_of};
use system_tests::{Channel, TestStack, collect, over_each_channel};

over_each_channel! {
    async fn near_the_deadline_the_session_ends_with_its_text(channel) {
        check_deadline(channel).await;
    }

    async fn a_function_that_is_killed_at_its_deadline_is_followed_by_another(channel) {
        check_killed_at_its_deadline(channel).await;
    }
}

async fn check_deadline(channel: Channel) {
    let stack = TestStack::start_over(channel, |options| {
        options.script = script(10_000, Duration::from_millis(10));
        // Long enough that a busy machine ends the answer in time.
        options.stack.worker_timeout = Some(Duration::from_secs(10));
        options.worker_variable("LEASE_SECONDS", "5");
    })
    .await;
    let answer = collect(stack.client("alice").stream("A very long story"))
        .await
        .expect("an answer");
    assert_eq!(answer.failure(), Some("DEADLINE"));
    assert!(
        text(10_000).starts_with(&answer.text) && answer.text.len() > 100,
        "{} bytes",
        answer.text.len()
    );
    stack.queue_is_empty().await;
    assert_eq!(
        stack.running.local.bedrock().calls().len(),
        1,
        "another attempt would take as long"
    );
    stack.shutdown().await;
}

async fn check_killed_at_its_deadline(channel: Channel) {
    let stack = TestStack::start_over(channel, |options| {
        options.script = faulty(50, Duration::from_millis(5), vec![]);
        options.stack.worker_timeout = Some(Duration::from_secs(2));
        options.worker_variable("LEASE_SECONDS", "1");
    })
    .await;
    stack.script(faulty(
        50,
        Duration::from_millis(5),
        vec![FaultRule::first(
            std::num::NonZeroU32::MIN,
            ModelFault::Stall { after_tokens: 10 },
        )],
    ));
    let stream = stack.client("alice").stream("Why do rivers meander?");
    let (answer, ()) = tokio::join!(collect(stream), async {
        stack.model_said(10).await;
        // The function is paused and can't end in time, so Lambda kills it.
        let busy = stack.busy_function().await.pid;
        assert!(stack.running.local.lambda().freeze(busy));
    });
    let answer = answer.expect("an answer");
    assert_eq!((answer.text, answer.attempt), (text_of(2, 50), 2));
    stack.queue_is_empty().await;
    stack.shutdown().await;
}
