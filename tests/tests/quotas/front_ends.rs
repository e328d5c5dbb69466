//! A start beyond a quota, as each front end's protocol says it.

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use system_tests::ai_sdk::{ChatRequest, RequestEnd, user};
use system_tests::{Channel, TestStack};

use crate::{quota, stack};

/// Quotas that nobody can keep: the second is over within a minute.
const REFUSED: [(&str, &str, bool); 2] = [
    (r#"{"default": {"startsPerDay": 0}}"#, "startsPerDay", false),
    (
        r#"{"default": {"startsPerMinute": 0}}"#,
        "startsPerMinute",
        true,
    ),
];

/// Sends a start that is refused, and checks what each response says. Returns its body.
async fn refused(stack: &TestStack, request: RequestBuilder, is_worth_waiting: bool) -> String {
    let response = stack.sent(request).await;
    assert_eq!(response.status(), 429);
    let seconds = header(&response, "retry-after").expect("a time");
    let seconds: u32 = seconds.parse().expect("seconds");
    assert!(
        seconds >= 1 && (seconds <= 60) == is_worth_waiting,
        "{seconds}"
    );
    // However short the wait: it never helps.
    let should_retry = header(&response, "x-should-retry");
    assert_eq!(should_retry.as_deref(), Some("false"));
    response.text().await.expect("a body")
}

fn header(response: &Response, name: &str) -> Option<String> {
    let value = response.headers().get(name)?;
    Some(value.to_str().expect("text").to_owned())
}

/// Checks the sentence that a person reads.
fn tells(message: &Value, limit: &str) {
    let message = message.as_str().unwrap_or_default();
    let sentence = format!("the quota {limit} is exceeded: 0 of 0 used; try again after 2");
    assert!(message.starts_with(&sentence), "{message}");
}

#[tokio::test]
async fn openais_clients_get_its_error_and_its_headers() {
    for (quotas, limit, is_worth_waiting) in REFUSED {
        let stack = stack(Channel::FunctionUrl, quotas).await;
        for is_streamed in [false, true] {
            let body = json!({
                "model": "default", "messages": [{ "role": "user", "content": "Why?" }],
                "stream": is_streamed,
            });
            let request = stack
                .url(Method::POST, "v1/chat/completions", "alice")
                .json(&body);
            let body = refused(&stack, request, is_worth_waiting).await;
            let body: Value = serde_json::from_str(&body).expect("JSON");
            let (kind, code) = if is_worth_waiting {
                ("rate_limit_error", "rate_limit_exceeded")
            } else {
                ("insufficient_quota", "insufficient_quota")
            };
            let error = &body["error"];
            tells(&error["message"], limit);
            let expected =
                json!({ "message": error["message"], "type": kind, "param": null, "code": code });
            assert_eq!(body, json!({ "error": expected }));
        }
        nothing_was_started(&stack).await;
        stack.shutdown().await;
    }
}

#[tokio::test]
async fn a_chat_of_the_ai_sdk_shows_the_sentence_and_asks_again_later() {
    for (quotas, limit, is_worth_waiting) in REFUSED {
        let stack = stack(Channel::FunctionUrl, quotas).await;
        let asked = [user("m1", "Why?")];
        let request = || stack.chat_request("c", "submit-message", &asked);
        let message = refused(&stack, request(), is_worth_waiting).await;
        tells(&message.into(), limit);
        let response = stack.sent(request()).await;
        let code = header(&response, "x-tokencast-error-code");
        assert_eq!(code.as_deref(), Some("QUOTA_EXCEEDED"));
        let content_type = header(&response, "content-type");
        assert_eq!(content_type.as_deref(), Some("text/plain; charset=utf-8"));
        nothing_was_started(&stack).await;
        // The message is not used up.
        let free = [
            "set",
            "--starts-per-day",
            "none",
            "--starts-per-minute",
            "none",
        ];
        quota(&stack, "alice", &free).await;
        let message = stack.chat("c", &asked).await.whole().await;
        assert_eq!(message.end, "stop");
        stack.shutdown().await;
    }
}

#[tokio::test]
async fn a_chat_over_a_websocket_gets_an_error_and_its_connection_stays() {
    let stack = stack(Channel::WebSocket, REFUSED[0].0).await;
    let mut socket = stack.websocket("alice").await;
    let asked = [user("m1", "Why?")];
    for request in ["r1", "r2"] {
        let mut request = ChatRequest::send(&mut socket, request, "c", &asked).await;
        let RequestEnd::Error(message) = request.rest(&mut socket).await else {
            panic!("a refusal")
        };
        tells(&message.into(), "startsPerDay");
    }
    nothing_was_started(&stack).await;
    quota(&stack, "alice", &["set", "--starts-per-day", "1"]).await;
    let request = ChatRequest::send(&mut socket, "r3", "c", &asked).await;
    assert_eq!(request.whole(&mut socket).await.end, "stop");
    socket.close().await;
    stack.shutdown().await;
}

#[tokio::test]
async fn an_agent_of_ag_ui_is_refused_before_its_run() {
    for (quotas, limit, is_worth_waiting) in REFUSED {
        let stack = stack(Channel::FunctionUrl, quotas).await;
        let body = json!({
            "threadId": "t", "runId": "r", "tools": [], "context": [], "state": {}, "forwardedProps": {},
            "messages": [{ "id": "m1", "role": "user", "content": "Why?" }],
        });
        let request = stack.url(Method::POST, "ag-ui", "alice").json(&body);
        let body = refused(&stack, request, is_worth_waiting).await;
        let body: Value = serde_json::from_str(&body).expect("JSON");
        let error = &body["error"];
        tells(&error["message"], limit);
        assert_eq!(
            (&error["code"], &error["limit"]),
            (&json!("QUOTA_EXCEEDED"), &json!(limit))
        );
        nothing_was_started(&stack).await;
        stack.shutdown().await;
    }
}

/// A refused start leaves nothing: no session, no job, no call of the model.
async fn nothing_was_started(stack: &TestStack) {
    stack.queue_is_empty().await;
    assert_eq!(stack.sessions().await, 0);
    assert_eq!(stack.running.local.bedrock().calls().len(), 0);
}
