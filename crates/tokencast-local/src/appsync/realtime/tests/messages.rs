//! The messages of a connection.

use super::*;
use crate::appsync::test_support::Signer;

#[tokio::test]
async fn a_subscription_from_start_to_complete() {
    let stack = Stack::start(RealtimeLimits::default()).await;
    let mut client = stack.client().await;
    client.start(&stack, "1", "a").await;
    client.start(&stack, r#"odd "id" ✓"#, "b").await;
    assert_eq!(stack.publish("a", "one"), 1);
    assert_eq!(stack.publish("b", "two"), 1);
    assert_eq!(stack.publish("c", "none"), 0);
    assert_eq!(client.next().await, data("1", "one"));
    assert_eq!(client.next().await, data(r#"odd "id" ✓"#, "two"));
    client.send(json!({"type": "stop", "id": "1"})).await;
    assert_eq!(client.next().await, json!({"type": "complete", "id": "1"}));
    assert_eq!(stack.publish("a", "late"), 0);
    // The id is free again.
    client.start(&stack, "1", "a").await;
    assert_eq!(stack.publish("a", "again"), 1);
    assert_eq!(client.next().await, data("1", "again"));
    stack.stop().await;
}

#[tokio::test]
async fn start_needs_no_connection_init() {
    let stack = Stack::start(RealtimeLimits::default()).await;
    let protocols = subprotocol(&stack.authorization());
    let mut client = stack.connect("/graphql/realtime", &protocols, &[]).await;
    client.start(&stack, "1", "a").await;
    stack.publish("a", "one");
    assert_eq!(client.next().await, data("1", "one"));
    stack.stop().await;
}

/// Sends one message, and expects one error with this id and type; the connection stays usable.
async fn check(
    stack: &Stack,
    client: &mut Client,
    message: Message,
    id: Option<&str>,
    error_type: &str,
) {
    let shown = message.to_string().chars().take(80).collect::<String>();
    client.send_raw(message).await;
    let frame = client.next().await;
    assert_eq!(frame["type"], "error", "{shown} {frame}");
    assert_eq!(
        frame.get("id").and_then(Value::as_str),
        id,
        "{shown} {frame}"
    );
    assert_eq!(
        frame["payload"]["errors"][0]["errorType"], error_type,
        "{shown} {frame}"
    );
    assert!(frame["payload"]["errors"][0]["message"].is_string());
    client.start(stack, "probe", "a").await;
    client.send(json!({"type": "stop", "id": "probe"})).await;
    assert_eq!(client.next().await["type"], "complete");
}

fn text(message: &Value) -> Message {
    Message::text(message.to_string())
}

#[tokio::test]
async fn bad_messages_are_answered() {
    let limits = RealtimeLimits {
        message_bytes: 20_000,
        ..RealtimeLimits::default()
    };
    let stack = Stack::start(limits).await;
    let client = &mut stack.client().await;
    let bad = "BadRequestException";
    check(&stack, client, Message::text("no JSON"), None, bad).await;
    check(&stack, client, Message::text("[1]"), None, bad).await;
    check(&stack, client, Message::text(""), None, bad).await;
    check(&stack, client, Message::binary(vec![1, 2]), None, bad).await;
    check(&stack, client, Message::text("x".repeat(20_001)), None, bad).await;
    check(
        &stack,
        client,
        text(&json!({})),
        None,
        "UnsupportedOperation",
    )
    .await;
    check(
        &stack,
        client,
        text(&json!({"type": 5})),
        None,
        "UnsupportedOperation",
    )
    .await;
    check(
        &stack,
        client,
        text(&json!({"type": "publish", "id": "9"})),
        Some("9"),
        "UnsupportedOperation",
    )
    .await;
    check(
        &stack,
        client,
        text(&json!({"type": "x".repeat(5000)})),
        None,
        "UnsupportedOperation",
    )
    .await;

    stack.stop().await;
}

#[tokio::test]
async fn bad_starts_are_refused() {
    let stack = Stack::start(RealtimeLimits::default()).await;
    let client = &mut stack.client().await;
    let bad = "BadRequestException";
    check(&stack, client, text(&json!({"type": "start"})), None, bad).await;
    check(
        &stack,
        client,
        text(&json!({"type": "start", "id": ""})),
        None,
        bad,
    )
    .await;
    check(
        &stack,
        client,
        text(&json!({"type": "start", "id": 7})),
        None,
        bad,
    )
    .await;
    check(
        &stack,
        client,
        text(&json!({"type": "start", "id": "9"})),
        Some("9"),
        bad,
    )
    .await;
    let start = |data: Value, authorization: Value| {
        let payload = json!({"data": data, "extensions": {"authorization": authorization}});
        text(&json!({"type": "start", "id": "9", "payload": payload}))
    };
    let good = || Value::from(r#"{"query":"subscription"}"#);
    check(
        &stack,
        client,
        start(json!({"query": "s"}), stack.authorization()),
        Some("9"),
        bad,
    )
    .await;
    check(
        &stack,
        client,
        start("no JSON".into(), stack.authorization()),
        Some("9"),
        bad,
    )
    .await;
    check(
        &stack,
        client,
        start("{}".into(), stack.authorization()),
        Some("9"),
        bad,
    )
    .await;
    check(
        &stack,
        client,
        start(good(), json!({"a\nb": "c"})),
        Some("9"),
        bad,
    )
    .await;
    let unauthorized = "UnauthorizedException";
    check(
        &stack,
        client,
        start(good(), Value::Null),
        Some("9"),
        unauthorized,
    )
    .await;
    check(
        &stack,
        client,
        start(good(), json!({})),
        Some("9"),
        unauthorized,
    )
    .await;
    let expired =
        json!({"host": stack.host(), "Authorization": Pool::shared().fresh_access_token(-1)});
    check(
        &stack,
        client,
        start(good(), expired),
        Some("9"),
        unauthorized,
    )
    .await;
    let host = stack.host();
    let other_body = Signer {
        host: &host,
        ..Signer::fresh()
    }
    .header_json("{}");
    check(&stack, client, start(good(), other_body), Some("9"), bad).await;
    check(
        &stack,
        client,
        text(&stack.start_message("9", "forbidden")),
        Some("9"),
        "Unauthorized",
    )
    .await;

    stack.stop().await;
}

#[tokio::test]
async fn ids_are_counted() {
    let limits = RealtimeLimits {
        subscriptions: 3,
        ..RealtimeLimits::default()
    };
    let stack = Stack::start(limits).await;
    let client = &mut stack.client().await;
    // An unknown id is ignored: the answer to what follows is the next frame.
    client.send(json!({"type": "stop", "id": "unknown"})).await;
    client.send(json!({"type": "stop"})).await;
    client.start(&stack, "1", "a").await;
    check(
        &stack,
        client,
        text(&stack.start_message("1", "b")),
        Some("1"),
        "DuplicatedOperationError",
    )
    .await;
    client.start(&stack, "2", "a").await;
    client.start(&stack, "3", "a").await;
    client.send(stack.start_message("4", "a")).await;
    let frame = client.next().await;
    assert_eq!(
        (&frame["id"], &frame["payload"]["errors"][0]["errorType"]),
        (&json!("4"), &json!("MaxSubscriptionsReachedError"))
    );
    assert_eq!(stack.publish("a", "x"), 3);
    stack.stop().await;
}

#[tokio::test]
async fn a_start_may_be_signed() {
    let stack = Stack::start(RealtimeLimits::default()).await;
    let mut client = stack.client().await;
    let data_text = r#"{"query":"subscription","variables":{"sessionId":"a"}}"#;
    let host = stack.host();
    let authorization = Signer {
        host: &host,
        ..Signer::fresh()
    }
    .header_json(data_text);
    let payload = json!({"data": data_text, "extensions": {"authorization": authorization}});
    client
        .send(json!({"type": "start", "id": "1", "payload": payload}))
        .await;
    assert_eq!(client.next().await, json!({"type": "start_ack", "id": "1"}));
    stack.publish("a", "one");
    assert_eq!(client.next().await, data("1", "one"));
    stack.stop().await;
}

#[tokio::test]
async fn a_slow_start_delays_no_other_and_can_be_stopped() {
    let stack = Stack::start(RealtimeLimits::default()).await;
    let mut client = stack.client().await;
    client.send(stack.start_message("slow", "slow")).await;
    client.start(&stack, "1", "a").await;
    client.send(stack.start_message("slow", "a")).await;
    assert_eq!(
        client.next().await["payload"]["errors"][0]["errorType"],
        "DuplicatedOperationError"
    );
    client.send(json!({"type": "stop", "id": "slow"})).await;
    assert_eq!(
        client.next().await,
        json!({"type": "complete", "id": "slow"})
    );
    // The same id again, for another session, while the first is still being admitted.
    client.start(&stack, "slow", "b").await;
    stack.admit_slow.notify_one();
    stack.publish("b", "one");
    assert_eq!(client.next().await, data("slow", "one"));
    assert_eq!(stack.publish("slow", "never"), 0);
    // Events of the time before the acknowledgement aren't delivered, all after it are.
    client.send(stack.start_message("3", "slow")).await;
    stack.publish("slow", "early");
    stack.admit_slow.notify_one();
    assert_eq!(client.next().await, json!({"type": "start_ack", "id": "3"}));
    stack.publish("slow", "in time");
    assert_eq!(client.next().await, data("3", "in time"));
    stack.stop().await;
}

#[tokio::test]
async fn keep_alives_come_regularly() {
    let stack = Stack::start(RealtimeLimits {
        keep_alive: Duration::from_millis(20),
        ..RealtimeLimits::default()
    })
    .await;
    let mut client = stack.client().await;
    for _ in 0..3 {
        assert_eq!(client.next().await, json!({"type": "ka"}));
    }
    stack.stop().await;
}

#[tokio::test]
async fn a_token_that_expires_ends_no_subscription_but_refuses_the_next() {
    let stack = Stack::start(RealtimeLimits::default()).await;
    let mut client = stack.client().await;
    client.start(&stack, "1", "a").await;
    let second = stack.start_message("2", "a");
    stack.clock.advance(Duration::from_hours(2));
    stack.publish("a", "still");
    assert_eq!(client.next().await, data("1", "still"));
    client.send(second).await;
    assert_eq!(
        client.next().await["payload"]["errors"][0]["message"],
        "Token has expired."
    );
    // And a day after the connect its life is over.
    stack.clock.advance(Duration::from_hours(22));
    assert_eq!(client.closed().await, Some(1000));
    assert_eq!(stack.publish("a", "gone"), 0);
    stack.stop().await;
}

#[tokio::test]
async fn a_message_beyond_all_limits_closes() {
    let stack = Stack::start(RealtimeLimits::default()).await;
    let (mut sink, mut stream) = stack.client().await.socket.split();
    let message = Message::text("x".repeat(super::super::MAX_FRAME_BYTES + 1));
    // It isn't read to its end, so sending it may fail.
    let sending = tokio::spawn(async move { sink.send(message).await.is_ok() });
    let error = stream.next().await.expect("a frame").expect("a message");
    assert!(error.into_text().expect("text").contains("too long"));
    let close = stream.next().await.expect("a frame").expect("a message");
    let Message::Close(Some(close)) = close else {
        panic!("expected a close, got {close}")
    };
    assert_eq!(u16::from(close.code), 1009);
    drop(stream);
    sending.await.expect("no panic");
    stack.stop().await;
}

#[tokio::test]
async fn ends() {
    let stack = Stack::start(RealtimeLimits::default()).await;
    let mut dropped = stack.client().await;
    dropped.start(&stack, "1", "a").await;
    assert_eq!(stack.connections.drop_websockets(), 1);
    assert_eq!(dropped.closed().await, None);
    let mut closing = stack.client().await;
    closing.start(&stack, "1", "a").await;
    closing.send_raw(Message::Close(None)).await;
    closing.closed().await;
    let mut open = stack.client().await;
    open.start(&stack, "1", "a").await;
    let end = tokio::spawn(async move { open.closed().await });
    stack.stop().await;
    assert_eq!(end.await.expect("no panic"), Some(1001));
}
