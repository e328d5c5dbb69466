//! What isn't text, over each channel.

use serde_json::{Value, json};
use tokencast_client::AnswerEvent;

use crate::rest;
use client_fakes::{FakeApi, FakeFunction, client, completed, fast, piece, snapshot, within};

/// An answer with a block of each type.
fn events() -> Vec<Value> {
    let mut text = piece(6, 3, "TEXT", "reasoning", Value::Null);
    text["token"] = "9 °C".into();
    let tool_use = |input: Value| json!({ "toolUseId": "1", "name": "weather", "input": input });
    vec![
        piece(1, 0, "REASONING", "reasoning", json!("Let me look.")),
        piece(2, 1, "TOOL_USE", "toolUse", tool_use(Value::Null)),
        piece(3, 1, "TOOL_USE", "toolUse", tool_use(json!("{}"))),
        piece(
            4,
            2,
            "TOOL_RESULT",
            "toolResult",
            json!({ "toolUseId": "1", "status": "success", "content": "9" }),
        ),
        piece(5, 4, "IMAGE", "image", json!("later")),
        text,
        piece(
            7,
            5,
            "CITATION",
            "citation",
            json!({ "title": "KNMI", "url": "https://example.org", "text": null }),
        ),
        completed(1, 8),
    ]
}

const EXPECTED: [&str; 8] = [
    "started",
    "(Let me look.)",
    "weather<",
    "weather<{}",
    ">9",
    "9 °C",
    "[KNMI]",
    "completed",
];

#[tokio::test]
async fn over_appsync() {
    let mut api = FakeApi::start().await;
    let stream = api.client().stream("How cold is it?");
    let socket = api.subscriber().await;
    api.call("StartStream").await;
    for event in events() {
        socket.event(event).await;
    }
    let (seen, error) = rest(stream).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(seen, EXPECTED);
}

#[tokio::test]
async fn over_a_function_url() {
    let mut function = FakeFunction::start().await;
    let channel = tokencast_client::Channel::FunctionUrl(function.url.clone());
    let stream = client(channel, fast()).stream("How cold is it?");
    let mut body = function.request().await.stream().await;
    body.events(&events()).await;
    let (seen, error) = rest(stream).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(seen, EXPECTED);
}

#[tokio::test]
async fn over_a_web_socket() {
    let mut api = FakeApi::start().await;
    let channel = tokencast_client::Channel::WebSocket(api.web_socket_url.clone());
    let stream = client(channel, fast()).stream("How cold is it?");
    let mut socket = api.socket().await;
    socket.started().await;
    socket.frames(events()).await;
    let (seen, error) = rest(stream).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(seen, EXPECTED);
}

#[tokio::test]
async fn a_reader_is_told_of_the_block_and_the_place() {
    let mut api = FakeApi::start().await;
    let mut stream = api.client().stream("Why?");
    let socket = api.subscriber().await;
    api.call("StartStream").await;
    socket
        .event(piece(1, 0, "REASONING", "reasoning", json!("")))
        .await;
    let mut told = within(stream.next()).await;
    if let Some(Ok(AnswerEvent::Started { .. })) = told {
        told = within(stream.next()).await;
    }
    // Reasoning that isn't shown is told of, once.
    let told = told.expect("an event").expect("no error");
    assert_eq!(
        serde_json::to_value(&told).expect("JSON"),
        json!({ "type": "reasoning", "text": "", "blockIndex": 0, "sequence": 1, "attempt": 1 })
    );
}

#[tokio::test]
async fn a_snapshot_brings_the_blocks_that_were_missed() {
    let mut api = FakeApi::start().await;
    let stream = api.client().stream("Why?");
    let socket = api.subscriber().await;
    api.call("StartStream").await;
    let mut snapshot = snapshot("STREAMING", 1, 5, "ab");
    let citation = json!({ "title": "Waal", "url": null, "text": null });
    snapshot["blocks"] = json!([
        { "index": 0, "type": "REASONING", "reasoning": "think", "text": null, "citation": null, "toolUse": null, "toolResult": null },
        { "index": 1, "type": "TEXT", "text": "ab", "reasoning": null },
        { "index": 2, "type": "CITATION", "citation": citation },
    ]);
    api.replies(|replies| replies.snapshot = snapshot);
    let mut last = piece(6, 3, "TEXT", "reasoning", Value::Null);
    last["token"] = "c".into();
    for event in [
        piece(1, 0, "REASONING", "reasoning", json!("th")),
        last,
        completed(1, 7),
    ] {
        socket.event(event).await;
    }
    let (seen, error) = rest(stream).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(
        seen,
        ["started", "(th)", "(ink)", "ab", "[Waal]", "c", "completed"]
    );
}
