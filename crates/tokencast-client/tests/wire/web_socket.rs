//! A stream over a WebSocket API: frames, joined, repeated and out of order.

use std::time::Duration;

use serde_json::{Value, json};
use tokencast_client::{AnswerStream, Channel, Client, Error, Timeouts};

use crate::rest;
use client_fakes::{FakeApi, cancelled, client, completed, failed, fast, joined, token, within};

pub(crate) fn client_of(api: &FakeApi, timeouts: Timeouts) -> Client {
    client(Channel::WebSocket(api.web_socket_url.clone()), timeouts)
}

async fn check_rest(stream: AnswerStream, expected: &[&str]) {
    let (seen, error) = rest(stream).await;
    assert!(error.is_none(), "{seen:?} {error:?}");
    assert_eq!(seen, expected);
}

/// A stream whose socket gets these frames behind `started`.
async fn check(frames: Vec<Value>, expected: &[&str]) {
    let mut api = FakeApi::start().await;
    let stream = client_of(&api, fast()).stream("Why?");
    let mut socket = api.socket().await;
    socket.started().await;
    socket.frames(frames).await;
    check_rest(stream, expected).await;
}

#[tokio::test]
async fn it_connects_with_its_token_and_sends_the_prompt() {
    let mut api = FakeApi::start().await;
    let stream = client_of(&api, fast()).stream("Why?");
    let session_id = stream.session_id();
    let mut socket = api.socket().await;
    assert_eq!(socket.headers["authorization"], "Bearer jwt");
    assert_eq!(
        socket.started().await,
        json!({ "action": "stream", "prompt": "Why?", "sessionId": session_id })
    );
    socket
        .frames([token(1, 1, "Ri"), token(1, 2, "vers"), completed(1, 3)])
        .await;
    check_rest(stream, &["started", "Ri", "vers", "completed"]).await;
    socket.gone().await;
}

#[tokio::test]
async fn order_and_repetition_and_joining_on_the_wire_do_not_show() {
    let expected = ["started", "a", "b", "c", "completed"];
    check(
        vec![
            token(1, 2, "b"),
            token(1, 2, "b"),
            completed(1, 4),
            token(1, 1, "a"),
            joined(1, 1, 2, "ab"),
            token(1, 3, "c"),
        ],
        &expected,
    )
    .await;
    check(
        vec![
            joined(1, 1, 2, "ab"),
            joined(1, 1, 3, "abc"),
            completed(1, 4),
        ],
        &["started", "ab", "c", "completed"],
    )
    .await;
    check(
        vec![
            token(1, 1, "a"),
            joined(1, 3, 4, "cd"),
            joined(1, 1, 2, "ab"),
            completed(1, 5),
        ],
        &["started", "a", "b", "cd", "completed"],
    )
    .await;
}

#[tokio::test]
async fn frames_that_are_not_the_sessions_or_not_known_are_passed_over() {
    let mut api = FakeApi::start().await;
    let stream = client_of(&api, fast()).stream("Why?");
    let mut socket = api.socket().await;
    socket.started().await;
    let mut others = completed(1, 1);
    others["type"] = "complete".into();
    others["sessionId"] = uuid::Uuid::new_v4().to_string().into();
    socket.send(others).await;
    socket.send(json!({ "type": "later", "more": true })).await;
    socket.frames([token(1, 1, "a"), completed(1, 2)]).await;
    check_rest(stream, &["started", "a", "completed"]).await;
}

#[tokio::test]
async fn a_token_may_overtake_the_answer_to_its_start() {
    let mut api = FakeApi::start().await;
    let stream = client_of(&api, fast()).stream("Why?");
    let mut socket = api.socket().await;
    socket.action("stream").await;
    socket.frame(token(1, 1, "a")).await;
    socket.answer("started", "QUEUED").await;
    socket.frame(completed(1, 2)).await;
    check_rest(stream, &["started", "a", "completed"]).await;
}

#[tokio::test]
async fn a_newer_attempt_a_failure_and_a_stop() {
    check(
        vec![
            token(1, 1, "a"),
            token(2, 1, "X"),
            token(1, 2, "b"),
            failed(2, 2),
        ],
        &["started", "a", "<2>", "X", "failed MODEL_ERROR"],
    )
    .await;
    check(
        vec![token(1, 1, "a"), cancelled(1, 2)],
        &["started", "a", "cancelled"],
    )
    .await;
}

/// The connection ends after each frame, and the next one resumes behind it.
#[tokio::test]
async fn a_connection_that_is_cut_after_any_frame_is_resumed_behind_it() {
    let events = [
        token(1, 1, "a"),
        joined(1, 2, 3, "bc"),
        token(1, 4, "d"),
        completed(1, 5),
    ];
    for cut in 0..events.len() {
        let mut api = FakeApi::start().await;
        let stream = client_of(&api, fast()).stream("Why?");
        let mut socket = api.socket().await;
        socket.started().await;
        socket.frames(events[..cut].to_vec()).await;
        drop(socket);
        let mut socket = api.socket().await;
        let expected = [(0, 0), (1, 1), (1, 3), (1, 4)][cut];
        assert_eq!(
            socket.resumed("STREAMING").await,
            expected,
            "cut after {cut}"
        );
        // With one that was there already.
        socket
            .frames(events[cut.saturating_sub(1)..].to_vec())
            .await;
        let (seen, error) = rest(stream).await;
        assert!(error.is_none(), "{error:?}");
        let text = seen
            .concat()
            .replace("reconnecting", "")
            .replace("reconnected", "");
        assert_eq!(text, "startedabcdcompleted", "cut after {cut}");
    }
}

#[tokio::test]
async fn a_start_whose_answer_is_lost_is_sent_again_and_followed_from_where_it_is() {
    let mut api = FakeApi::start().await;
    let stream = client_of(&api, fast()).stream("Why?");
    let mut socket = api.socket().await;
    let sent = socket.action("stream").await;
    drop(socket);
    let mut socket = api.socket().await;
    assert_eq!(socket.started().await, sent);
    // What was pushed to the lost connection is asked for at once.
    assert_eq!(socket.resumed("STREAMING").await, (0, 0));
    socket
        .frames([joined(1, 1, 2, "ab"), completed(1, 3)])
        .await;
    check_rest(stream, &["reconnecting", "started", "ab", "completed"]).await;
}

#[tokio::test]
async fn a_lost_frame_is_asked_for_on_the_same_connection() {
    let mut api = FakeApi::start().await;
    let stream = client_of(&api, fast()).stream("Why?");
    let mut socket = api.socket().await;
    socket.started().await;
    socket.frames([token(1, 1, "a"), token(1, 3, "c")]).await;
    assert_eq!(socket.resumed("STREAMING").await, (1, 1));
    socket
        .frames([joined(1, 2, 3, "bc"), completed(1, 4)])
        .await;
    check_rest(stream, &["started", "a", "bc", "completed"]).await;
}

#[tokio::test]
async fn a_lost_last_frame_is_found_out_in_the_silence() {
    let mut api = FakeApi::start().await;
    let timeouts = Timeouts {
        idle: Duration::from_millis(30),
        ..fast()
    };
    let stream = client_of(&api, timeouts).stream("Why?");
    let mut socket = api.socket().await;
    socket.started().await;
    socket.frame(token(1, 1, "a")).await;
    while socket.resumed("STREAMING").await != (1, 1) {}
    socket.frame(completed(1, 2)).await;
    check_rest(stream, &["started", "a", "completed"]).await;
}

#[tokio::test]
async fn a_session_that_ended_before_what_is_known_is_settled_by_all_of_it() {
    let mut api = FakeApi::start().await;
    let stream = client_of(&api, fast()).stream("Why?");
    let mut socket = api.socket().await;
    socket.started().await;
    socket
        .frames([token(1, 1, "a"), token(1, 2, "b"), cancelled(1, 2)])
        .await;
    assert_eq!(socket.resumed("CANCELLED").await, (0, 0));
    socket.frames([token(1, 1, "a"), cancelled(1, 2)]).await;
    check_rest(stream, &["started", "a", "b", "<1>", "a", "cancelled"]).await;
}

#[tokio::test]
async fn a_server_that_knows_of_less_is_asked_for_all() {
    let mut api = FakeApi::start().await;
    let stream = client_of(&api, fast()).stream("Why?");
    let mut socket = api.socket().await;
    socket.started().await;
    socket
        .frames([token(1, 1, "a"), token(1, 2, "b"), token(1, 3, "c")])
        .await;
    drop(socket);
    let mut socket = api.socket().await;
    // Over, and nothing follows behind event 3.
    assert_eq!(socket.resumed("FAILED").await, (1, 3));
    assert_eq!(socket.resumed("FAILED").await, (0, 0));
    socket.frames([token(1, 1, "a"), failed(1, 2)]).await;
    let (seen, error) = rest(stream).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(seen[seen.len() - 3..], ["<1>", "a", "failed MODEL_ERROR"]);
}

#[tokio::test]
async fn a_session_is_resumed_from_its_first_event() {
    let mut api = FakeApi::start().await;
    let stream = client_of(&api, fast()).resume(uuid::Uuid::new_v4());
    let mut socket = api.socket().await;
    assert_eq!(socket.resumed("COMPLETED").await, (0, 0));
    socket
        .frames([joined(2, 1, 7, "whole"), completed(2, 8)])
        .await;
    check_rest(stream, &["started", "whole", "completed"]).await;
}

#[tokio::test]
async fn a_session_that_is_not_there_is_said_to_be_missing() {
    let mut api = FakeApi::start().await;
    let session_id = uuid::Uuid::new_v4();
    let stream = client_of(&api, fast()).resume(session_id);
    let mut socket = api.socket().await;
    // The id was free, and is the caller's now.
    for _ in 0..3 {
        socket.resumed("CLAIMED").await;
    }
    let (seen, error) = rest(stream).await;
    assert!(seen.is_empty(), "{seen:?}");
    assert!(
        matches!(error, Some(Error::NotFound { session_id: missing }) if missing == session_id),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_session_that_is_about_to_be_started_is_waited_for() {
    let mut api = FakeApi::start().await;
    let stream = client_of(&api, fast()).resume(uuid::Uuid::new_v4());
    let mut socket = api.socket().await;
    socket.resumed("CLAIMED").await;
    assert_eq!(socket.resumed("QUEUED").await, (0, 0));
    socket.frames([token(1, 1, "a"), completed(1, 2)]).await;
    check_rest(stream, &["started", "a", "completed"]).await;
}

#[tokio::test]
async fn a_refused_action_is_final_and_typed() {
    for (code, expected) in [
        ("INVALID_PROMPT", "INVALID_PROMPT: said the server"),
        ("UNAUTHORIZED", "not authorized: said the server"),
    ] {
        let mut api = FakeApi::start().await;
        let stream = client_of(&api, fast()).stream(" ");
        let mut socket = api.socket().await;
        socket.action("stream").await;
        socket.refuse("stream", code, false).await;
        let (seen, error) = rest(stream).await;
        assert!(seen.is_empty(), "{seen:?}");
        assert_eq!(error.expect("an error").to_string(), expected);
    }
}

#[tokio::test]
async fn a_passing_trouble_of_the_gateways_is_tried_again() {
    let mut api = FakeApi::start().await;
    let stream = client_of(&api, fast()).stream("Why?");
    let mut socket = api.socket().await;
    socket.action("stream").await;
    socket
        .send(json!({ "message": "Internal server error", "connectionId": "c", "requestId": "r" }))
        .await;
    let mut socket = api.socket().await;
    socket.started().await;
    socket.resumed("QUEUED").await;
    socket.frame(completed(1, 1)).await;
    check_rest(stream, &["reconnecting", "started", "completed"]).await;
}

#[tokio::test]
async fn a_connection_that_does_not_answer_is_left() {
    let mut api = FakeApi::start().await;
    let timeouts = Timeouts {
        call: Duration::from_millis(500),
        idle: Duration::from_millis(30),
        ..fast()
    };
    let stream = client_of(&api, timeouts).resume(uuid::Uuid::new_v4());
    // It hears `resume` and says nothing.
    let mut silent = api.socket().await;
    silent.action("resume").await;
    let answering = async {
        loop {
            // On a slow machine there may be several.
            tokio::spawn(api.socket().await.complete(completed(1, 1)));
        }
    };
    let (seen, error) = tokio::select! {
        seen = rest(stream) => seen,
        () = answering => unreachable!("it answers for ever"),
    };
    silent.gone().await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(seen[0], "reconnecting");
    assert_eq!(seen[seen.len() - 2..], ["started", "completed"]);
}

#[tokio::test]
async fn a_refused_connection_is_final() {
    let api = FakeApi::start().await;
    let url = api.web_socket_url.replace("/dev", "/nowhere");
    let stream = client(Channel::WebSocket(url), fast()).stream("Why?");
    let (seen, error) = rest(stream).await;
    assert!(seen.is_empty(), "{seen:?}");
    assert!(matches!(error, Some(Error::Connect(_))), "{error:?}");
}

#[tokio::test]
async fn a_stop_goes_out_on_a_connection_of_its_own() {
    let mut api = FakeApi::start().await;
    let client = client_of(&api, fast());
    let session_id = uuid::Uuid::new_v4();
    let stop = tokio::spawn({
        let client = client.clone();
        async move { client.stop(session_id).await }
    });
    let mut socket = api.socket().await;
    let action = socket.action("stop").await;
    assert_eq!(action, json!({ "action": "stop", "sessionId": session_id }));
    socket.answer("stopping", "STREAMING").await;
    within(stop).await.expect("no panic").expect("stopped");
    socket.gone().await;

    let stop = tokio::spawn(async move { client.stop(session_id).await });
    let mut socket = api.socket().await;
    socket.action("stop").await;
    socket.refuse("stop", "UNAUTHORIZED", false).await;
    let refused = within(stop).await.expect("no panic");
    assert!(
        matches!(refused, Err(Error::Unauthorized { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn dropping_the_stream_closes_its_socket() {
    let mut api = FakeApi::start().await;
    let stream = client_of(&api, fast()).stream("Why?");
    let mut socket = api.socket().await;
    socket.started().await;
    drop(stream);
    socket.gone().await;
}
