//! The model fails: before its first token, in mid-stream, once, always.

use std::num::NonZeroU32;
use std::time::Duration;

use local_stack::config::{FaultRule, ModelException, ModelFault};
use reqwest::StatusCode;
use serde_json::{Value, json};
use system_tests::TestStack;
use system_tests::stack::{faulty, script, text_of as said};
use system_tests::url::{Event, text_of};

const TOKENS: usize = 40;

async fn stack(faults: Vec<FaultRule>) -> TestStack {
    TestStack::start_with(|options| {
        options.script = faulty(TOKENS, Duration::from_millis(2), faults);
        options.function_url_variable("MODEL_IDLE_TIMEOUT_MS", "1000");
        options.function_url_variable("MODEL_FIRST_TOKEN_TIMEOUT_MS", "1000");
        // Throttled, a session would wait for a worker.
        options.function_url_variable("THROTTLE_PATIENCE_SECONDS", "0");
    })
    .await
}

fn once(fault: ModelFault) -> Vec<FaultRule> {
    vec![FaultRule::first(NonZeroU32::MIN, fault)]
}

fn always(fault: ModelFault) -> Vec<FaultRule> {
    vec![FaultRule::always(fault)]
}

fn fails_after(after_tokens: usize) -> ModelFault {
    ModelFault::Fail {
        after_tokens,
        exception: ModelException::ModelStreamError,
    }
}

#[tokio::test]
async fn a_failure_in_mid_stream_begins_the_text_anew_under_the_next_attempt() {
    let stack = stack(once(fails_after(20))).await;
    let mut events = stack.url_ask(None).await;
    let id = events.session_id();
    let events = events.rest().await;
    let second = events
        .iter()
        .position(|event| event.data["attempt"] == json!(2));
    let (first, second) = events.split_at(second.expect("a second attempt"));
    let begun: String = first.iter().map(Event::token).collect();
    assert!(!begun.is_empty() && said(1, TOKENS).starts_with(&begun));
    assert_eq!(second[0].id, "2.1");
    assert_eq!(text_of(second), said(2, TOKENS));

    // Whoever has some of the first attempt gets all of the second.
    let last = &first.last().expect("some").id;
    let rest = stack.url_resume(&id, Some(last)).await.rest().await;
    assert_eq!(text_of(&rest), said(2, TOKENS));
    let rest = stack.url_resume(&id, Some("2.1")).await.rest().await;
    assert_eq!(rest[0].id, "2.2");
    stack.shutdown().await;
}

#[tokio::test]
async fn a_failure_before_the_first_token_is_not_seen() {
    let refused = ModelFault::Refuse(ModelException::InternalServer);
    let stack = stack(once(refused)).await;
    let events = stack.url_ask(None).await.rest().await;
    assert_eq!(text_of(&events), said(2, TOKENS));
    assert_eq!(events[0].id, "2.1");
    stack.shutdown().await;

    let refused = ModelFault::Refuse(ModelException::InternalServer);
    let stack = self::stack(once(refused)).await;
    let text = stack.url_text().await;
    assert_eq!(text.status(), StatusCode::OK);
    assert_eq!(text.text().await.expect("whole"), said(2, TOKENS));
    stack.shutdown().await;
}

#[tokio::test]
async fn a_text_that_would_begin_anew_breaks_off() {
    let stack = stack(once(fails_after(20))).await;
    let mut response = stack.url_text().await;
    assert_eq!(response.status(), StatusCode::OK);
    let mut text = Vec::new();
    let broken = loop {
        match response.chunk().await {
            Ok(Some(bytes)) => text.extend_from_slice(&bytes),
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    let text = String::from_utf8(text).expect("UTF-8");
    assert!(broken, "ended as if it were whole: {text}");
    assert!(
        !text.is_empty() && said(1, TOKENS).starts_with(&text),
        "{text}"
    );
    stack.shutdown().await;
}

#[tokio::test]
async fn a_failure_for_good_is_an_event() {
    let stack = stack(always(fails_after(5))).await;
    let mut events = stack.url_ask(None).await;
    let id = events.session_id();
    let events = events.rest().await;
    let end = events.last().expect("an end");
    assert_eq!(
        (end.kind.as_str(), &end.data["status"]),
        ("error", &json!("FAILED"))
    );
    assert_eq!(end.data["error"]["code"], "MODEL_ERROR");
    assert_eq!(end.data["error"]["retryable"], true);
    assert!(end.data["error"]["message"].is_string());
    assert_eq!(end.token(), "");
    // The last event's number counts on from a text that is all there.
    let attempt = &end.data["attempt"];
    let last: Vec<_> = events
        .iter()
        .filter(|it| it.data["attempt"] == *attempt)
        .cloned()
        .collect();
    assert_eq!(text_of(&last), said(3, 5));
    let again = stack.url_resume(&id, None).await.rest().await;
    assert_eq!(text_of(&again), said(3, 5));
    assert_eq!(
        stack.running.local.bedrock().calls().len(),
        3,
        "three attempts"
    );
    stack.shutdown().await;
}

#[tokio::test]
async fn a_failure_for_good_before_the_first_token_is_a_status_for_a_text() {
    for (fault, status, code, retryable) in [
        (
            ModelFault::Refuse(ModelException::Throttling),
            503,
            "THROTTLED",
            true,
        ),
        (
            ModelFault::Refuse(ModelException::Validation),
            400,
            "INVALID_PROMPT",
            false,
        ),
        (
            ModelFault::Refuse(ModelException::AccessDenied),
            502,
            "MODEL_UNAVAILABLE",
            false,
        ),
        (fails_after(0), 502, "MODEL_ERROR", true),
    ] {
        let stack = stack(always(fault)).await;
        let response = stack.url_text().await;
        assert_eq!(response.status().as_u16(), status, "{code}");
        assert_eq!(response.headers()["content-type"], "application/json");
        let body: Value = response.json().await.expect("JSON");
        assert_eq!(body["error"]["code"], code);
        assert_eq!(body["error"]["retryable"], retryable);
        stack.shutdown().await;
    }
}

#[tokio::test]
async fn a_deadline_ends_the_session_and_keeps_the_text() {
    let stack = TestStack::start_with(|options| {
        options.script = script(2_000, Duration::from_millis(20));
        options.stack.worker_timeout = Some(Duration::from_secs(5));
        options.function_url_variable("DEADLINE_RESERVE_MS", "1000");
    })
    .await;
    let mut events = stack.url_ask(None).await;
    let events = events.rest().await;
    let end = events.last().expect("an end");
    assert_eq!(end.data["error"]["code"], "DEADLINE");
    let kept = text_of(&events);
    assert!(!kept.is_empty() && said(1, 2_000).starts_with(&kept));
    stack.shutdown().await;
}
