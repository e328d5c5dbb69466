//! How long a client waits, over a function's URL: the rows of docs/PROTOCOL.md.

use std::time::Duration;

use tokencast_client::{AnswerEvent, Error, Timeouts};

use crate::function_url::{client_of, seen};
use crate::rest;
use client_fakes::function_url::{Body, Request};
use client_fakes::{FakeFunction, cancelled, completed, fast, token, within};

const SHORT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn a_start_that_is_never_accepted_ends_the_stream_with_its_error() {
    let mut function = FakeFunction::start().await;
    let client = client_of(
        &function,
        Timeouts {
            start_within: SHORT,
            // No bound of a start that has reached the function.
            first_connection: Duration::ZERO,
            ..fast()
        },
    );
    let stream = client.stream("Why?");
    let refusing = async {
        let first = function.request().await;
        let sent = first.body.clone();
        first.refuse(503, "INTERNAL", true).await;
        let again = function.request().await;
        assert_eq!((&*again.method, &again.body), ("POST", &sent));
        again.refuse(503, "INTERNAL", true).await;
        loop {
            function.request().await.refuse(503, "INTERNAL", true).await;
        }
    };
    let (seen, error) = tokio::select! {
        seen = rest(stream) => seen,
        () = refusing => unreachable!("it refuses for ever"),
    };
    assert!(seen.iter().all(|event| event == "reconnecting"), "{seen:?}");
    let error = error.expect("an error");
    assert_eq!(error.to_string(), "INTERNAL: said the server");
}

#[tokio::test]
async fn a_function_that_cannot_be_reached_is_left_soon() {
    let function = FakeFunction::start().await;
    let client = client_of(
        &function,
        Timeouts {
            first_connection: Duration::ZERO,
            ..fast()
        },
    );
    drop(function);
    let (seen, error) = rest(client.stream("Why?")).await;
    assert!(seen.is_empty(), "{seen:?}");
    assert!(matches!(error, Some(Error::Request(_))), "{error:?}");
}

/// Waits as briefly as a test can for what is held open.
fn impatient(function: &FakeFunction) -> tokencast_client::Client {
    client_of(
        function,
        Timeouts {
            call: SHORT,
            stream_silence: SHORT,
            ..fast()
        },
    )
}

#[tokio::test]
async fn a_response_to_a_start_that_brings_no_byte_is_got_over_by_the_record() {
    let mut function = FakeFunction::start().await;
    let stream = impatient(&function).stream("Why?");
    let session_id = stream.session_id().to_string();
    let held = function.request().await.hold(200).await;
    let request = function.request().await;
    assert_eq!((&*request.method, &request.path), ("GET", &session_id));
    assert_eq!(request.header("last-event-id"), "");
    held.gone().await;
    request.stream().await.events(&[cancelled(1, 1)]).await;
    assert_eq!(seen(stream).await, "startedcancelled");
}

/// A client that has two events asks for those behind them, and `treat` leaves it without an answer.
async fn check_held(treat: impl AsyncFnOnce(Request) -> Option<Body>) {
    let mut function = FakeFunction::start().await;
    let stream = impatient(&function).stream("Why?");
    let mut body = function.request().await.stream().await;
    body.events(&[token(1, 1, "a"), token(1, 2, "b")]).await;
    drop(body);
    let request = function.request().await;
    assert_eq!(request.header("last-event-id"), "2");
    let held = treat(request).await;
    let request = function.request().await;
    assert_eq!(request.header("last-event-id"), "", "the whole record");
    let mut body = request.stream().await;
    body.events(&[token(1, 1, "a"), token(1, 2, "b"), completed(1, 3)])
        .await;
    assert_eq!(seen(stream).await, "startedabcompleted");
    drop(held);
}

#[tokio::test]
async fn an_empty_response_that_is_held_open_is_got_over_by_the_record() {
    check_held(async |request| Some(request.hold(204).await)).await;
    check_held(async |request| Some(request.hold(200).await)).await;
    check_held(async |request| Some(request.stream().await)).await;
}

#[tokio::test]
async fn a_response_whose_headers_are_held_back_is_got_over_by_the_record() {
    let mut kept = None;
    check_held(async |request| {
        kept = Some(request);
        None
    })
    .await;
}

#[tokio::test]
async fn a_pause_that_the_server_asks_for_has_a_bound() {
    let mut function = FakeFunction::start().await;
    let mut stream = client_of(&function, fast()).stream("Why?");
    let mut body = function.request().await.stream().await;
    body.send("retry: 99999999999\n\n").await;
    drop(body);
    let delay_ms = loop {
        let event = within(stream.next()).await.expect("more");
        if let AnswerEvent::Reconnecting { delay_ms, .. } = event.expect("no error") {
            break delay_ms;
        }
    };
    assert_eq!(delay_ms, 60_000);
}

#[tokio::test]
async fn a_function_that_never_brings_a_byte_is_given_up() {
    let mut function = FakeFunction::start().await;
    let client = client_of(
        &function,
        Timeouts {
            stream_silence: Duration::from_millis(50),
            give_up_after: SHORT,
            ..fast()
        },
    );
    let stream = client.stream("Why?");
    let holding = async {
        let mut held = Vec::new();
        loop {
            held.push(function.request().await.hold(200).await);
        }
    };
    let (_, error) = tokio::select! {
        seen = rest(stream) => seen,
        () = holding => unreachable!("it holds for ever"),
    };
    assert!(matches!(error, Some(Error::GaveUp { .. })), "{error:?}");
}
