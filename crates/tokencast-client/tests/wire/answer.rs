//! What a stream sends, and yields.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokencast_client::{AnswerEvent, Usage};

use crate::rest;
use client_fakes::{FakeApi, cancelled, completed, failed, snapshot, token, within};

/// A stream whose subscriber gets `events`, with `state` to be had from `getStream`.
async fn check(state: Value, events: Vec<Value>, expected: &[&str]) {
    let mut api = FakeApi::start().await;
    api.replies(|replies| replies.snapshot = state);
    let stream = api.client().stream("Why?");
    let socket = api.subscriber().await;
    api.call("StartStream").await;
    for event in events {
        socket.event(event).await;
    }
    let (seen, error) = rest(stream).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn it_subscribes_before_it_starts_and_says_who_it_is() {
    let mut api = FakeApi::start().await;
    let mut stream = api.client().stream("Why?");
    let session_id = stream.session_id();
    let mut socket = api.socket().await;

    let protocols = socket.headers["sec-websocket-protocol"]
        .to_str()
        .expect("text")
        .to_owned();
    let (first, second) = protocols.split_once(", ").expect("two subprotocols");
    assert_eq!(first, "graphql-ws");
    let header = URL_SAFE_NO_PAD
        .decode(second.strip_prefix("header-").expect("a header"))
        .expect("base64url");
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    let host = api
        .url
        .strip_prefix("http://")
        .and_then(|rest| rest.strip_suffix("/graphql"));
    assert_eq!(header, json!({ "Authorization": "jwt", "host": host }));

    socket.acknowledge(300_000).await;
    socket.start_ack().await;
    assert_eq!(
        socket.started["payload"]["extensions"]["authorization"],
        header
    );
    let data = socket.started["payload"]["data"]
        .as_str()
        .expect("a string");
    let operation: Value = serde_json::from_str(data).expect("JSON in a string");
    assert_eq!(operation["variables"], json!({ "sessionId": session_id }));

    // Only the acknowledgement lets the start go.
    let call = api.call("StartStream").await;
    assert_eq!(
        call.variables,
        json!({ "prompt": "Why?", "sessionId": session_id })
    );
    assert_eq!(call.authorization, "jwt");

    socket.tokens(1, &[(1, "Ri"), (2, "vers")]).await;
    socket.event(completed(1, 3)).await;
    let mut events = Vec::new();
    while let Some(event) = within(stream.next()).await {
        events.push(event.expect("no error"));
    }
    let usage = Some(Usage {
        input_tokens: 3,
        output_tokens: 4,
        total_tokens: 7,
        ..Usage::default()
    });
    assert_eq!(
        events,
        [
            AnswerEvent::Started { session_id },
            AnswerEvent::Text {
                text: "Ri".into(),
                block_index: 0,
                sequence: 1,
                attempt: 1
            },
            AnswerEvent::Text {
                text: "vers".into(),
                block_index: 0,
                sequence: 2,
                attempt: 1
            },
            AnswerEvent::Completed {
                stop_reason: Some("end_turn".into()),
                usage,
                guardrail: None
            },
        ]
    );
    assert_eq!(
        socket.receive().await,
        json!({ "type": "stop", "id": socket.id })
    );
    socket.gone().await;
}

#[tokio::test]
async fn order_and_repetition_on_the_wire_do_not_show() {
    let events = vec![
        token(1, 2, "b"),
        token(1, 2, "b"),
        completed(1, 4),
        token(1, 1, "a"),
        token(1, 3, "c"),
    ];
    check(
        Value::Null,
        events,
        &["started", "a", "b", "c", "completed"],
    )
    .await;
}

#[tokio::test]
async fn a_lost_event_is_fetched() {
    let events = vec![token(1, 1, "a"), token(1, 3, "c"), completed(1, 4)];
    check(
        snapshot("STREAMING", 1, 2, "ab"),
        events,
        &["started", "a", "b", "c", "completed"],
    )
    .await;
}

#[tokio::test]
async fn a_newer_attempt_starts_again() {
    let events = vec![
        token(1, 1, "a"),
        token(2, 1, "X"),
        token(1, 2, "b"),
        completed(2, 2),
    ];
    check(
        Value::Null,
        events,
        &["started", "a", "<2>", "X", "completed"],
    )
    .await;
}

#[tokio::test]
async fn a_failure_and_a_stop_are_endings_not_errors() {
    check(
        Value::Null,
        vec![token(1, 1, "a"), failed(1, 2)],
        &["started", "a", "failed MODEL_ERROR"],
    )
    .await;
    check(
        Value::Null,
        vec![token(1, 1, "a"), cancelled(1, 2)],
        &["started", "a", "cancelled"],
    )
    .await;
}

#[tokio::test]
async fn an_api_without_numbers_is_followed_as_it_comes() {
    let event = |text: &str, last: bool| json!({ "sessionId": "s", "token": text, "isComplete": last, "timestamp": "2026-01-01T00:00:00Z" });
    let events = vec![event("a", false), event("b", false), event("", true)];
    check(Value::Null, events, &["started", "a", "b", "completed"]).await;
}
