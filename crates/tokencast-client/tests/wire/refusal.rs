//! What an API refuses, and for how long.

use serde_json::json;
use tokencast_client::Error;

use crate::rest;
use client_fakes::{FakeApi, completed};

/// What `refuse` does to the first socket ends the stream with an error that says `expected`.
async fn check_refusal(error_type: &str, at_connect: bool, expected: &str) {
    let mut api = FakeApi::start().await;
    let stream = api.client().stream("Why?");
    let mut socket = api.socket().await;
    if at_connect {
        let errors =
            json!([{ "errorType": error_type, "errorCode": 401, "message": "said the server" }]);
        socket
            .send(json!({ "type": "connection_error", "payload": { "errors": errors } }))
            .await;
    } else {
        socket.acknowledge(300_000).await;
        socket.take_start().await;
        socket.error(error_type).await;
    }
    let (seen, error) = rest(stream).await;
    assert!(seen.is_empty(), "{seen:?}");
    assert_eq!(error.expect("an error").to_string(), expected);
}

#[tokio::test]
async fn a_refused_subscription_is_final_and_typed() {
    check_refusal(
        "UnauthorizedException",
        true,
        "not authorized: said the server",
    )
    .await;
    check_refusal("Unauthorized", false, "not authorized: said the server").await;
    let expected = "the subscription was refused: UnsupportedOperation: said the server";
    check_refusal("UnsupportedOperation", false, expected).await;
}

async fn check_retry(error_type: &str) {
    let mut api = FakeApi::start().await;
    let stream = api.client().stream("Why?");
    let mut refusing = api.socket().await;
    refusing.acknowledge(300_000).await;
    refusing.take_start().await;
    refusing.error(error_type).await;
    let socket = api.subscriber().await;
    api.call("StartStream").await;
    socket.event(completed(1, 1)).await;
    assert_eq!(
        rest(stream).await.0,
        ["reconnecting", "started", "completed"],
        "{error_type}"
    );
}

#[tokio::test]
async fn a_refusal_that_may_pass_is_tried_again() {
    check_retry("MaxSubscriptionsReachedError").await;
    check_retry("Lambda:Unhandled").await;
    check_retry("INTERNAL").await;
}

#[tokio::test]
async fn a_refused_start_keeps_the_apis_words() {
    let mut api = FakeApi::start().await;
    let errors = json!([{ "errorType": "INVALID_PROMPT", "message": "the prompt is empty", "path": ["startStream"] }]);
    api.replies(|replies| replies.start = (200, json!({ "data": null, "errors": errors })));
    let stream = api.client().stream(" ");
    let _socket = api.subscriber().await;
    let (_, error) = rest(stream).await;
    let Some(Error::Graphql {
        error_type,
        message,
    }) = error
    else {
        panic!("{error:?}")
    };
    assert_eq!(
        (error_type.as_str(), message.as_str()),
        ("INVALID_PROMPT", "the prompt is empty")
    );
}

#[tokio::test]
async fn a_start_that_meets_a_passing_trouble_is_repeated() {
    let mut api = FakeApi::start().await;
    api.replies(|replies| replies.start = (503, json!({ "message": "down" })));
    let stream = api.client().stream("Why?");
    let socket = api.subscriber().await;
    let first = api.call("StartStream").await;
    let response = json!({ "sessionId": "s", "status": "streaming_started", "timestamp": "t" });
    api.replies(|replies| replies.start = (200, json!({ "data": { "startStream": response } })));
    let second = api.call("StartStream").await;
    assert_eq!(first.variables, second.variables, "under the same id");
    socket.event(completed(1, 1)).await;
    assert_eq!(rest(stream).await.0, ["started", "completed"]);
}
