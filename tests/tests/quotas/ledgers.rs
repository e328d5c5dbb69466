//! What is settled: once, whatever happens to a session.

use std::num::NonZeroU32;
use std::time::Duration;

use local_stack::config::{FaultRule, ModelException, ModelFault};
use local_stack::faults::{Fault, FaultPlan, FaultService, Rule};
use serde_json::{Value, json};
use system_tests::soak::quotas::{Used, ledgers};
use system_tests::stack::{faulty, script};
use system_tests::{Channel, TestStack, collect, eventually, over_each_channel};
use uuid::Uuid;

use crate::{TOKENS, stack, usage};

/// Quotas that limit nothing and count everything.
const NONE: &str = "{}";

/// What the only user has used, once nothing is reserved any more.
pub(crate) async fn settled(stack: &TestStack) -> Used {
    eventually("everything settled", || async {
        let ledgers = ledgers(stack).await;
        let used = ledgers.into_values().next()?;
        (used.live == 0).then_some(used)
    })
    .await
}

over_each_channel! {
    async fn an_answer_is_settled_with_what_the_model_counted(channel) {
        let stack = stack(channel, NONE).await;
        let answer = collect(stack.client("alice").stream("Why?")).await;
        assert!(answer.expect("an answer").is_completed());
        let used = settled(&stack).await;
        let counted = stack.running.local.bedrock().calls()[0].counted_tokens;
        assert_eq!((used.starts, Some(used.tokens)), (1, counted));
        stack.shutdown().await;
    }

    async fn the_write_of_an_end_whose_worker_dies_settles_once(channel) {
        let stack = TestStack::start_over(channel, |options| {
            // The only checkpoint is that of the first token, so that the end's write is the first one.
            options.script = script(TOKENS, Duration::from_millis(50));
            options.worker_variable("CHECKPOINT_INTERVAL_MS", "5000");
            options.stack.quotas = Some(NONE.to_owned());
        })
        .await;
        // The end is written, and its worker never hears of it.
        let killed = Fault::KillCaller { handled: true };
        let rule = Rule::new(FaultService::DynamoDb, "TransactWriteItems", killed);
        let rule = rule.called_by(channel.function()).times(1);
        // The function behind a Function URL writes the start, too.
        let starts = u64::from(channel == Channel::FunctionUrl);
        let plan = FaultPlan::default().with(rule.after(starts));
        stack.running.local.faults().set(plan).expect("a plan");
        let answer = collect(stack.client("alice").stream("Why?")).await;
        assert!(answer.expect("an answer").is_completed());
        stack.queue_is_empty().await;
        let used = settled(&stack).await;
        let calls = stack.running.local.bedrock().calls();
        assert_eq!(calls.len(), 1, "the answer was over");
        assert_eq!((used.starts, Some(used.tokens)), (1, calls[0].counted_tokens));
        stack.shutdown().await;
    }
}

#[tokio::test]
async fn a_second_attempt_is_charged_beside_the_first() {
    let stack = stack(Channel::AppSync, NONE).await;
    let broken = ModelFault::Fail {
        after_tokens: 10,
        exception: ModelException::ModelStreamError,
    };
    let broken = FaultRule::first(NonZeroU32::MIN, broken);
    stack.script(faulty(TOKENS, Duration::ZERO, vec![broken]));
    let answer = collect(stack.client("alice").stream("Why?")).await;
    assert_eq!(answer.expect("an answer").attempt, 2);
    let used = settled(&stack).await;
    let calls = stack.running.local.bedrock().calls();
    let counted = calls.iter().find_map(|call| call.counted_tokens);
    let counted = counted.expect("the second is whole");
    assert_eq!(calls.len(), 2);
    assert!(used.tokens > counted, "{used:?}: the first is charged");
    stack.shutdown().await;
}

#[tokio::test]
async fn a_stop_settles_a_session_that_waits_and_one_that_runs() {
    let stack = TestStack::start_with(|options| {
        options.script = script(2000, Duration::from_millis(10));
        options.stack.quotas = Some(NONE.to_owned());
    })
    .await;
    let (id, client) = (Uuid::new_v4(), stack.client("alice"));
    let (answer, ()) = tokio::join!(collect(client.stream_as(id, "A long story")), async {
        stack.model_said(50).await;
        let used = usage(&stack, "alice").await;
        assert_eq!(used["sessionsAtOnce"]["used"], 1, "{used}");
        client.stop(id).await.expect("stopped");
    });
    assert!(answer.expect("an answer").is_cancelled());
    let used = settled(&stack).await;
    assert!(used.tokens > 10, "{used:?}: what was said is charged");
    let record = stack.get_stream("alice", &id.to_string()).await;
    assert_eq!(record["usage"], Value::Null, "the model did not count");
    assert_eq!(
        usage(&stack, "alice").await["tokensPerDay"]["used"],
        json!(used.tokens)
    );
    stack.shutdown().await;
}
