//! How long a client waits, over AppSync: the rows of docs/PROTOCOL.md. Each wait is short here; the defaults are a row, too.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokencast_client::cognito::UserPool;
use tokencast_client::{Error, Timeouts};

use crate::{rest, short};
use client_fakes::held::GIVEN_UP;
use client_fakes::{FakeApi, Replies, completed, fast, snapshot, within};

const SHORT: Duration = Duration::from_millis(300);

#[test]
fn the_defaults_are_as_documented() {
    let Timeouts {
        call,
        start_within,
        connect,
        ack,
        start_ack,
        keep_alive,
        stream_silence,
        first_connection,
        give_up_after,
        idle,
        ..
    } = Timeouts::default();
    let seconds = [
        call,
        start_within,
        connect,
        ack,
        start_ack,
        keep_alive,
        stream_silence,
        first_connection,
        give_up_after,
        idle,
    ]
    .map(|duration| duration.as_secs());
    assert_eq!(seconds, [30, 60, 10, 15, 15, 300, 45, 5, 300, 15]);
}

/// A start that `refuse` refuses five times: more often than any other call is tried.
async fn check_start_again(refuse: (u16, Value)) {
    let mut api = FakeApi::start().await;
    api.replies(|replies| replies.start = refuse.clone());
    let stream = api.client().stream("Why?");
    let socket = api.subscriber().await;
    let first = api.call("StartStream").await;
    for _ in 0..4 {
        let again = api.call("StartStream").await;
        assert_eq!(again.variables, first.variables, "under the same id");
    }
    api.replies(Replies::accept_start);
    api.call("StartStream").await;
    socket.event(completed(1, 1)).await;
    assert_eq!(rest(stream).await.0, ["started", "completed"], "{refuse:?}");
}

#[tokio::test]
async fn a_start_that_fails_in_passing_is_sent_again() {
    let error = |error_type: &str| {
        let errors = json!([{ "errorType": error_type, "message": "said the server" }]);
        (200, json!({ "data": null, "errors": errors }))
    };
    let refusals = [
        error("INTERNAL"),
        error("THROTTLED"),
        error("Lambda:Unhandled"),
        error("Sandbox.Timedout"),
        error("Runtime.ExitError"),
        (429, json!({})),
        (502, json!({})),
    ];
    join_all(refusals.map(check_start_again)).await;
}

/// The error that a stream ends with, whose start is never accepted.
async fn start_never_accepted(reply: (u16, Value)) -> Error {
    let mut api = FakeApi::start().await;
    api.replies(|replies| replies.start = reply);
    let client = api.client_with(Timeouts {
        start_within: SHORT,
        call: SHORT,
        ..fast()
    });
    let stream = client.stream("Why?");
    let _socket = api.subscriber().await;
    let (seen, error) = rest(stream).await;
    assert!(seen.is_empty(), "{seen:?}");
    error.expect("an error")
}

#[tokio::test]
async fn a_start_that_is_never_accepted_ends_the_stream_with_its_error() {
    let errors = json!([{ "errorType": "INTERNAL", "message": "said the server" }]);
    let refused = start_never_accepted((200, json!({ "data": null, "errors": errors }))).await;
    assert_eq!(refused.to_string(), "INTERNAL: said the server");
    assert!(refused.is_transient(), "the user may send it again");
    let unanswered = start_never_accepted((0, Value::Null)).await;
    assert!(
        matches!(&unanswered, Error::Request(error) if error.is_timeout()),
        "{unanswered:?}"
    );
}

#[tokio::test]
async fn a_start_whose_answer_is_lost_ends_no_stream_that_has_begun() {
    let mut api = FakeApi::start().await;
    api.replies(|replies| replies.start = (0, Value::Null));
    let client = api.client_with(Timeouts {
        call: Duration::from_secs(5),
        start_within: Duration::ZERO,
        ..fast()
    });
    let mut stream = client.stream("Why?");
    let socket = api.subscriber().await;
    socket.tokens(1, &[(1, "a")]).await;
    for expected in ["started", "a"] {
        let event = within(stream.next()).await.expect("more");
        assert_eq!(short(&event.expect("no error")), expected);
    }
    api.call(GIVEN_UP).await;
    socket.event(completed(1, 2)).await;
    let (seen, error) = rest(stream).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(seen, ["completed"]);
}

/// With the defaults, and a clock that goes as fast as everybody waits.
#[tokio::test(start_paused = true)]
async fn by_default_a_start_is_sent_for_a_minute() {
    let mut api = FakeApi::start().await;
    api.replies(|replies| replies.refuse_start("INTERNAL"));
    let mut stream = api.client_with(Timeouts::default()).stream("Why?");
    let _socket = api.subscriber().await;
    let error = stream.next().await.expect("an event");
    let error = error.expect_err("an error");
    assert!(error.is_transient(), "{error:?}");
    let tries = api.calls_so_far().len();
    assert!(tries >= 10, "{tries} tries");
}

#[tokio::test]
async fn a_stop_is_tried_three_times() {
    let mut api = FakeApi::start().await;
    api.replies(|replies| replies.stop = (503, json!({})));
    let refused = api.client().stop(uuid::Uuid::nil()).await;
    assert!(
        matches!(refused, Err(Error::Http { status: 503 })),
        "{refused:?}"
    );
    assert_eq!(api.calls_so_far().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_that_is_not_answered_ends() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let pool = UserPool {
        endpoint: format!("http://{address}/"),
        client_id: "client".into(),
        pool_id: None,
    };
    let api = FakeApi::start().await;
    let client = crate::sign_in::client(&api, pool, "right");
    let refused = client.get(uuid::Uuid::nil()).await;
    assert!(
        matches!(&refused, Err(Error::SignIn(error)) if error.to_string().contains("request to Cognito failed")),
        "{refused:?}"
    );
}

/// A session that was started, of whose record `record` is what the API says from then on.
async fn started_then(record: impl FnOnce(&mut Replies)) -> (Vec<String>, Option<Error>) {
    let mut api = FakeApi::start().await;
    api.replies(record);
    let client = api.client_with(Timeouts {
        idle: Duration::from_millis(30),
        give_up_after: SHORT,
        ..fast()
    });
    let stream = client.stream("Why?");
    let _socket = api.subscriber().await;
    rest(stream).await
}

#[tokio::test]
async fn a_start_that_was_accepted_and_left_nothing_ends_the_stream() {
    let (seen, error) =
        started_then(|replies| replies.snapshot = snapshot("CLAIMED", 0, 0, "")).await;
    assert_eq!(seen, ["started"]);
    assert!(matches!(error, Some(Error::StartLost { .. })), "{error:?}");

    let (seen, error) = started_then(|replies| replies.snapshot = Value::Null).await;
    assert_eq!(seen, ["started"]);
    assert!(matches!(error, Some(Error::NotFound { .. })), "{error:?}");
}

#[tokio::test]
async fn a_silent_session_whose_record_cannot_be_read_is_given_up() {
    for reply in [
        (503, json!({})),
        (
            200,
            json!({ "errors": [{ "errorType": "Lambda:Unhandled" }] }),
        ),
        // An API that has no `getStream`.
        (
            200,
            json!({ "errors": [{ "errorType": "ValidationError" }] }),
        ),
    ] {
        let (seen, error) = started_then(|replies| replies.get = Some(reply.clone())).await;
        assert_eq!(seen, ["started"], "{reply:?}");
        assert!(
            matches!(error, Some(Error::GaveUp { .. })),
            "{reply:?} {error:?}"
        );
    }
}

#[tokio::test]
async fn a_record_that_is_late_is_waited_for() {
    let mut api = FakeApi::start().await;
    let client = api.client_with(Timeouts {
        idle: Duration::from_millis(30),
        ..fast()
    });
    let stream = client.stream("Why?");
    let _socket = api.subscriber().await;
    api.call("StartStream").await;
    api.replies(|replies| replies.snapshot = snapshot("QUEUED", 0, 0, ""));
    api.call("GetStream").await;
    api.replies(|replies| replies.snapshot = snapshot("FAILED", 1, 1, ""));
    let (seen, error) = rest(stream).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(seen, ["started", "failed INTERNAL"]);
}

#[tokio::test]
async fn a_claimed_session_is_not_resumed_for_ever() {
    let mut api = FakeApi::start().await;
    api.replies(|replies| replies.snapshot = snapshot("CLAIMED", 0, 0, ""));
    let stream = api.client().resume(uuid::Uuid::new_v4());
    let _socket = api.subscriber().await;
    for _ in 0..3 {
        api.call("GetStream").await;
    }
    let (seen, error) = rest(stream).await;
    assert!(seen.is_empty(), "{seen:?}");
    assert!(matches!(error, Some(Error::NotFound { .. })), "{error:?}");
}

#[tokio::test]
async fn a_claimed_session_that_is_about_to_be_started_is_waited_for() {
    let mut api = FakeApi::start().await;
    api.replies(|replies| replies.snapshot = snapshot("CLAIMED", 0, 0, ""));
    let stream = api.client().resume(uuid::Uuid::new_v4());
    let socket = api.subscriber().await;
    api.call("GetStream").await;
    api.replies(|replies| replies.snapshot = snapshot("QUEUED", 0, 0, ""));
    socket.event(completed(1, 1)).await;
    assert_eq!(rest(stream).await.0, ["started", "completed"]);
}

/// A socket that gets as far as `answer` takes it, and no further.
async fn check_connection(answer: impl AsyncFnOnce(&mut FakeApi), what: &str) {
    let mut api = FakeApi::start().await;
    let client = api.client_with(Timeouts {
        ack: SHORT,
        start_ack: SHORT,
        first_connection: Duration::ZERO,
        ..fast()
    });
    let stream = client.stream("Why?");
    answer(&mut api).await;
    let (seen, error) = rest(stream).await;
    assert!(seen.is_empty(), "{seen:?}");
    assert_eq!(
        error.expect("an error").to_string(),
        format!("no {what} within 300 ms")
    );
}

#[tokio::test]
async fn a_server_that_does_not_acknowledge_is_left() {
    // Sockets of the test's own live as long as the test.
    let mut kept = Vec::new();
    check_connection(
        async |api| kept.push(api.socket().await),
        "`connection_ack`",
    )
    .await;
    let acknowledged = async |api: &mut FakeApi| {
        let mut socket = api.socket().await;
        socket.acknowledge(300_000).await;
        kept.push(socket);
    };
    check_connection(acknowledged, "`start_ack`").await;
}

#[tokio::test]
async fn a_server_that_takes_connections_and_says_nothing_is_left() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let timeouts = Timeouts {
        connect: SHORT,
        first_connection: Duration::ZERO,
        ..fast()
    };
    let client = client_fakes::client(format!("http://{address}/graphql"), timeouts);
    let (_, error) = rest(client.stream("Why?")).await;
    let expected = "no connection within 300 ms";
    assert_eq!(error.expect("an error").to_string(), expected);
}
