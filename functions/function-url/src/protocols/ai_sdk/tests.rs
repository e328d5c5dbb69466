//! Paths, and what a response says.

use tokencast_core::block::Piece;
use tokencast_core::event::Ending;
use tokencast_core::id::{Attempt, Sequence};
use tokencast_core::ports::Clock;
use tokencast_core::session::Status;
use tokio::sync::mpsc;

use super::*;
use crate::body::Body;

struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> Timestamp {
        Timestamp::EPOCH
    }
}

/// What a response says of two attempts, the first of which breaks off: the types of its chunks, in order.
async fn said(takes_reset_step: bool, second: &str) -> Vec<String> {
    let session_id = SessionId::random();
    let event = |attempt, sequence, piece: Option<&str>| TokenEvent {
        session_id,
        attempt: Attempt(attempt),
        sequence: Sequence(sequence),
        piece: piece.map(Piece::text),
        status: if piece.is_some() {
            Status::Streaming
        } else {
            Status::Completed
        },
        ending: piece.is_none().then(Ending::default),
    };
    let (sender, events) = mpsc::channel(8);
    for event in [
        event(1, 1, Some("a")),
        event(2, 1, Some(second)),
        event(2, 2, Some("b")),
        event(2, 3, None),
    ] {
        sender.try_send(event).expect("room");
    }
    drop(sender);
    let words = Stream {
        chunks: Chunks::new(session_id, takes_reset_step),
        has_ended: false,
    };
    let mut body = Body::new(words, events, Epoch);
    assert_eq!(body.headers(), [VERSION]);
    let mut text = String::new();
    while let Some(bytes) = body.next().await {
        let bytes = bytes.expect("whole");
        text.push_str(std::str::from_utf8(&bytes).expect("UTF-8"));
    }
    let frames = text.strip_suffix("\n\n").expect("frames").split("\n\n");
    let types = frames.map(|frame| {
        let data = frame.strip_prefix("data: ").expect("data");
        let Ok(chunk) = serde_json::from_str::<serde_json::Value>(data) else {
            return data.to_owned();
        };
        chunk["type"].as_str().expect("a type").to_owned()
    });
    types.collect()
}

#[tokio::test]
async fn an_answer_that_starts_again_resets_the_step_or_ends_with_an_error() {
    let begin = ["start", "start-step", "text-start", "text-delta"];
    let end = ["text-delta", "text-end", "finish-step", "finish", "[DONE]"];
    let check = async |takes_reset_step, second, between: &[&str], end: &[&str]| {
        let expected = [&begin[..], between, end].concat();
        assert_eq!(said(takes_reset_step, second).await, expected, "{second}");
    };
    // It says the same, and more.
    check(false, "a", &[], &end).await;
    let again = ["reset-step", "text-start", "text-delta"];
    check(true, "x", &again, &end).await;
    check(false, "x", &[], &["error", "[DONE]"]).await;
}

#[test]
fn a_path_is_a_route() {
    let check = |method: &str, below: &str, expected: Result<Route, &str>| {
        let route = Route::of(method, below).map_err(|error| error.to_string());
        let expected =
            expected.map_err(|allowed| format!("the method is not taken here: expected {allowed}"));
        assert_eq!(route, expected, "{method} {below}");
    };
    let chat = || "my chat/é".to_owned();
    check("POST", "", Ok(Route::Answer));
    check("GET", "", Err("POST"));
    check(
        "GET",
        "my%20chat%2F%C3%A9/stream",
        Ok(Route::Resume(chat())),
    );
    check("GET", "my chat/é/stream", Ok(Route::Resume(chat())));
    check("DELETE", "my%20chat/%c3%a9/stream", Ok(Route::Stop(chat())));
    check("POST", "a/stream", Err("GET, HEAD, DELETE"));
    check("GET", "a/messages", Ok(Route::Messages("a".to_owned())));
    check("DELETE", "a/messages", Err("GET, HEAD"));
    check("DELETE", "100%", Ok(Route::Delete("100%".to_owned())));
    check("DELETE", "%ff", Ok(Route::Delete("%ff".to_owned())));
    check("GET", "a", Err("DELETE"));
    check("GET", "a/other", Err("DELETE"));
}
