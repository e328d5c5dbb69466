//! A client's messages, and their route responses.

use std::time::Duration;

use local_stack::testing::eventually;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::stack::Api;

#[tokio::test]
async fn the_action_chooses_the_route() {
    let api = Api::start().await;
    let mut socket = api.connect().await;
    for (body, route) in [
        ("{\"action\":\"echo\",\"n\":1}", "echo"),
        ("{\"action\":\"unknown\"}", "$default"),
        ("{\"action\":\"$connect\"}", "$default"),
        ("{\"action\":[]}", "$default"),
        ("not JSON", "$default"),
    ] {
        socket.send(body).await;
        let event = socket.json().await;
        assert_eq!(event["body"], body);
        assert_eq!(event["isBase64Encoded"], false);
        let context = &event["requestContext"];
        assert_eq!(context["routeKey"], route, "{body}");
        assert_eq!(context["eventType"], "MESSAGE");
        assert_eq!(context["messageDirection"], "IN");
        assert_eq!(context["connectionId"], api.only_connection().await);
        assert_eq!(context["authorizer"]["owner"], "ada");
        assert_eq!(context["apiId"], "websocket");
        assert!(context["messageId"].is_string() && context["requestId"].is_string());
        let domain = context["domainName"].as_str().expect("text");
        assert!(api.url().contains(domain), "{domain}");
    }
    api.stop().await;
}

#[tokio::test]
async fn a_route_without_response_says_nothing() {
    let api = Api::start().await;
    let mut socket = api.connect().await;
    socket.send("{\"action\":\"silent\"}").await;
    eventually(async || {
        let usage = api.stack.local.usage().of("lambda", "routes");
        // `$connect` and this message.
        (usage.count == 2).then_some(())
    })
    .await;
    socket.send("{\"action\":\"echo\"}").await;
    assert_eq!(socket.json().await["requestContext"]["routeKey"], "echo");
    api.stop().await;
}

fn check(frame: &Value, message: &str, connection: &str) {
    assert_eq!(frame["message"], message);
    assert_eq!(frame["connectionId"], connection);
    assert!(frame["requestId"].is_string());
    assert_eq!(frame.as_object().map(serde_json::Map::len), Some(3));
}

#[tokio::test]
async fn an_integration_that_fails_is_an_error_frame() {
    let api = Api::start().await;
    let mut socket = api.connect().await;
    let connection = api.only_connection().await;
    for action in ["fail", "null", "large"] {
        socket.send(&json!({ "action": action }).to_string()).await;
        check(&socket.json().await, "Internal server error", &connection);
    }
    socket.send("{\"action\":\"hang\"}").await;
    api.stack.note("hanging").await;
    api.stack.local.clock().advance(Duration::from_secs(29));
    check(&socket.json().await, "Internal server error", &connection);
    api.stop().await;
}

#[tokio::test]
async fn without_a_default_route_the_rest_is_forbidden() {
    let api = Api::start_with(|config| {
        config.routes.remove("$default");
    })
    .await;
    let mut socket = api.connect().await;
    let connection = api.only_connection().await;
    socket.send("{\"action\":\"unknown\"}").await;
    check(&socket.json().await, "Forbidden", &connection);
    api.stop().await;
}

#[tokio::test]
async fn a_message_waits_for_no_other() {
    let api = Api::start().await;
    let mut socket = api.connect().await;
    socket.send("{\"action\":\"wait\"}").await;
    socket.send("{\"action\":\"echo\"}").await;
    assert_eq!(socket.json().await["requestContext"]["routeKey"], "echo");
    api.stack.open_gate("wait");
    assert_eq!(socket.text().await, "waited");
    api.stop().await;
}

/// A text message with `bytes` bytes, for the default route.
fn sized(bytes: usize) -> Message {
    Message::text("x".repeat(bytes))
}

#[tokio::test]
async fn a_frame_may_have_32_kilobytes() {
    let api = Api::start().await;
    let mut socket = api.connect().await;
    socket.send_message(sized(32 * 1024)).await;
    let event = socket.json().await;
    assert_eq!(event["body"].as_str().map(str::len), Some(32 * 1024));
    socket.send_message(sized(32 * 1024 + 1)).await;
    assert_eq!(u16::from(socket.close_frame().await.code), 1009);
    api.no_connection().await;
    api.stop().await;
}

/// One frame of a message in several.
fn piece(bytes: usize, data: Data, is_final: bool) -> Message {
    let frame = Frame::message("x".repeat(bytes), OpCode::Data(data), is_final);
    Message::Frame(frame)
}

#[tokio::test]
async fn frames_that_continue_a_message_are_put_together_up_to_128_kilobytes() {
    const FRAME: usize = 32 * 1024;
    let api = Api::start_with(|config| {
        // The default route echoes its event, which is larger than its message.
        config.limits.message_bytes = 2 * 128 * 1024;
    })
    .await;
    let mut socket = api.connect().await;
    socket.send_message(piece(FRAME, Data::Text, false)).await;
    socket
        .send_message(piece(FRAME, Data::Continue, false))
        .await;
    socket.send_message(piece(10, Data::Continue, true)).await;
    let event = socket.json().await;
    let length = event["body"].as_str().map(str::len);
    assert_eq!(length, Some(2 * FRAME + 10));
    api.stop().await;

    // A frame that is too long, in any place; and a message that is too long, of frames that aren't.
    for pieces in [&[10, FRAME + 1][..], &[FRAME, FRAME, FRAME, FRAME, 1][..]] {
        let api = Api::start().await;
        let mut socket = api.connect().await;
        for (index, bytes) in pieces.iter().enumerate() {
            let data = if index == 0 {
                Data::Text
            } else {
                Data::Continue
            };
            let is_final = index + 1 == pieces.len();
            socket.send_message(piece(*bytes, data, is_final)).await;
        }
        let code = socket.close_frame().await.code;
        assert_eq!(u16::from(code), 1009, "{pieces:?}");
        api.stop().await;
    }
}

#[tokio::test]
async fn binary_frames_are_refused() {
    let api = Api::start().await;
    let mut socket = api.connect().await;
    socket.send_message(Message::binary(vec![1, 2, 3])).await;
    assert_eq!(u16::from(socket.close_frame().await.code), 1003);
    api.stop().await;
}

#[tokio::test]
async fn what_passed_is_counted() {
    let api = Api::start().await;
    let mut socket = api.connect().await;
    let body = "{\"action\":\"echo\"}";
    socket.send(body).await;
    let answer = socket.text().await;
    let usage = api.stack.local.usage();
    assert_eq!(usage.of("websocket", "connect").count, 1);
    let message = usage.of("websocket", "echo");
    assert_eq!((message.count, message.units), (1, 1));
    assert_eq!(message.bytes_in, body.len() as u64);
    assert_eq!(usage.of("websocket", "data").bytes_out, answer.len() as u64);
    api.stop().await;
}
