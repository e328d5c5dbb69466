//! How connections end, and what `$disconnect` gets.

use std::time::Duration;

use serde_json::Value;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::stack::{Api, Socket};

async fn disconnected(api: &Api, connection: &str) -> Value {
    let event = api.stack.note(&format!("{connection}.disconnect")).await;
    let context = &event["requestContext"];
    assert_eq!(context["routeKey"], "$disconnect");
    assert_eq!(context["eventType"], "DISCONNECT");
    assert_eq!(context["connectionId"], connection);
    assert_eq!(context["authorizer"]["owner"], "ada");
    assert!(event["headers"]["Host"].is_string());
    event["requestContext"].clone()
}

async fn check(api: &Api, connection: &str, code: u16, reason: &str) {
    let context = disconnected(api, connection).await;
    assert_eq!(context["disconnectStatusCode"], code);
    assert_eq!(context["disconnectReason"], reason);
    api.no_connection().await;
}

async fn connected(api: &Api) -> (Socket, String) {
    let socket = api.connect().await;
    let connection = api.only_connection().await;
    (socket, connection)
}

#[tokio::test]
async fn a_client_closes() {
    let api = Api::start().await;
    let (mut socket, connection) = connected(&api).await;
    let frame = CloseFrame {
        code: CloseCode::Library(4000),
        reason: "bye".into(),
    };
    socket.close(Some(frame)).await;
    check(&api, &connection, 4000, "bye").await;
    let (mut socket, connection) = connected(&api).await;
    socket.close(None).await;
    let unset = "Client-side close frame status not set";
    check(&api, &connection, 1005, unset).await;
    let (socket, connection) = connected(&api).await;
    drop(socket);
    check(&api, &connection, 1006, "Connection Closed Abnormally").await;
    api.stop().await;
}

#[tokio::test]
async fn an_idle_connection_ends_after_ten_minutes() {
    let api = Api::start().await;
    let (mut socket, connection) = connected(&api).await;
    let clock = api.stack.local.clock();
    clock.advance(Duration::from_mins(9));
    // A message restarts the idle time.
    socket.send("hello").await;
    socket.text().await;
    clock.advance(Duration::from_mins(9));
    socket.send("hello").await;
    socket.text().await;
    clock.advance(Duration::from_mins(10));
    assert_eq!(socket.close_frame().await.code, CloseCode::Away);
    check(&api, &connection, 1001, "Going away").await;
    api.stop().await;
}

#[tokio::test]
async fn a_connection_lives_two_hours() {
    let api = Api::start_with(|config| {
        // So long that only the connection's lifetime ends it.
        config.limits.idle_timeout = Duration::from_hours(24);
    })
    .await;
    let (mut socket, connection) = connected(&api).await;
    let clock = api.stack.local.clock();
    clock.advance(Duration::from_mins(119));
    socket.send("hello").await;
    socket.text().await;
    clock.advance(Duration::from_mins(1));
    assert_eq!(socket.close_frame().await.code, CloseCode::Away);
    check(&api, &connection, 1001, "Going away").await;
    api.stop().await;
}

#[tokio::test]
async fn the_stack_ends_with_open_connections() {
    let api = Api::start().await;
    let (mut socket, _) = connected(&api).await;
    api.stop().await;
    assert_eq!(socket.close_frame().await.code, CloseCode::Away);
}
