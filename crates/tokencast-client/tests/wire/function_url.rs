//! A stream over a function's URL: server-sent events, cut anywhere.

use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokencast_client::{AnswerStream, Channel, Client, Error, Timeouts};

use crate::{rest, short};
use client_fakes::function_url::{Request, sse};
use client_fakes::{FakeFunction, cancelled, client, completed, failed, fast, token, within};

pub(crate) fn client_of(function: &FakeFunction, timeouts: Timeouts) -> Client {
    client(Channel::FunctionUrl(function.url.clone()), timeouts)
}

/// Without the pauses between lost connections, which take as long as they take.
pub(crate) async fn seen(stream: AnswerStream) -> String {
    let (seen, error) = rest(stream).await;
    assert!(error.is_none(), "{seen:?} {error:?}");
    let quiet = |event: &&String| !["reconnecting", "reconnected"].contains(&event.as_str());
    let seen: Vec<&str> = seen.iter().filter(quiet).map(String::as_str).collect();
    seen.concat()
}

/// Behind which event the request wants to go on.
fn known(request: &Request) -> usize {
    request.header("last-event-id").parse().unwrap_or(0)
}

#[tokio::test]
async fn a_prompt_is_posted_and_its_events_are_yielded_as_they_come() {
    let mut function = FakeFunction::start().await;
    let mut stream = client_of(&function, fast()).stream("Why?");
    let session_id = stream.session_id();
    let request = function.request().await;
    assert_eq!((&*request.method, &*request.path), ("POST", ""));
    assert_eq!(request.header("authorization"), "Bearer jwt");
    assert_eq!(request.header("accept"), "text/event-stream");
    assert_eq!(
        request.body,
        json!({ "prompt": "Why?", "sessionId": session_id })
    );
    let hash = Sha256::digest(&request.bytes);
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(request.header("x-amz-content-sha256"), hash);
    let mut body = request.stream().await;
    for (event, expected) in [
        (None, "started"),
        (Some(token(1, 1, "Ri")), "Ri"),
        (Some(token(1, 2, "v\ner")), "v\ner"),
        (Some(completed(1, 3)), "completed"),
    ] {
        body.send(": keep-alive\n\n").await;
        if let Some(event) = event {
            body.send(sse(&event)).await;
        }
        let got = within(stream.next())
            .await
            .expect("more")
            .expect("no error");
        assert_eq!(short(&got), expected);
    }
    body.gone().await;
    assert!(within(stream.next()).await.is_none());
}

/// Each piece of the text, and the end; short, as every byte is a case.
fn events() -> [Value; 3] {
    [
        json!({ "token": "é🌊", "isComplete": false, "attempt": 1, "sequence": 1 }),
        json!({ "token": "b", "isComplete": false, "attempt": 1, "sequence": 2 }),
        json!({ "token": "", "isComplete": true, "status": "COMPLETED", "attempt": 1, "sequence": 3 }),
    ]
}

#[tokio::test]
async fn a_stream_that_is_cut_at_any_byte_goes_on_behind_its_last_event() {
    let mut function = FakeFunction::start().await;
    let client = client_of(
        &function,
        Timeouts {
            retry_first: Duration::from_millis(1),
            ..fast()
        },
    );
    let pieces = events().map(|event| sse(&event));
    let whole = pieces.concat();
    for (cut, ends) in (0..whole.len()).flat_map(|cut| [(cut, false), (cut, true)]) {
        let stream = client.stream("Why?");
        let session_id = stream.session_id().to_string();
        let mut body = function.request().await.stream().await;
        body.send(&whole.as_bytes()[..cut]).await;
        // Cut off, or ended as if that were all.
        if ends {
            body.end().await;
        } else {
            drop(body);
        }
        let lengths = pieces.iter().scan(0, |length, piece| {
            *length += piece.len();
            Some(*length)
        });
        let arrived = lengths.filter(|length| *length <= cut).count();
        let request = function.request().await;
        assert_eq!((&*request.method, &request.path), ("GET", &session_id));
        assert_eq!(request.header("authorization"), "Bearer jwt");
        assert_eq!(known(&request), arrived, "cut at {cut}");
        let mut body = request.stream().await;
        body.events(&events()[arrived..]).await;
        body.end().await;
        assert_eq!(seen(stream).await, "startedé🌊bcompleted", "cut at {cut}");
    }
}

#[tokio::test]
async fn a_stream_that_is_cut_each_time_still_arrives() {
    let mut function = FakeFunction::start().await;
    let stream = client_of(&function, fast()).stream("Why?");
    let served = async {
        loop {
            let request = function.request().await;
            let (next, known) = (known(&request), known(&request));
            let mut body = request.stream().await;
            // What was had already comes again, and one event more.
            body.events(&events()[known.saturating_sub(1)..=next]).await;
            if next == 2 {
                return body.end().await;
            }
        }
    };
    let (seen, ()) = futures_util::future::join(seen(stream), served).await;
    assert_eq!(seen, "startedé🌊bcompleted");
}

#[tokio::test]
async fn a_newer_attempt_starts_again_and_is_resumed_by_its_number() {
    let mut function = FakeFunction::start().await;
    let stream = client_of(&function, fast()).stream("Why?");
    let mut body = function.request().await.stream().await;
    body.events(&[token(1, 1, "a"), token(2, 1, "X"), token(2, 2, "Y")])
        .await;
    drop(body);
    let request = function.request().await;
    assert_eq!(request.header("last-event-id"), "2.2");
    request.stream().await.events(&[completed(2, 3)]).await;
    assert_eq!(seen(stream).await, "starteda<2>XYcompleted");
}

#[tokio::test]
async fn a_failure_and_a_stop_are_endings_not_errors() {
    for (end, expected) in [
        (failed(1, 2), "starteda".to_owned() + "failed MODEL_ERROR"),
        (cancelled(1, 2), "startedacancelled".to_owned()),
    ] {
        let mut function = FakeFunction::start().await;
        let stream = client_of(&function, fast()).stream("Why?");
        let mut body = function.request().await.stream().await;
        body.events(&[token(1, 1, "a"), end]).await;
        assert_eq!(seen(stream).await, expected);
    }
}

#[tokio::test]
async fn a_gap_is_no_reason_to_wait() {
    let mut function = FakeFunction::start().await;
    let stream = client_of(&function, fast()).stream("Why?");
    let mut body = function.request().await.stream().await;
    body.events(&[token(1, 1, "a"), token(1, 3, "c")]).await;
    let request = function.request().await;
    assert_eq!(known(&request), 1);
    body.gone().await;
    let mut body = request.stream().await;
    body.events(&[token(1, 2, "b"), token(1, 3, "c"), completed(1, 4)])
        .await;
    assert_eq!(seen(stream).await, "startedabccompleted");
}

#[tokio::test]
async fn an_end_that_stands_before_what_is_known_is_settled_by_the_whole_session() {
    let mut function = FakeFunction::start().await;
    let stream = client_of(&function, fast()).stream("Why?");
    let mut body = function.request().await.stream().await;
    body.events(&[token(1, 1, "a"), token(1, 2, "b"), cancelled(1, 2)])
        .await;
    let request = function.request().await;
    assert_eq!(request.header("last-event-id"), "", "from the first");
    let mut body = request.stream().await;
    body.events(&[token(1, 1, "a"), cancelled(1, 2)]).await;
    assert_eq!(seen(stream).await, "startedab<1>acancelled");
}

/// A client that has three events of a session that ended with its second: `answer` says that nothing follows.
async fn check_ahead(answer: impl AsyncFnOnce(Request)) {
    let mut function = FakeFunction::start().await;
    let stream = client_of(&function, fast()).stream("Why?");
    let mut body = function.request().await.stream().await;
    body.events(&[token(1, 1, "a"), token(1, 2, "b"), token(1, 3, "c")])
        .await;
    drop(body);
    let request = function.request().await;
    assert_eq!(known(&request), 3);
    answer(request).await;
    let request = function.request().await;
    assert_eq!(request.header("last-event-id"), "", "the whole session");
    let mut body = request.stream().await;
    body.events(&[token(1, 1, "a"), failed(1, 2)]).await;
    assert_eq!(seen(stream).await, "startedabc<1>afailed MODEL_ERROR");
}

#[tokio::test]
async fn a_function_that_knows_of_less_is_asked_for_the_whole_session() {
    check_ahead(async |request| request.stream().await.end().await).await;
    check_ahead(async |request| request.answer(204, "").await).await;
}

#[tokio::test]
async fn a_session_is_followed_from_its_first_event() {
    let mut function = FakeFunction::start().await;
    let session_id = uuid::Uuid::new_v4();
    let stream = client_of(&function, fast()).resume(session_id);
    let request = function.request().await;
    assert_eq!(
        (
            &*request.method,
            &*request.path,
            request.header("last-event-id")
        ),
        ("GET", &*session_id.to_string(), "")
    );
    let mut body = request.stream().await;
    body.events(&[token(2, 1, "ab"), completed(2, 2)]).await;
    assert_eq!(seen(stream).await, "startedabcompleted");
}

#[tokio::test]
async fn a_silent_function_is_left_and_asked_again() {
    let mut function = FakeFunction::start().await;
    let client = client_of(
        &function,
        Timeouts {
            stream_silence: Duration::from_millis(300),
            ..fast()
        },
    );
    let stream = client.stream("Why?");
    let mut silent = function.request().await.stream().await;
    silent.events(&[token(1, 1, "a")]).await;
    let answering = async {
        // On a slow machine even a response that goes on may have been silent for too long.
        loop {
            let request = function.request().await;
            let missing = &[token(1, 1, "a"), completed(1, 2)][known(&request)..];
            request.stream().await.events(missing).await;
        }
    };
    let seen = tokio::select! {
        seen = seen(stream) => seen,
        () = answering => unreachable!("it answers for ever"),
    };
    silent.gone().await;
    assert_eq!(seen, "startedacompleted");
}

#[tokio::test]
async fn a_function_that_brings_nothing_new_is_given_up() {
    let mut function = FakeFunction::start().await;
    let client = client_of(
        &function,
        Timeouts {
            give_up_after: Duration::from_millis(200),
            ..fast()
        },
    );
    let stream = client.stream("Why?");
    let serve = tokio::spawn(async move {
        loop {
            // Connections that are good, and end each time with what is known.
            function
                .request()
                .await
                .stream()
                .await
                .events(&[token(1, 1, "a")])
                .await;
        }
    });
    let (seen, error) = rest(stream).await;
    serve.abort();
    assert_eq!(seen[..2], ["started", "a"]);
    assert!(matches!(error, Some(Error::GaveUp { .. })), "{error:?}");
}

#[tokio::test]
async fn the_servers_own_pause_is_kept() {
    let mut function = FakeFunction::start().await;
    let mut stream = client_of(&function, fast()).stream("Why?");
    let mut body = function.request().await.stream().await;
    body.send("retry: 700\n\n").await;
    drop(body);
    let reconnecting = loop {
        let event = within(stream.next())
            .await
            .expect("more")
            .expect("no error");
        if let tokencast_client::AnswerEvent::Reconnecting { delay_ms, .. } = event {
            break delay_ms;
        }
    };
    assert_eq!(reconnecting, 700);
}

#[tokio::test]
async fn dropping_the_stream_ends_its_request() {
    let mut function = FakeFunction::start().await;
    let stream = client_of(&function, fast()).stream("Why?");
    let body = function.request().await.stream().await;
    drop(stream);
    body.gone().await;
}
