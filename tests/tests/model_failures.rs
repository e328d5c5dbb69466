//! The model is busy, fails, falls silent, or is cut off.

use std::num::NonZeroU32;
use std::time::Duration;

use local_stack::config::{FaultRule, ModelException, ModelFault};
use serde_json::json;
use system_tests::answer::Answer;
use system_tests::stack::{TestOptions, faulty, script, text_of};
use system_tests::{Channel, TestStack, collect, over_each_channel};

const TOKENS: usize = 60;

/// Asks a prompt of a model with these faults.
async fn ask(channel: Channel, faults: Vec<FaultRule>) -> (TestStack, Answer) {
    ask_with(channel, faults, |_| {}).await
}

/// Asks with this patience for a throttled model. One wait takes between a thirtieth and a fifth of the patience.
async fn ask_patiently(
    channel: Channel,
    faults: Vec<FaultRule>,
    patience_s: u32,
) -> (TestStack, Answer) {
    ask_with(channel, faults, |options| {
        // If the function URL's function doesn't go on, the job in the queue does, after its lease.
        options.worker_variable("LEASE_SECONDS", "2");
        options.worker_variable("THROTTLE_PATIENCE_SECONDS", patience_s.to_string());
    })
    .await
}

async fn ask_with(
    channel: Channel,
    faults: Vec<FaultRule>,
    change: impl FnOnce(&mut TestOptions),
) -> (TestStack, Answer) {
    let stack = TestStack::start_over(channel, |options| {
        options.script = faulty(TOKENS, Duration::from_millis(5), faults);
        // The function URL's function tries again by itself. The job in the queue only goes on after its lease.
        let lease = if channel.is_queued() { "2" } else { "10" };
        options.worker_variable("LEASE_SECONDS", lease);
        options.worker_variable("MODEL_IDLE_TIMEOUT_MS", "500");
        options.worker_variable("MODEL_FIRST_TOKEN_TIMEOUT_MS", "1500");
        change(options);
    })
    .await;
    let answer = collect(stack.client("alice").stream("Why do rivers meander?"))
        .await
        .expect("an answer");
    (stack, answer)
}

/// Checks a fault of the first calls only: the answer still comes whole.
async fn check_recovers(channel: Channel, calls: u32, fault: ModelFault, shows: bool) {
    let calls = NonZeroU32::new(calls).expect("not 0");
    let first = vec![FaultRule::first(calls, fault.clone())];
    let (stack, answer) = match fault {
        ModelFault::Refuse(ModelException::Throttling) => ask_patiently(channel, first, 30).await,
        _ => ask(channel, first).await,
    };
    assert!(answer.is_completed(), "{fault:?}: {:?}", answer.ending);
    assert_eq!(answer.text, text_of(calls.get() + 1, TOKENS), "{fault:?}");
    assert_eq!(answer.restarts > 0, shows, "{fault:?}");
    assert_eq!(
        stack.running.local.bedrock().calls().len(),
        1 + calls.get() as usize
    );
    stack.queue_is_empty().await;
    assert_eq!(stack.messages_in(&stack.dead_letter_queue_url()).await, 0);
    stack.shutdown().await;
}

/// Checks a fault of every call: the session fails with a code, the text so far is kept, and the message becomes a dead
/// letter.
async fn check_fails(channel: Channel, fault: ModelFault, code: &str, kept: usize) {
    let (stack, answer) = ask(channel, vec![FaultRule::always(fault.clone())]).await;
    assert_eq!(answer.failure(), Some(code), "{fault:?}");
    assert_eq!(answer.text, text_of(3, kept), "{fault:?}");
    assert_eq!(
        stack.running.local.bedrock().calls().len(),
        3,
        "three attempts"
    );
    is_dead(&stack).await;
    stack.shutdown().await;
}

/// Checks that the job waits for an operator, over every channel.
async fn is_dead(stack: &TestStack) {
    stack.queue_is_empty().await;
    assert_eq!(stack.messages_in(&stack.dead_letter_queue_url()).await, 1);
}

fn mid_stream(exception: ModelException) -> ModelFault {
    ModelFault::Fail {
        after_tokens: 20,
        exception,
    }
}

over_each_channel! {
    async fn a_busy_model_is_asked_again_and_the_client_sees_nothing_of_it(channel) {
        let busy = ModelFault::Refuse(ModelException::Throttling);
        check_recovers(channel, 2, busy, false).await;
    }

    async fn a_model_that_fails_to_start_is_asked_again(channel) {
        let failed = ModelFault::Refuse(ModelException::InternalServer);
        check_recovers(channel, 1, failed, false).await;
    }

    async fn a_model_error_in_mid_stream_starts_the_text_again(channel) {
        check_recovers(channel, 1, mid_stream(ModelException::ModelStreamError), true).await;
    }

    async fn a_stream_without_its_end_starts_the_text_again(channel) {
        check_recovers(channel, 1, ModelFault::Cut { after_tokens: 20 }, true).await;
    }

    async fn a_stream_whose_connection_breaks_starts_the_text_again(channel) {
        check_recovers(channel, 1, ModelFault::Reset { after_tokens: 20 }, true).await;
    }

    async fn a_stream_that_falls_silent_starts_the_text_again(channel) {
        check_recovers(channel, 1, ModelFault::Stall { after_tokens: 20 }, true).await;
    }

    async fn a_model_that_is_always_busy_fails_the_session(channel) {
        let busy = ModelFault::Refuse(ModelException::Throttling);
        let always = vec![FaultRule::always(busy)];
        let (stack, answer) = ask_patiently(channel, always, 3).await;
        assert_eq!(answer.failure(), Some("THROTTLED"));
        assert_eq!(answer.text, "");
        let calls = stack.running.local.bedrock().calls().len();
        assert!(calls >= 2, "it was waited for: {calls} calls");
        is_dead(&stack).await;
        stack.shutdown().await;
    }

    async fn a_model_that_always_fails_in_mid_stream_fails_the_session_and_its_text_is_kept(channel) {
        let failed = mid_stream(ModelException::InternalServer);
        check_fails(channel, failed, "MODEL_ERROR", 20).await;
    }

    async fn a_model_that_always_falls_silent_fails_the_session(channel) {
        check_fails(channel, ModelFault::Stall { after_tokens: 10 }, "MODEL_STALLED", 10).await;
    }

    async fn a_model_that_does_not_begin_in_time_fails_the_session(channel) {
        check_fails(channel, ModelFault::Stall { after_tokens: 0 }, "MODEL_STALLED", 0).await;
    }

    /// A server that loads its model behaves like this: it takes one request, and the client waits.
    async fn a_model_that_takes_long_to_begin_is_waited_for(channel) {
        let stack = TestStack::start_over(channel, |options| {
            options.script = script(TOKENS, Duration::ZERO);
            options.script.time_to_first_token = Duration::from_millis(1500);
            options.worker_variable("LEASE_SECONDS", "1");
            options.worker_variable("MODEL_IDLE_TIMEOUT_MS", "300");
        })
        .await;
        let answer = collect(stack.client("alice").stream("Why do rivers meander?")).await;
        let answer = answer.expect("an answer");
        assert!(answer.is_completed(), "{:?}", answer.ending);
        assert_eq!((answer.text, answer.restarts), (text_of(1, TOKENS), 0));
        assert_eq!(stack.running.local.bedrock().calls().len(), 1);
        stack.shutdown().await;
    }

    async fn a_model_that_is_not_to_be_had_fails_at_once(channel) {
        for exception in [ModelException::AccessDenied, ModelException::ResourceNotFound] {
            let refused = ModelFault::Refuse(exception);
            let (stack, answer) = ask(channel, vec![FaultRule::always(refused)]).await;
            assert_eq!(answer.failure(), Some("MODEL_UNAVAILABLE"));
            let calls = stack.running.local.bedrock().calls().len();
            assert_eq!(calls, 1, "no other attempt");
            stack.queue_is_empty().await;
            stack.shutdown().await;
        }
    }

    async fn a_prompt_that_the_model_refuses_fails_at_once(channel) {
        let refused = ModelFault::Refuse(ModelException::Validation);
        let (stack, answer) = ask(channel, vec![FaultRule::always(refused)]).await;
        assert_eq!(answer.failure(), Some("INVALID_PROMPT"));
        let calls = stack.running.local.bedrock().calls().len();
        assert_eq!(calls, 1, "no other attempt");
        stack.queue_is_empty().await;
        assert_eq!(stack.messages_in(&stack.dead_letter_queue_url()).await, 0);
        stack.shutdown().await;
    }
}

#[tokio::test]
async fn while_the_model_is_busy_the_session_is_queued() {
    let stack = TestStack::start_with(|options| {
        let busy = FaultRule::always(ModelFault::Refuse(ModelException::Throttling));
        options.script = faulty(TOKENS, Duration::ZERO, vec![busy]);
        options.worker_variable("THROTTLE_PATIENCE_SECONDS", "30");
    })
    .await;
    let started = stack
        .start_stream("alice", "Why do rivers meander?", None)
        .await;
    let id = started["data"]["startStream"]["sessionId"]
        .as_str()
        .expect("an id")
        .to_owned();
    let refused = stack
        .running
        .local
        .bedrock()
        .wait_until(|calls| calls.len() == 2);
    system_tests::within("a second try", refused).await;
    let session = stack.get_stream("alice", &id).await;
    assert_eq!(
        (&session["status"], &session["text"]),
        (&json!("QUEUED"), &json!(""))
    );
    assert_eq!(session["error"], json!(null));
    assert_eq!(session["waiting"]["reason"], json!("THROTTLED"));
    let since = session["waiting"]["since"].as_str().expect("a time");
    assert!(since >= session["createdAt"].as_str().expect("a time"));
    let mut socket = stack.websocket("alice").await;
    let resume = json!({ "action": "resume", "sessionId": id });
    let frame = socket.ask(&resume, "resumed").await;
    assert_eq!(frame["waiting"], session["waiting"], "{frame}");
    socket.close().await;
    stack.shutdown().await;
}
