//! What a client may do wrong. It gets an error, and its connection stays open.

use serde_json::{Value, json};
use system_tests::TestStack;
use system_tests::stack::text;
use system_tests::websocket::Socket;
use uuid::Uuid;

const MAX_PROMPT_BYTES: usize = 1000;

async fn stack() -> TestStack {
    TestStack::start_with(|options| {
        let limit = ("MAX_PROMPT_BYTES".to_owned(), MAX_PROMPT_BYTES.to_string());
        options.stack.websocket_environment.extend([limit]);
    })
    .await
}

/// Sends a message that is refused with this code and message. The error names the action and session that could be
/// read.
async fn check(socket: &mut Socket, body: &str, named: Value, code: &str, message: &str) {
    socket.send_text(body).await;
    let frame = socket.next().await;
    let mut expected = json!({
        "type": "error",
        "error": { "code": code, "message": message, "retryable": false },
    });
    for (name, value) in named.as_object().expect("an object") {
        expected[name] = value.clone();
    }
    assert_eq!(frame, expected, "{body}");
}

#[tokio::test]
async fn a_bad_message_is_answered_with_what_was_expected() {
    let stack = stack().await;
    let mut socket = stack.websocket("alice").await;
    let id = Uuid::new_v4().to_string();
    let none = json!({});
    let no_object =
        "the message is not a JSON object: expected {\"action\": \"stream\", \"prompt\": …}";
    for body in [
        "Why do rivers meander?",
        "{\"action\": \"stream\"",
        "[1]",
        "7",
        "{]",
    ] {
        check(&mut socket, body, none.clone(), "INVALID_PROMPT", no_object).await;
    }
    let unknown = "the action is unknown: expected `stream`, `stop` or `resume`";
    for (body, named) in [
        (r#"{"action":"nope"}"#, json!({ "action": "nope" })),
        (r#"{"action":"$connect"}"#, none.clone()),
    ] {
        check(&mut socket, body, named, "INVALID_PROMPT", unknown).await;
    }
    let missing = "action is missing: expected a string";
    check(&mut socket, "{}", none, "INVALID_PROMPT", missing).await;
    let stream = json!({ "action": "stream" });
    let empty = "prompt is empty: expected some text";
    let body = json!({ "action": "stream", "prompt": " " }).to_string();
    check(&mut socket, &body, stream.clone(), "INVALID_PROMPT", empty).await;
    let long = format!("prompt has 1001 bytes: expected at most {MAX_PROMPT_BYTES}");
    let body = json!({ "action": "stream", "prompt": "x".repeat(1001), "sessionId": id });
    let named = json!({ "action": "stream", "sessionId": id });
    check(
        &mut socket,
        &body.to_string(),
        named,
        "INVALID_PROMPT",
        &long,
    )
    .await;
    let no_uuid = "sessionId is not a UUID: expected the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    let body = json!({ "action": "stop", "sessionId": "mine" }).to_string();
    check(
        &mut socket,
        &body,
        json!({ "action": "stop" }),
        "INVALID_PROMPT",
        no_uuid,
    )
    .await;
    // The connection still answers after all these errors.
    let prompt = "x".repeat(MAX_PROMPT_BYTES);
    let id = socket.start(&prompt).await;
    assert_eq!(socket.end_of(&id).await.text, text(100));
    stack.shutdown().await;
}

#[tokio::test]
async fn a_session_is_its_owners_alone() {
    let stack = stack().await;
    let mut alices = stack.websocket("alice").await;
    let id = alices.start("Mine").await;
    let mut bobs = stack.websocket("bob").await;
    for message in [
        json!({ "action": "stream", "prompt": "Mine now", "sessionId": id }),
        json!({ "action": "resume", "sessionId": id }),
        json!({ "action": "stop", "sessionId": id }),
    ] {
        let named = json!({ "action": message["action"], "sessionId": id });
        let theirs = "the session belongs to someone else";
        check(
            &mut bobs,
            &message.to_string(),
            named,
            "UNAUTHORIZED",
            theirs,
        )
        .await;
    }
    assert_eq!(alices.end_of(&id).await.text, text(100));
    let own = bobs.start("His own").await;
    assert_eq!(bobs.end_of(&own).await.status(), "COMPLETED");
    assert!(!bobs.sessions.contains_key(&id), "nothing of hers");
    stack.shutdown().await;
}
