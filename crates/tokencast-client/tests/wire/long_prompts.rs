//! Prompts beyond the frames of API Gateway, which the fake API limits as it does: 32 KB a frame, 128 KB a message.

use axum::extract::ws::{CloseFrame, Message};
use serde_json::json;

use crate::rest;
use crate::web_socket::client_of;
use client_fakes::{FakeApi, completed, fast};

/// A prompt that arrives whole.
async fn check(prompt: String) {
    let mut api = FakeApi::start().await;
    let stream = client_of(&api, fast()).stream(prompt.as_str());
    let mut socket = api.socket().await;
    let action = socket.started().await;
    assert!(action["prompt"] == json!(prompt), "{} bytes", prompt.len());
    socket.frame(completed(1, 1)).await;
    let (seen, error) = rest(stream).await;
    assert!(error.is_none(), "{} bytes: {error:?}", prompt.len());
    assert_eq!(seen, ["started", "completed"], "{} bytes", prompt.len());
}

#[tokio::test]
async fn a_prompt_of_20_to_99_kilobytes_arrives_whole() {
    for kilobytes in [20, 31, 32, 33, 60, 64, 65, 96, 99] {
        check("x".repeat(kilobytes * 1024)).await;
    }
    // Characters of several bytes, cut anywhere; and characters that JSON makes six times as long.
    check("é🌊".repeat(16 * 1024)).await;
    check("\u{1}".repeat(20 * 1024)).await;
}

#[tokio::test]
async fn a_prompt_beyond_the_limit_is_refused_before_it_is_sent() {
    for prompt in ["\u{1}".repeat(22 * 1024), "x".repeat(128 * 1024)] {
        let mut api = FakeApi::start().await;
        let stream = client_of(&api, fast()).stream(prompt);
        let mut socket = api.socket().await;
        let (seen, error) = rest(stream).await;
        assert!(seen.is_empty(), "{seen:?}");
        let error = error.expect("an error").to_string();
        assert!(error.starts_with("INVALID_PROMPT: "), "{error}");
        let limit = "takes 131072 bytes at most; AppSync and a Function URL take longer prompts";
        assert!(error.ends_with(limit), "{error}");
        socket.gone().await;
    }
}

#[tokio::test]
async fn a_connection_that_is_closed_over_a_message_is_not_tried_again() {
    let mut api = FakeApi::start().await;
    let stream = client_of(&api, fast()).stream("Why?");
    let mut socket = api.socket().await;
    socket.action("stream").await;
    let close = CloseFrame {
        code: 1009,
        reason: "Message too long".into(),
    };
    socket.send_message(Message::Close(Some(close))).await;
    let (seen, error) = rest(stream).await;
    assert!(seen.is_empty(), "{seen:?}");
    let error = error.expect("an error").to_string();
    assert!(
        error.starts_with("INVALID_PROMPT: the API closed"),
        "{error}"
    );
}

#[tokio::test]
async fn an_empty_frame_is_passed_over() {
    let mut api = FakeApi::start().await;
    let stream = client_of(&api, fast()).stream("Why?");
    let mut socket = api.socket().await;
    socket.send_message(Message::text("")).await;
    socket.started().await;
    socket.send_message(Message::text("")).await;
    socket.frame(completed(1, 1)).await;
    let (seen, error) = rest(stream).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(seen, ["started", "completed"]);
}
