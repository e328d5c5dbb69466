//! Lost events, sockets and servers.

use std::time::Duration;

use tokencast_client::{Error, Timeouts};

use crate::rest;
use client_fakes::{FakeApi, completed, fast, snapshot};

#[tokio::test]
async fn a_lost_last_event_is_found_out_in_the_silence() {
    let mut api = FakeApi::start().await;
    let client = api.client_with(Timeouts {
        idle: Duration::from_millis(30),
        ..fast()
    });
    let stream = client.stream("Why?");
    let socket = api.subscriber().await;
    api.call("StartStream").await;
    api.replies(|replies| replies.snapshot = snapshot("COMPLETED", 1, 2, "a"));
    socket.tokens(1, &[(1, "a")]).await;
    assert_eq!(rest(stream).await.0, ["started", "a", "completed"]);
}

#[tokio::test]
async fn a_cut_socket_is_replaced_and_what_was_missed_fetched() {
    let mut api = FakeApi::start().await;
    let stream = api.client().stream("Why?");
    let socket = api.subscriber().await;
    api.call("StartStream").await;
    socket.tokens(1, &[(1, "a")]).await;
    api.replies(|replies| replies.snapshot = snapshot("STREAMING", 1, 3, "abc"));
    drop(socket);

    let socket = api.subscriber().await;
    api.call("GetStream").await;
    socket.tokens(1, &[(4, "d")]).await;
    socket.event(completed(1, 5)).await;
    let (seen, error) = rest(stream).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(
        seen.concat()
            .replace("reconnecting", "")
            .replace("reconnected", "|"),
        "starteda|bcdcompleted"
    );
}

#[tokio::test]
async fn a_silent_server_is_given_up_and_called_again() {
    let mut api = FakeApi::start().await;
    api.replies(|replies| replies.snapshot = snapshot("STREAMING", 1, 0, ""));
    let stream = api.client().stream("Why?");
    let mut silent = api.socket().await;
    silent.acknowledge(100).await;
    silent.start_ack().await;
    let socket = api.subscriber().await;
    silent.gone().await;
    socket.tokens(1, &[(1, "a")]).await;
    socket.event(completed(1, 2)).await;
    assert_eq!(
        rest(stream).await.0,
        ["started", "reconnecting", "reconnected", "a", "completed"]
    );
}

#[tokio::test]
async fn a_server_that_is_gone_for_good_is_given_up() {
    let mut api = FakeApi::start().await;
    let client = api.client_with(Timeouts {
        give_up_after: Duration::from_millis(100),
        ..fast()
    });
    let stream = client.stream("Why?");
    let socket = api.subscriber().await;
    api.call("StartStream").await;
    socket.tokens(1, &[(1, "a")]).await;
    drop(socket);
    drop(api);
    let (seen, error) = rest(stream).await;
    assert_eq!(seen[..3], ["started", "a", "reconnecting"]);
    assert!(matches!(error, Some(Error::GaveUp { .. })), "{error:?}");
}
