//! What becomes of a completion when the model, the function or the connection fails.

use std::num::NonZeroU32;
use std::time::Duration;

use local_stack::config::{FaultRule, ModelException, ModelFault, ScriptConfig};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use system_tests::stack::{faulty, script, text, text_of as said};
use system_tests::{TestStack, eventually};

use crate::stream::{End, at_once, sent, stream, streamed, text_of};

const TOKENS: usize = 60;

fn fails_after(after_tokens: usize) -> ModelFault {
    ModelFault::Fail {
        after_tokens,
        exception: ModelException::ModelStreamError,
    }
}

/// A stack whose model fails by these rules.
async fn failing(faults: Vec<FaultRule>) -> TestStack {
    TestStack::start_with(|options| {
        options.script = faulty(TOKENS, Duration::from_millis(5), faults);
        options.function_url_variable("MAX_ATTEMPTS", "2");
        // A throttled session would wait for a worker.
        options.function_url_variable("THROTTLE_PATIENCE_SECONDS", "0");
    })
    .await
}

fn once(fault: ModelFault) -> Vec<FaultRule> {
    vec![FaultRule::first(NonZeroU32::MIN, fault)]
}

#[tokio::test]
async fn a_newer_attempt_that_says_the_same_goes_on_where_the_text_was() {
    let stack = failing(once(fails_after(20))).await;
    let tokens: Vec<_> = (0..TOKENS).map(|number| format!("{number} ")).collect();
    let whole = tokens.concat();
    stack.script(ScriptConfig {
        tokens: Some(tokens),
        ..faulty(TOKENS, Duration::from_millis(5), once(fails_after(20)))
    });
    let (chunks, end) = stream(streamed(&stack)).await.rest().await;
    assert_eq!((end, chunks.last()), (End::Whole, Some(&json!("[DONE]"))));
    assert_eq!(text_of(&chunks), whole, "no text comes twice");
    assert_eq!(stack.running.local.bedrock().calls().len(), 2);
    stack.shutdown().await;
}

#[tokio::test]
async fn a_newer_attempt_that_says_something_else_is_an_error() {
    let stack = failing(once(fails_after(20))).await;
    let mut answer = stream(streamed(&stack)).await;
    let id = answer.session_id();
    let (chunks, end) = answer.rest().await;
    let (error, chunks) = chunks.split_last().expect("some");
    assert_eq!(
        (end, &error["error"]["code"]),
        (End::Whole, &json!("answer_restarted"))
    );
    let begun = text_of(chunks);
    assert!(
        !begun.is_empty() && said(1, TOKENS).starts_with(&begun),
        "{begun}"
    );
    // The session goes on to its end.
    let session = eventually("the end of the answer", || async {
        let session = stack.get_stream("alice", &id).await;
        (session["status"] == "COMPLETED").then_some(session)
    })
    .await;
    assert_eq!(session["text"], said(2, TOKENS));
    stack.shutdown().await;

    // Nothing was sent of an answer that isn't streamed.
    let stack = failing(once(fails_after(20))).await;
    let whole: Value = sent(at_once(&stack)).await.json().await.expect("JSON");
    assert_eq!(whole["choices"][0]["message"]["content"], said(2, TOKENS));
    stack.shutdown().await;
}

#[tokio::test]
async fn a_failure_has_a_status_before_the_first_token_and_is_an_error_behind_it() {
    for (exception, status, code) in [
        (ModelException::ModelStreamError, 502, "MODEL_ERROR"),
        (ModelException::Throttling, 429, "rate_limit_exceeded"),
    ] {
        let stack = failing(vec![FaultRule::always(ModelFault::Refuse(exception))]).await;
        for request in [streamed(&stack), at_once(&stack)] {
            let response = sent(request).await;
            assert_eq!(response.status().as_u16(), status, "{code}");
            let session_id = response.headers().get("x-tokencast-session-id");
            assert!(session_id.is_some());
            assert_eq!(response.headers().get("x-request-id"), session_id);
            let error: Value = response.json().await.expect("JSON");
            assert_eq!(error["error"]["code"], code);
        }
        stack.shutdown().await;
    }
    let stack = failing(vec![FaultRule::always(fails_after(20))]).await;
    // Each attempt says the same, so that no attempt differs from the one before.
    let tokens = (0..TOKENS).map(|number| format!("{number} "));
    stack.script(ScriptConfig {
        tokens: Some(tokens.collect()),
        ..faulty(
            TOKENS,
            Duration::from_millis(5),
            vec![FaultRule::always(fails_after(20))],
        )
    });
    let (chunks, end) = stream(streamed(&stack)).await.rest().await;
    let (error, chunks) = chunks.split_last().expect("some");
    assert_eq!(
        (end, &error["error"]["code"]),
        (End::Whole, &json!("MODEL_ERROR"))
    );
    assert!(
        chunks
            .iter()
            .all(|chunk| chunk["choices"][0]["finish_reason"].is_null())
    );
    let response = sent(at_once(&stack)).await;
    assert_eq!(response.status().as_u16(), 502);
    stack.shutdown().await;
}

#[tokio::test]
async fn a_worker_takes_over_from_a_function_that_dies_and_a_repeat_has_its_answer() {
    let stack = TestStack::start_with(|options| {
        options.script = script(TOKENS, Duration::from_millis(20));
        options.function_url_variable("LEASE_SECONDS", "2");
    })
    .await;
    let keyed = || streamed(&stack).header("idempotency-key", "once");
    let mut first = stream(keyed()).await;
    let id = first.session_id();
    while text_of(&[first.next().await.expect("a chunk")]).is_empty() {}
    let process = stack.busy_function_url().await;
    assert!(stack.running.local.lambda().kill(process.pid));
    let (chunks, end) = first.rest().await;
    assert_eq!(end, End::BrokenOff);
    assert!(!chunks.contains(&json!("[DONE]")));
    eventually("the second attempt's end", || async {
        let session = stack.get_stream("alice", &id).await;
        (session["status"] == "COMPLETED").then_some(())
    })
    .await;
    let mut again = stream(keyed()).await;
    assert_eq!(again.session_id(), id);
    let (chunks, end) = again.rest().await;
    assert_eq!((end, text_of(&chunks)), (End::Whole, said(2, TOKENS)));
    assert_ne!(text_of(&chunks), text(TOKENS));
    stack.queue_is_empty().await;
    stack.shutdown().await;
}

#[tokio::test]
async fn a_stop_ends_a_completion_with_the_text_so_far() {
    let stack = TestStack::start_with(|options| {
        options.script = script(2_000, Duration::from_millis(10));
    })
    .await;
    let keyed = || streamed(&stack).header("idempotency-key", "stopped");
    let mut answer = stream(keyed()).await;
    let id = answer.session_id();
    while text_of(&[answer.next().await.expect("a chunk")]).is_empty() {}
    stack.url_stop(&id).await;
    let (chunks, end) = answer.rest().await;
    assert_eq!((end, chunks.last()), (End::Whole, Some(&json!("[DONE]"))));
    assert_eq!(
        chunks[chunks.len() - 2]["choices"][0]["finish_reason"],
        "stop"
    );
    // The same request is asked anew, once.
    stack.script(script(TOKENS, Duration::ZERO));
    let mut again = Vec::new();
    for _ in 0..2 {
        let mut answer = stream(keyed()).await;
        again.push(answer.session_id());
        assert_eq!(answer.rest().await.1, End::Whole);
    }
    assert!(again[0] == again[1] && again[0] != id, "{again:?}");
    assert_eq!(stack.running.local.bedrock().calls().len(), 2);
    let other =
        json!({ "model": "default", "messages": [{ "role": "user", "content": "Why not?" }] });
    let other = stack
        .url(Method::POST, "v1/chat/completions", "alice")
        .header("idempotency-key", "stopped")
        .json(&other);
    let refused = sent(other).await;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let refused: Value = refused.json().await.expect("JSON");
    let message = refused["error"]["message"].as_str().unwrap_or_default();
    assert!(
        message.starts_with("the `Idempotency-Key` was sent"),
        "{refused}"
    );
    stack.shutdown().await;
}
