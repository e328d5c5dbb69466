//! Tokens that end before their stream does: renewed, and gone on with, without a gap.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokencast_client::{Channel, Client, Credentials, Timeouts};

use crate::rest;
use crate::sign_in::pool;
use client_fakes::{FakeApi, FakeFunction, Socket, completed, fast, snapshot, token};

async fn client(channel: impl Into<Channel>, timeouts: Timeouts) -> Client {
    let (pool, _) = pool(3_600).await;
    Client::builder(channel)
        .credentials(Credentials::user(pool, "alice", "right"))
        .timeouts(timeouts)
        .build()
        .expect("a client")
}

/// The token that a subscriber's connection was opened with.
fn shown(socket: &Socket) -> String {
    let protocols = socket.headers["sec-websocket-protocol"]
        .to_str()
        .expect("text");
    let (_, header) = protocols.split_once("header-").expect("a header");
    let header = URL_SAFE_NO_PAD.decode(header).expect("base64url");
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    header["Authorization"].as_str().expect("text").to_owned()
}

fn text_of(seen: &[String]) -> String {
    let quiet = |event: &&String| !["reconnecting", "reconnected"].contains(&event.as_str());
    seen.iter()
        .filter(quiet)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .concat()
}

/// A subscription that `error` ends, with a token that was made a moment ago.
async fn check_subscription(id: Option<&str>, payload: Value) {
    let mut api = FakeApi::start().await;
    let stream = client(&api.url, fast()).await.stream("Why?");
    let socket = api.subscriber().await;
    assert_eq!(shown(&socket), "token-1");
    api.call("StartStream").await;
    socket.tokens(1, &[(1, "a")]).await;
    api.replies(|replies| {
        replies.expired_token = Some("token-1".into());
        replies.snapshot = snapshot("STREAMING", 1, 2, "ab");
    });
    let id = id.unwrap_or(&socket.id);
    socket
        .send(json!({ "type": "error", "id": id, "payload": payload }))
        .await;
    let socket = api.subscriber().await;
    assert_eq!(shown(&socket), "token-2", "{payload}");
    socket.tokens(1, &[(3, "c")]).await;
    socket.event(completed(1, 4)).await;
    let (seen, error) = rest(stream).await;
    assert!(error.is_none(), "{payload}: {error:?}");
    assert_eq!(text_of(&seen), "startedabccompleted", "{payload}");
}

#[tokio::test]
async fn a_subscription_whose_token_has_expired_goes_on_with_another() {
    let error = json!({ "errorType": "UnauthorizedException", "message": "Token has expired." });
    check_subscription(None, json!({ "errors": [error] })).await;
    check_subscription(Some(""), json!({ "errors": error })).await;
    check_subscription(Some(""), error).await;
}

#[tokio::test]
async fn a_call_whose_token_has_expired_is_sent_again_with_another() {
    let mut api = FakeApi::start().await;
    api.replies(|replies| replies.expired_token = Some("token-1".into()));
    let client = client(&api.url, fast()).await;
    client.get(uuid::Uuid::nil()).await.expect("an answer");
    assert_eq!(api.call("GetStream").await.authorization, "token-1");
    assert_eq!(api.call("GetStream").await.authorization, "token-2");
    // Made for a refused one a moment ago, it is refused for another reason.
    api.replies(|replies| replies.expired_token = Some("token-2".into()));
    let refused = client.get(uuid::Uuid::nil()).await;
    assert!(
        matches!(refused, Err(tokencast_client::Error::Unauthorized { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_web_socket_whose_token_has_expired_goes_on_with_another() {
    let mut api = FakeApi::start().await;
    let channel = Channel::WebSocket(api.web_socket_url.clone());
    let stream = client(channel, fast()).await.stream("Why?");
    let mut socket = api.socket().await;
    assert_eq!(socket.headers["authorization"], "Bearer token-1");
    socket.started().await;
    socket.frame(token(1, 1, "a")).await;
    api.replies(|replies| replies.expired_token = Some("token-1".into()));
    drop(socket);
    let mut socket = api.socket().await;
    assert_eq!(socket.headers["authorization"], "Bearer token-2");
    assert_eq!(socket.resumed("STREAMING").await, (1, 1));
    socket.frames([token(1, 2, "b"), completed(1, 3)]).await;
    let (seen, error) = rest(stream).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(text_of(&seen), "startedabcompleted");
}

#[tokio::test]
async fn a_function_that_refuses_an_expired_token_is_asked_with_another() {
    let mut function = FakeFunction::start().await;
    let channel = Channel::FunctionUrl(function.url.clone());
    let stream = client(channel, fast()).await.stream("Why?");
    let request = function.request().await;
    assert_eq!(request.header("authorization"), "Bearer token-1");
    request.refuse(401, "UNAUTHORIZED", false).await;
    let request = function.request().await;
    assert_eq!(request.header("authorization"), "Bearer token-2");
    let mut body = request.stream().await;
    body.events(&[token(1, 1, "a")]).await;
    drop(body);
    let request = function.request().await;
    assert_eq!(request.header("last-event-id"), "1");
    request.stream().await.events(&[completed(1, 2)]).await;
    let (seen, error) = rest(stream).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(text_of(&seen), "startedacompleted");
}

/// The machine sleeps for two hours: its wall clock is ahead, its monotonic clock has stood still.
#[tokio::test]
async fn after_a_sleep_the_token_and_the_socket_are_new() {
    let asleep_s = Arc::new(AtomicU64::new(0));
    let clock = Arc::clone(&asleep_s);
    let began = Mutex::new(None);
    let now = move || {
        // Any time will do, as long as it goes on by what the machine slept.
        let began = *began
            .lock()
            .expect("not poisoned")
            .get_or_insert(SystemTime::UNIX_EPOCH + Duration::from_hours(1));
        began + Duration::from_secs(clock.load(Ordering::SeqCst))
    };
    let mut api = FakeApi::start().await;
    let (pool, _) = pool(3_600).await;
    let client = Client::builder(&api.url)
        .credentials(Credentials::user(pool, "alice", "right"))
        .timeouts(Timeouts {
            idle: Duration::from_millis(30),
            ..fast()
        })
        .wall_clock(now)
        .build()
        .expect("a client");
    api.replies(|replies| replies.snapshot = snapshot("STREAMING", 1, 1, "a"));
    let stream = client.stream("Why?");
    let asleep = api.subscriber().await;
    assert_eq!(shown(&asleep), "token-1");
    api.call("StartStream").await;
    asleep.tokens(1, &[(1, "a")]).await;
    assert_eq!(api.call("GetStream").await.authorization, "token-1");
    asleep_s.store(7_200, Ordering::SeqCst);
    let socket = api.subscriber().await;
    assert_eq!(shown(&socket), "token-2");
    socket.tokens(1, &[(2, "b")]).await;
    socket.event(completed(1, 3)).await;
    let (seen, error) = rest(stream).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(text_of(&seen), "startedabcompleted");
}
