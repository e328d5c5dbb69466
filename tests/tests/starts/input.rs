//! One id stands for one prompt and one session.

use local_stack::faults::{Fault, FaultPlan, FaultService, Rule};
use serde_json::{Value, json};
use system_tests::stack::text;
use system_tests::websocket::Followed;
use system_tests::{Channel, TestStack, eventually, over_each_channel};
use uuid::Uuid;

use crate::ask::start;

async fn stack() -> TestStack {
    TestStack::start_with(|options| options.function_url_variable("LEASE_SECONDS", "2")).await
}

/// Returns the session once it is over.
async fn ended(stack: &TestStack, id: &str) -> Value {
    eventually("the end", || async {
        let session = stack.get_stream("alice", id).await;
        let is_over = ["COMPLETED", "FAILED", "CANCELLED"].map(|it| session["status"] == it);
        is_over.contains(&true).then_some(session)
    })
    .await
}

/// Checks that a start with another prompt is refused over every channel, and a start with the same prompt is accepted.
async fn check_started(stack: &TestStack, id: &str, prompt: &str) {
    for channel in Channel::ALL {
        for other in ["Why do birds sing?", "Why do rivers meander? "] {
            let (code, message) = start(stack, channel, id, other).await.expect_err("refused");
            assert_eq!(code, "INVALID_PROMPT", "{channel:?}");
            let expected = "this session was started with another prompt, or in another place";
            assert_eq!(message, expected);
        }
        assert_eq!(start(stack, channel, id, prompt).await, Ok(()));
    }
}

over_each_channel! {
    async fn one_id_is_one_prompts(channel) {
        let stack = stack().await;
        let (id, prompt) = (Uuid::new_v4().to_string(), "Why do rivers meander?");
        assert_eq!(start(&stack, channel, &id, prompt).await, Ok(()));
        check_started(&stack, &id, prompt).await;
        assert_eq!(ended(&stack, &id).await["text"], json!(text(100)));
        check_started(&stack, &id, prompt).await;
        stack.queue_is_empty().await;
        assert_eq!(stack.running.local.bedrock().calls().len(), 1);
        stack.shutdown().await;
    }

    async fn a_function_that_dies_while_it_sends_the_job_leaves_one_prompts_session(channel) {
        // The function dies before the queue has the job, and after.
        for handled in [false, true] {
            check_crash(channel, handled).await;
        }
    }

    async fn the_record_of_a_refused_start_says_so(channel) {
        let stack = stack().await;
        for is_taken in [true, false] {
            let id = Uuid::new_v4().to_string();
            if is_taken {
                // A client that follows the session claims the id.
                let mut socket = stack.websocket("alice").await;
                assert_eq!(socket.resume(&id, Followed::default()).await, "CLAIMED");
            }
            let refused = start(&stack, channel, &id, " ").await.expect_err("refused");
            let session = stack.get_stream("alice", &id).await;
            assert_eq!(session["status"], "FAILED", "{is_taken}");
            let error = json!({ "code": refused.0, "message": refused.1, "retryable": false });
            assert_eq!(session["error"], error, "{is_taken}");
        }
        // A session that was started goes on after a refused start with its id.
        let id = Uuid::new_v4().to_string();
        assert_eq!(start(&stack, channel, &id, "Hi").await, Ok(()));
        start(&stack, channel, &id, " ").await.expect_err("refused");
        assert_eq!(ended(&stack, &id).await["status"], "COMPLETED");
        stack.shutdown().await;
    }
}

async fn check_crash(channel: Channel, handled: bool) {
    let stack = stack().await;
    let (id, prompt) = (Uuid::new_v4().to_string(), "Why do rivers meander?");
    // The queue gives nothing to the worker yet, so the test sees the record as the function left it.
    let kill = Rule::new(
        FaultService::Sqs,
        "SendMessage",
        Fault::KillCaller { handled },
    )
    .times(1);
    let deaf = Rule::new(
        FaultService::Sqs,
        "ReceiveMessage",
        Fault::error("ServiceUnavailable"),
    );
    let plan = FaultPlan::seeded(1).with(kill).with(deaf);
    let faults = stack.running.local.faults();
    faults.set(plan).expect("a plan");
    start(&stack, channel, &id, prompt)
        .await
        .expect_err("the function is dead");
    assert_eq!(faults.report()[0].fired, 1);
    assert_eq!(stack.get_stream("alice", &id).await["status"], "CLAIMED");
    let sent = stack.messages_in(&stack.queue_url()).await;
    assert_eq!(sent, u32::from(handled));
    faults.clear();
    check_started(&stack, &id, prompt).await;
    let session = ended(&stack, &id).await;
    assert_eq!(session["status"], "COMPLETED", "{channel:?}, {handled}");
    stack.queue_is_empty().await;
    assert_eq!(stack.running.local.bedrock().calls().len(), 1);
    stack.shutdown().await;
}
