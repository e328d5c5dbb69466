//! A client against an API that behaves, and one that doesn't.

mod support;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokencast_client::{AnswerEvent, AnswerStream, Error, Timeouts, Usage};

use support::{FakeApi, cancelled, completed, failed, fast, snapshot, token, within};

/// Everything that a stream yields, without its reasons and delays.
async fn rest(mut stream: AnswerStream) -> (Vec<String>, Option<Error>) {
    let mut seen = Vec::new();
    while let Some(event) = within(stream.next()).await {
        match event {
            Ok(event) => seen.push(short(&event)),
            Err(error) => {
                assert!(
                    within(stream.next()).await.is_none(),
                    "nothing follows an error"
                );
                return (seen, Some(error));
            }
        }
    }
    (seen, None)
}

fn short(event: &AnswerEvent) -> String {
    match event {
        AnswerEvent::Started { .. } => "started".into(),
        AnswerEvent::Text { text, .. } => text.clone(),
        AnswerEvent::Restarted { attempt } => format!("<{attempt}>"),
        AnswerEvent::Reconnecting { .. } => "reconnecting".into(),
        AnswerEvent::Reconnected => "reconnected".into(),
        AnswerEvent::Completed { .. } => "completed".into(),
        AnswerEvent::Failed { code, .. } => format!("failed {code}"),
        AnswerEvent::Cancelled { .. } => "cancelled".into(),
    }
}

/// A stream whose subscriber gets `events`, with `state` to be had from `getStream`.
async fn check(state: Value, events: Vec<Value>, expected: &[&str]) {
    let mut api = FakeApi::start().await;
    api.replies(|replies| replies.snapshot = state);
    let stream = api.client().stream("Why?");
    let socket = api.subscriber().await;
    api.call("StartStream").await;
    for event in events {
        socket.event(event).await;
    }
    let (seen, error) = rest(stream).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn it_subscribes_before_it_starts_and_says_who_it_is() {
    let mut api = FakeApi::start().await;
    let mut stream = api.client().stream("Why?");
    let session_id = stream.session_id();
    let mut socket = api.socket().await;

    let protocols = socket.headers["sec-websocket-protocol"]
        .to_str()
        .expect("text")
        .to_owned();
    let (first, second) = protocols.split_once(", ").expect("two subprotocols");
    assert_eq!(first, "graphql-ws");
    let header = URL_SAFE_NO_PAD
        .decode(second.strip_prefix("header-").expect("a header"))
        .expect("base64url");
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    let host = api
        .url
        .strip_prefix("http://")
        .and_then(|rest| rest.strip_suffix("/graphql"));
    assert_eq!(header, json!({ "Authorization": "jwt", "host": host }));

    socket.acknowledge(300_000).await;
    socket.start_ack().await;
    assert_eq!(
        socket.started["payload"]["extensions"]["authorization"],
        header
    );
    let data = socket.started["payload"]["data"]
        .as_str()
        .expect("a string");
    let operation: Value = serde_json::from_str(data).expect("JSON in a string");
    assert_eq!(operation["variables"], json!({ "sessionId": session_id }));

    // Only the acknowledgement lets the start go.
    let call = api.call("StartStream").await;
    assert_eq!(
        call.variables,
        json!({ "prompt": "Why?", "sessionId": session_id })
    );
    assert_eq!(call.authorization, "jwt");

    socket.tokens(1, &[(1, "Ri"), (2, "vers")]).await;
    socket.event(completed(1, 3)).await;
    let mut events = Vec::new();
    while let Some(event) = within(stream.next()).await {
        events.push(event.expect("no error"));
    }
    let usage = Some(Usage {
        input_tokens: 3,
        output_tokens: 4,
        total_tokens: 7,
    });
    assert_eq!(
        events,
        [
            AnswerEvent::Started { session_id },
            AnswerEvent::Text {
                text: "Ri".into(),
                sequence: 1,
                attempt: 1
            },
            AnswerEvent::Text {
                text: "vers".into(),
                sequence: 2,
                attempt: 1
            },
            AnswerEvent::Completed {
                stop_reason: Some("end_turn".into()),
                usage
            },
        ]
    );
    assert_eq!(
        socket.receive().await,
        json!({ "type": "stop", "id": socket.id })
    );
    socket.gone().await;
}

#[tokio::test]
async fn order_and_repetition_on_the_wire_do_not_show() {
    let events = vec![
        token(1, 2, "b"),
        token(1, 2, "b"),
        completed(1, 4),
        token(1, 1, "a"),
        token(1, 3, "c"),
    ];
    check(
        Value::Null,
        events,
        &["started", "a", "b", "c", "completed"],
    )
    .await;
}

#[tokio::test]
async fn a_lost_event_is_fetched() {
    let events = vec![token(1, 1, "a"), token(1, 3, "c"), completed(1, 4)];
    check(
        snapshot("STREAMING", 1, 2, "ab"),
        events,
        &["started", "a", "b", "c", "completed"],
    )
    .await;
}

#[tokio::test]
async fn a_newer_attempt_starts_again() {
    let events = vec![
        token(1, 1, "a"),
        token(2, 1, "X"),
        token(1, 2, "b"),
        completed(2, 2),
    ];
    check(
        Value::Null,
        events,
        &["started", "a", "<2>", "X", "completed"],
    )
    .await;
}

#[tokio::test]
async fn a_failure_and_a_stop_are_endings_not_errors() {
    check(
        Value::Null,
        vec![token(1, 1, "a"), failed(1, 2)],
        &["started", "a", "failed MODEL_ERROR"],
    )
    .await;
    check(
        Value::Null,
        vec![token(1, 1, "a"), cancelled(1, 2)],
        &["started", "a", "cancelled"],
    )
    .await;
}

#[tokio::test]
async fn an_api_without_numbers_is_followed_as_it_comes() {
    let event = |text: &str, last: bool| json!({ "sessionId": "s", "token": text, "isComplete": last, "timestamp": "2026-01-01T00:00:00Z" });
    let events = vec![event("a", false), event("b", false), event("", true)];
    check(Value::Null, events, &["started", "a", "b", "completed"]).await;
}

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

#[tokio::test]
async fn a_full_server_is_tried_again() {
    let mut api = FakeApi::start().await;
    let stream = api.client().stream("Why?");
    let mut full = api.socket().await;
    full.acknowledge(300_000).await;
    full.take_start().await;
    full.error("MaxSubscriptionsReachedError").await;
    let socket = api.subscriber().await;
    api.call("StartStream").await;
    socket.event(completed(1, 1)).await;
    assert_eq!(
        rest(stream).await.0,
        ["reconnecting", "started", "completed"]
    );
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
