//! Sessions that were started elsewhere, and streams that are left.

use std::time::Duration;

use serde_json::json;
use tokencast_client::Error;

use crate::web_socket::client_of;
use crate::{rest, short};
use client_fakes::{FakeApi, completed, fast, snapshot};

#[tokio::test]
async fn a_session_that_has_ended_is_read_without_a_socket() {
    let api = FakeApi::start().await;
    api.replies(|replies| replies.snapshot = snapshot("COMPLETED", 2, 9, "whole"));
    let stream = api.client().resume(uuid::Uuid::new_v4());
    assert_eq!(rest(stream).await.0, ["started", "whole", "completed"]);
}

#[tokio::test]
async fn a_late_subscriber_gets_the_text_so_far_and_the_rest_live() {
    let mut api = FakeApi::start().await;
    api.replies(|replies| replies.snapshot = snapshot("STREAMING", 1, 2, "ab"));
    let stream = api.client().resume(uuid::Uuid::new_v4());
    let socket = api.subscriber().await;
    socket.tokens(1, &[(2, "b"), (3, "c")]).await;
    socket.event(completed(1, 4)).await;
    assert_eq!(rest(stream).await.0, ["started", "ab", "c", "completed"]);
}

#[tokio::test]
async fn a_session_that_is_not_there_is_said_to_be_missing() {
    let api = FakeApi::start().await;
    let session_id = uuid::Uuid::new_v4();
    let (seen, error) = rest(api.client().resume(session_id)).await;
    assert!(seen.is_empty(), "{seen:?}");
    assert!(
        matches!(error, Some(Error::NotFound { session_id: missing }) if missing == session_id),
        "{error:?}"
    );
}

#[tokio::test]
async fn dropping_the_stream_closes_its_socket() {
    let mut api = FakeApi::start().await;
    let stream = api.client().stream("Why?");
    let mut socket = api.subscriber().await;
    drop(stream);
    socket.gone().await;
}

#[tokio::test]
async fn a_dropped_wait_loses_nothing() {
    let mut api = FakeApi::start().await;
    let mut stream = api.client().stream("Why?");
    let socket = api.subscriber().await;
    let mut seen = Vec::new();
    for sequence in 1..=50 {
        socket.tokens(1, &[(sequence, "x")]).await;
        // Cancelled at its first wait, most of the time.
        if let Ok(Some(event)) = tokio::time::timeout(Duration::ZERO, stream.next()).await {
            seen.push(short(&event.expect("no error")));
        }
    }
    socket.event(completed(1, 51)).await;
    seen.extend(rest(stream).await.0);
    assert_eq!(seen.concat(), format!("started{}completed", "x".repeat(50)));
}

#[tokio::test]
async fn stop_says_whether_it_worked() {
    let mut api = FakeApi::start().await;
    let session_id = uuid::Uuid::new_v4();
    api.client().stop(session_id).await.expect("stopped");
    assert_eq!(
        api.call("StopStream").await.variables,
        json!({ "sessionId": session_id })
    );
    let errors = json!([{ "errorType": "UNAUTHORIZED", "message": "another's" }]);
    api.replies(|replies| replies.stop = (200, json!({ "data": null, "errors": errors })));
    let refused = api.client().stop(session_id).await;
    assert!(
        matches!(refused, Err(Error::Unauthorized { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_session_that_may_not_be_read_is_not_there() {
    for code in ["UNAUTHORIZED", "CONVERSATION_DELETED"] {
        let mut api = FakeApi::start().await;
        let session_id = uuid::Uuid::new_v4();
        let stream = client_of(&api, fast()).resume(session_id);
        let mut socket = api.socket().await;
        socket.action("resume").await;
        socket.refuse("resume", code, false).await;
        let (seen, error) = rest(stream).await;
        assert!(seen.is_empty(), "{seen:?}");
        let expected = format!("there is no session {session_id}");
        assert_eq!(error.expect("an error").to_string(), expected, "{code}");
    }
}
