//! How long a client waits, over a WebSocket API: the rows of docs/PROTOCOL.md.

use std::time::Duration;

use tokencast_client::{Error, Timeouts};

use crate::rest;
use crate::web_socket::client_of;
use client_fakes::{FakeApi, Socket, completed, fast};

const SHORT: Duration = Duration::from_millis(300);

/// Does the same to each socket that a client opens, and keeps it.
async fn each_socket(api: &mut FakeApi, treat: impl AsyncFn(&mut Socket)) {
    let mut kept = Vec::new();
    loop {
        let mut socket = api.socket().await;
        treat(&mut socket).await;
        kept.push(socket);
    }
}

#[tokio::test]
async fn a_start_that_is_never_accepted_ends_the_stream_with_its_error() {
    let mut api = FakeApi::start().await;
    let timeouts = Timeouts {
        start_within: SHORT,
        // No bound of a start that has reached the API.
        first_connection: Duration::ZERO,
        ..fast()
    };
    let stream = client_of(&api, timeouts).stream("Why?");
    let refusing = each_socket(&mut api, async |socket| {
        socket.action("stream").await;
        socket.refuse("stream", "INTERNAL", true).await;
    });
    let (seen, error) = tokio::select! {
        seen = rest(stream) => seen,
        () = refusing => unreachable!("it refuses for ever"),
    };
    assert!(!seen.is_empty(), "it was sent again");
    assert!(seen.iter().all(|event| event == "reconnecting"), "{seen:?}");
    let error = error.expect("an error");
    assert_eq!(error.to_string(), "INTERNAL: said the server");
}

#[tokio::test]
async fn a_start_that_fails_in_passing_is_sent_again() {
    let mut api = FakeApi::start().await;
    let stream = client_of(&api, fast()).stream("Why?");
    let mut socket = api.socket().await;
    let sent = socket.action("stream").await;
    socket.refuse("stream", "INTERNAL", true).await;
    let mut socket = api.socket().await;
    assert_eq!(socket.started().await, sent, "under the same id");
    socket.frame(completed(1, 1)).await;
    let (seen, error) = rest(stream).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(seen, ["reconnecting", "started", "completed"]);
}

#[tokio::test]
async fn a_start_that_was_accepted_and_left_nothing_ends_the_stream() {
    let mut api = FakeApi::start().await;
    let timeouts = Timeouts {
        idle: Duration::from_millis(30),
        ..fast()
    };
    let stream = client_of(&api, timeouts).stream("Why?");
    let mut socket = api.socket().await;
    socket.started().await;
    socket.resumed("CLAIMED").await;
    let (seen, error) = rest(stream).await;
    assert_eq!(seen, ["started"]);
    assert!(matches!(error, Some(Error::StartLost { .. })), "{error:?}");
}

#[tokio::test]
async fn an_api_that_connects_and_never_answers_is_given_up() {
    let mut api = FakeApi::start().await;
    let timeouts = Timeouts {
        call: Duration::from_millis(50),
        idle: Duration::from_millis(30),
        give_up_after: SHORT,
        ..fast()
    };
    let stream = client_of(&api, timeouts).stream("Why?");
    let mut socket = api.socket().await;
    socket.started().await;
    let silent = each_socket(&mut api, async |_| {});
    let (_, error) = tokio::select! {
        seen = rest(stream) => seen,
        () = silent => unreachable!("it is silent for ever"),
    };
    assert!(matches!(error, Some(Error::GaveUp { .. })), "{error:?}");
}
