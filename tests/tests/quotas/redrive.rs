//! A session that dies to the dead-letter queue, and is put back: what is settled, and what `usage` says meanwhile.

use std::time::Duration;

use local_stack::config::{FaultRule, ModelException, ModelFault};
use serde_json::json;
use system_tests::stack::{faulty, script};
use system_tests::{TestStack, collect, eventually, over_each_channel};
use uuid::Uuid;

use crate::ledgers::settled;
use crate::{TOKENS, usage};

const PROMPT: &str = "Why do rivers meander?";

/// The tokens that a text counts as where no model has counted.
fn about(text: &str) -> u64 {
    text.len().div_ceil(3) as u64
}

over_each_channel! {
    /// The first attempt is interrupted, the second one refused for good. Then the cause is gone, and an operator puts back
    /// the job, of which there are two copies.
    async fn a_session_that_dies_and_is_put_back_is_settled_once_each_time(channel) {
        let stack = TestStack::start_over(channel, |options| {
            options.script = script(2000, Duration::from_millis(10));
            options.worker_variable("LEASE_SECONDS", "1");
            options.stack.quotas = Some(r#"{"default": {"startsPerDay": 1}}"#.to_owned());
        })
        .await;
        let (id, client) = (Uuid::new_v4(), stack.client("alice"));
        let (answer, ()) = tokio::join!(collect(client.stream_as(id, PROMPT)), async {
            stack.model_said(100).await;
            runs(&stack, 0).await;
            let refused = FaultRule::always(ModelFault::Refuse(ModelException::AccessDenied));
            stack.script(faulty(TOKENS, Duration::ZERO, vec![refused]));
            let busy = stack.busy_function().await;
            assert!(stack.running.local.lambda().kill(busy.pid));
        });
        assert_eq!(answer.expect("an answer").failure(), Some("MODEL_UNAVAILABLE"));
        let bodies = stack.dead_letters(1).await;
        stack.queue_is_empty().await;
        // What the record has of the first attempt is charged, and of the second one nothing.
        let id = id.to_string();
        let record = stack.get_stream("alice", &id).await;
        let text = record["text"].as_str().expect("a text");
        assert!(!text.is_empty());
        let dead = settled(&stack).await;
        assert_eq!((dead.starts, dead.tokens), (1, about(PROMPT) + about(text)));
        is_over(&stack, dead.tokens).await;

        let copy = stack.sqs().send_message().queue_url(stack.dead_letter_queue_url());
        copy.message_body(&bodies[0]).send().await.expect("sent");
        stack.dead_letters(2).await;
        stack.script(script(100, Duration::from_millis(50)));
        // It is no start, and no limit refuses it.
        assert_eq!(stack.redrive(&["--all"]).await.len(), 2);
        runs(&stack, dead.tokens).await;
        eventually("the answer", || async {
            let session = stack.get_stream("alice", &id).await;
            (session["status"] == "COMPLETED").then_some(())
        })
        .await;
        stack.queue_is_empty().await;
        let calls = stack.running.local.bedrock().calls();
        let [_, _, answered] = &calls[..] else { panic!("three calls: {calls:?}") };
        let counted = answered.counted_tokens.expect("the model has counted");
        let used = settled(&stack).await;
        assert_eq!((used.starts, used.tokens), (1, dead.tokens + counted));
        is_over(&stack, used.tokens).await;
        assert_eq!(stack.messages_in(&stack.dead_letter_queue_url()).await, 0);
        stack.shutdown().await;
    }
}

/// Waits until `usage` tells of a session that runs, beside what is settled.
async fn runs(stack: &TestStack, settled: u64) {
    let used = eventually("a session that runs", || async {
        let used = usage(stack, "alice").await;
        (used["sessionsAtOnce"]["used"] == 1).then_some(used)
    })
    .await;
    let reserved = used["tokensPerDay"]["used"].as_u64().expect("a number");
    assert!(reserved > settled, "{used}");
    assert_eq!(used["startsPerDay"]["used"], 1, "{used}");
}

/// Checks that `usage` tells of no session that runs, and of what is settled.
async fn is_over(stack: &TestStack, settled: u64) {
    let used = usage(stack, "alice").await;
    let starts = json!({ "used": 1, "limit": 1, "left": 0 });
    assert_eq!(used["startsPerDay"], starts, "{used}");
    assert_eq!(used["sessionsAtOnce"]["used"], 0, "{used}");
    assert_eq!(used["tokensPerDay"]["used"], settled, "{used}");
}
