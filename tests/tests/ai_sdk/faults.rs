//! What becomes of a chat's answer when the model, the function or the connection fails.

use std::num::NonZeroU32;
use std::time::Duration;

use local_stack::config::{FaultRule, ModelException, ModelFault};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use system_tests::TestStack;
use system_tests::ai_sdk::{End, Message, user};
use system_tests::stack::{faulty, script, text_of};

const TOKENS: usize = 60;

/// An answer that runs for a while.
const MANY: usize = 400;

fn fails_after(after_tokens: usize) -> ModelFault {
    ModelFault::Fail {
        after_tokens,
        exception: ModelException::ModelStreamError,
    }
}

/// A stack whose model fails once.
async fn failing_once(tokens: usize, fault: ModelFault) -> TestStack {
    TestStack::start_with(|options| {
        let faults = vec![FaultRule::first(NonZeroU32::MIN, fault)];
        options.script = faulty(tokens, Duration::from_millis(20), faults);
    })
    .await
}

/// What a stream has shown before it broke off.
fn text_in(chunks: &[serde_json::Value]) -> String {
    chunks
        .iter()
        .filter_map(|chunk| chunk["delta"].as_str())
        .collect()
}

#[tokio::test]
async fn a_newer_attempt_resets_the_step_of_a_chat_that_takes_that() {
    let stack = failing_once(TOKENS, fails_after(20)).await;
    let request = stack
        .chat_request("c", "submit-message", &[user("m1", "One")])
        .header("x-tokencast-chunks", "reset-step");
    let message = stack.chat_of(request).await.whole().await;
    assert_eq!((message.resets, message.end.as_str()), (1, "stop"));
    assert_eq!(message.text, text_of(2, TOKENS));
    stack.shutdown().await;
}

#[tokio::test]
async fn for_others_the_response_ends_and_the_resume_has_the_newer_attempt_alone() {
    let stack = failing_once(MANY, fails_after(20)).await;
    let mut chunks = stack.chat("c", &[user("m1", "One")]).await;
    let (first, end) = chunks.rest().await;
    assert_eq!(end, End::Done);
    let error = first.last().expect("an error");
    assert_eq!(error["errorText"], "The answer starts again: resume it.");
    assert!(text_of(1, MANY).starts_with(&text_in(&first)));
    let message = stack.resume_chat("c").await.expect("it runs").whole().await;
    assert_eq!(message.id, first[0]["messageId"].as_str().expect("an id"));
    assert_eq!((message.text, message.resets), (text_of(2, MANY), 0));
    stack.shutdown().await;
}

#[tokio::test]
async fn an_attempt_that_says_nothing_is_not_seen() {
    let stack = failing_once(TOKENS, ModelFault::Refuse(ModelException::InternalServer)).await;
    let message = stack.chat("c", &[user("m1", "One")]).await.whole().await;
    assert_eq!((message.text, message.resets), (text_of(2, TOKENS), 0));
    stack.shutdown().await;
}

#[tokio::test]
async fn a_model_that_fails_for_good_is_an_error_and_the_question_can_be_asked_again() {
    let stack = TestStack::start_with(|options| {
        let faults = vec![FaultRule::always(fails_after(10))];
        options.script = faulty(TOKENS, Duration::ZERO, faults);
        options.function_url_variable("MAX_ATTEMPTS", "1");
    })
    .await;
    let failed = stack.chat("c", &[user("m1", "One")]).await.whole().await;
    assert_eq!(failed.text, text_of(1, 10));
    assert!(failed.end.starts_with("error: The model"), "{failed:?}");
    assert!(stack.resume_chat("c").await.is_none());
    let messages = stack.url(Method::GET, "ai-sdk/c/messages", "alice").send();
    let messages: Value = messages
        .await
        .expect("a response")
        .json()
        .await
        .expect("JSON");
    let metadata = &messages[1]["metadata"];
    assert_eq!(
        (&metadata["status"], &metadata["error"]["code"]),
        (&json!("FAILED"), &json!("MODEL_ERROR"))
    );
    stack.script(script(1, Duration::ZERO));
    let again = stack.chat("c", &[user("m1", "One")]).await.whole().await;
    assert_ne!(again.id, failed.id);
    assert_eq!(again.end, "stop");
    // That is its answer now, however often it is asked for.
    let repeated = stack.chat("c", &[user("m1", "One")]).await.whole().await;
    assert_eq!(repeated, again);
    assert_eq!(stack.running.local.bedrock().calls().len(), 2);
    let other = json!({"id": "c", "messages": [user("m1", "One")], "assistant": "nobody"});
    let other = stack.url(Method::POST, "ai-sdk", "alice").json(&other);
    let other = other.send().await.expect("a response");
    assert_eq!(other.status(), StatusCode::CONFLICT);
    stack.shutdown().await;
}

#[tokio::test]
async fn a_worker_takes_over_from_a_function_that_dies() {
    let stack = TestStack::start_with(|options| {
        options.script = script(MANY, Duration::from_millis(20));
        options.function_url_variable("LEASE_SECONDS", "2");
    })
    .await;
    let mut chunks = stack.chat("c", &[user("m1", "One")]).await;
    chunks.until_text(20).await;
    let process = stack.busy_function_url().await;
    assert!(stack.running.local.lambda().kill(process.pid));
    let (_, end) = chunks.rest().await;
    assert_eq!(end, End::BrokenOff);
    // What the first attempt has said comes again, or nothing of it. A chat then resumes.
    let mut resumed = stack.resume_chat("c").await.expect("it runs");
    let (first, end) = resumed.rest().await;
    assert_eq!(end, End::Done);
    let message = Message::of(&first);
    let message = if message.end == "stop" {
        message
    } else {
        assert!(text_of(1, MANY).starts_with(&text_in(&first)));
        let mut resumed = stack.resume_chat("c").await.expect("it runs");
        resumed.whole().await
    };
    assert_eq!(
        (message.text, message.end.as_str()),
        (text_of(2, MANY), "stop")
    );
    stack.queue_is_empty().await;
    stack.shutdown().await;
}

#[tokio::test]
async fn a_response_that_is_repeated_is_the_same_answer() {
    let stack = TestStack::start_with(|options| {
        options.script = script(TOKENS, Duration::from_millis(10));
    })
    .await;
    let asked = [user("m1", "One")];
    let mut chunks = stack.chat("c", &asked).await;
    chunks.until_text(20).await;
    // The connection is lost, and the same request comes again.
    drop(chunks);
    let message = stack.chat("c", &asked).await.whole().await;
    assert_eq!(message.text, text_of(1, TOKENS));
    assert_eq!(stack.running.local.bedrock().calls().len(), 1);
    stack.shutdown().await;
}
