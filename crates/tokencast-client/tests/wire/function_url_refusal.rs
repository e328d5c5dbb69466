//! What a function refuses, and for how long; and how a session is stopped.

use serde_json::json;
use tokencast_client::Error;

use crate::function_url::{client_of, seen};
use crate::rest;
use client_fakes::{FakeFunction, completed, fast, within};

/// The first request is refused; the error that the stream ends with.
async fn check_refusal(status: u16, body: &str, expected: &str) {
    let mut function = FakeFunction::start().await;
    let stream = client_of(&function, fast()).stream("Why?");
    function.request().await.answer(status, body).await;
    let (seen, error) = rest(stream).await;
    assert!(seen.is_empty(), "{seen:?}");
    assert_eq!(error.expect("an error").to_string(), expected);
}

#[tokio::test]
async fn a_refusal_before_the_stream_is_final_and_typed() {
    let said = |code: &str| {
        json!({ "error": { "code": code, "message": "said the server", "retryable": false } })
            .to_string()
    };
    check_refusal(
        400,
        &said("INVALID_PROMPT"),
        "INVALID_PROMPT: said the server",
    )
    .await;
    check_refusal(
        401,
        &said("UNAUTHORIZED"),
        "not authorized: said the server",
    )
    .await;
    check_refusal(
        403,
        &said("UNAUTHORIZED"),
        "not authorized: said the server",
    )
    .await;
    check_refusal(
        413,
        &said("INVALID_PROMPT"),
        "INVALID_PROMPT: said the server",
    )
    .await;
    check_refusal(404, "not here", "the API answered HTTP 404").await;
    check_refusal(301, "", "the API answered HTTP 301").await;
    let page = "the API's answer makes no sense: a stream of type `application/json`, expected text/event-stream";
    check_refusal(200, "{}", page).await;
}

#[tokio::test]
async fn a_session_that_is_not_there_is_said_to_be_missing() {
    let mut function = FakeFunction::start().await;
    let session_id = uuid::Uuid::new_v4();
    let stream = client_of(&function, fast()).resume(session_id);
    function
        .request()
        .await
        .refuse(404, "INVALID_PROMPT", false)
        .await;
    let (_, error) = rest(stream).await;
    assert!(
        matches!(error, Some(Error::NotFound { session_id: missing }) if missing == session_id),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_start_that_meets_a_passing_trouble_is_repeated_under_the_same_id() {
    let mut function = FakeFunction::start().await;
    let stream = client_of(&function, fast()).stream("Why?");
    let first = function.request().await;
    let sent = first.body.clone();
    first.refuse(503, "THROTTLED", true).await;
    // No answer at all: the connection closes.
    let second = function.request().await;
    assert_eq!(second.body, sent);
    drop(second);
    function
        .request()
        .await
        .answer(502, "Internal Server Error")
        .await;
    let fourth = function.request().await;
    assert_eq!((&*fourth.method, &fourth.body), ("POST", &sent));
    fourth.stream().await.events(&[completed(1, 1)]).await;
    assert_eq!(seen(stream).await, "startedcompleted");
}

#[tokio::test]
async fn a_stop_is_a_delete() {
    let mut function = FakeFunction::start().await;
    let client = client_of(&function, fast());
    let session_id = uuid::Uuid::new_v4();
    let stop = tokio::spawn({
        let client = client.clone();
        async move { client.stop(session_id).await }
    });
    function.request().await.refuse(500, "INTERNAL", true).await;
    let request = function.request().await;
    assert_eq!(
        (
            &*request.method,
            &*request.path,
            request.header("authorization")
        ),
        ("DELETE", &*session_id.to_string(), "Bearer jwt")
    );
    request.answer(200, "{}").await;
    within(stop).await.expect("no panic").expect("stopped");

    let stop = tokio::spawn(async move { client.stop(session_id).await });
    function
        .request()
        .await
        .refuse(403, "UNAUTHORIZED", false)
        .await;
    let refused = within(stop).await.expect("no panic");
    assert!(
        matches!(refused, Err(Error::Unauthorized { .. })),
        "{refused:?}"
    );
}
