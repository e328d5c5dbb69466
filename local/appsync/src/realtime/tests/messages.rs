//! The messages of a connection.

use super::*;
use crate::test_support::Signer;

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
    // The id may be used again.
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

/// Sends messages that are refused, and checks that the connection stays usable.
struct Probe<'a> {
    stack: &'a Stack,
    client: Client,
}

impl Probe<'_> {
    async fn text(&mut self, message: &str, id: Option<&str>, error_type: &str) {
        self.check(Message::text(message), id, error_type).await;
    }

    async fn json(&mut self, message: Value, id: Option<&str>, error_type: &str) {
        self.text(&message.to_string(), id, error_type).await;
    }

    /// A start with the id 9.
    async fn start(&mut self, data: Value, authorization: Value, error_type: &str) {
        let payload = json!({ "data": data, "extensions": { "authorization": authorization } });
        let message = json!({ "type": "start", "id": "9", "payload": payload });
        self.json(message, Some("9"), error_type).await;
    }

    async fn check(&mut self, message: Message, id: Option<&str>, error_type: &str) {
        let shown: String = message.to_string().chars().take(80).collect();
        self.client.send_raw(message).await;
        let frame = self.client.next().await;
        let error = &frame["payload"]["errors"][0];
        let got = (
            frame["type"].as_str(),
            frame.get("id").and_then(Value::as_str),
            error["errorType"].as_str(),
        );
        assert_eq!(got, (Some("error"), id, Some(error_type)), "{shown}");
        assert!(error["message"].is_string());
        self.client.start(self.stack, "probe", "a").await;
        self.client
            .send(json!({"type": "stop", "id": "probe"}))
            .await;
        assert_eq!(self.client.next().await["type"], "complete");
    }
}

const BAD: &str = "BadRequestException";
const UNAUTHORIZED: &str = "UnauthorizedException";
const UNSUPPORTED: &str = "UnsupportedOperation";

#[tokio::test]
async fn bad_messages_are_answered() {
    let limits = RealtimeLimits {
        message_bytes: 20_000,
        ..RealtimeLimits::default()
    };
    let stack = Stack::start(limits).await;
    let client = stack.client().await;
    let stack = &stack;
    let mut probe = Probe { stack, client };
    probe.text("no JSON", None, BAD).await;
    probe.text("[1]", None, BAD).await;
    probe.text("", None, BAD).await;
    probe.text(&"x".repeat(20_001), None, BAD).await;
    probe.check(Message::binary(vec![1, 2]), None, BAD).await;
    probe.json(json!({}), None, UNSUPPORTED).await;
    probe.json(json!({"type": 5}), None, UNSUPPORTED).await;
    probe
        .json(json!({"type": "publish"}), None, UNSUPPORTED)
        .await;
    let identified = json!({"type": "publish", "id": "9"});
    probe.json(identified, Some("9"), UNSUPPORTED).await;
    let long = json!({"type": "x".repeat(5000)});
    probe.json(long, None, UNSUPPORTED).await;
    probe.json(json!({"type": "start"}), None, BAD).await;
    probe
        .json(json!({"type": "start", "id": ""}), None, BAD)
        .await;
    probe
        .json(json!({"type": "start", "id": 7}), None, BAD)
        .await;
    let bare = json!({"type": "start", "id": "9"});
    probe.json(bare, Some("9"), BAD).await;
}

#[tokio::test]
async fn bad_starts_are_refused() {
    let stack = Stack::start(RealtimeLimits::default()).await;
    let client = stack.client().await;
    let mut probe = Probe {
        stack: &stack,
        client,
    };
    let good = || Value::from(r#"{"query":"subscription"}"#);
    let user = || stack.authorization();
    probe.start(json!({"query": "s"}), user(), BAD).await;
    probe.start("no JSON".into(), user(), BAD).await;
    probe.start("{}".into(), user(), BAD).await;
    probe.start(good(), json!({"a\nb": "c"}), BAD).await;
    probe.start(good(), Value::Null, UNAUTHORIZED).await;
    probe.start(good(), json!({}), UNAUTHORIZED).await;
    let token = Pool::shared().fresh_access_token(-1);
    let expired = json!({"host": stack.host(), "Authorization": token});
    probe.start(good(), expired, UNAUTHORIZED).await;
    let host = stack.host();
    let signer = Signer {
        host: &host,
        ..Signer::fresh()
    };
    probe.start(good(), signer.header_json("{}"), BAD).await;
    let forbidden = stack.start_message("9", "forbidden");
    probe.json(forbidden, Some("9"), "Unauthorized").await;
    drop(probe);
    stack.stop().await;
}

#[tokio::test]
async fn ids_are_counted() {
    let limits = RealtimeLimits {
        subscriptions: 3,
        ..RealtimeLimits::default()
    };
    let stack = Stack::start(limits).await;
    let mut client = stack.client().await;
    // An unknown id is ignored, so the next frame is the response to the next message.
    client.send(json!({"type": "stop", "id": "unknown"})).await;
    client.send(json!({"type": "stop"})).await;
    client.start(&stack, "1", "a").await;
    client.send(stack.start_message("1", "b")).await;
    let frame = client.next().await;
    let error = &frame["payload"]["errors"][0];
    assert_eq!(frame["id"], "1");
    assert_eq!(error["errorType"], "DuplicatedOperationError");
    client.start(&stack, "2", "a").await;
    client.start(&stack, "3", "a").await;
    client.send(stack.start_message("4", "a")).await;
    let frame = client.next().await;
    // One object, where other errors are in an array.
    let error = json!({
        "errorType": "MaxSubscriptionsReachedError", "message": "Max number of 3 subscriptions reached",
    });
    let refused = json!({ "type": "error", "id": "4", "payload": { "errors": error } });
    assert_eq!(frame, refused);
    assert_eq!(stack.publish("a", "x"), 3);
    client.send(json!({"type": "stop", "id": "2"})).await;
    for id in ["1", "2", "3"] {
        assert_eq!(client.next().await, data(id, "x"));
    }
    assert_eq!(client.next().await["type"], "complete");
    client.start(&stack, "4", "a").await;
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
    // The same id again, for another session, while the first start is still being admitted.
    client.start(&stack, "slow", "b").await;
    stack.admit_slow.notify_one();
    stack.publish("b", "one");
    assert_eq!(client.next().await, data("slow", "one"));
    assert_eq!(stack.publish("slow", "never"), 0);
    // Events from before the acknowledgement aren't delivered; all events after it are.
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
async fn a_token_that_expires_ends_its_subscription_and_refuses_the_next() {
    let stack = Stack::start(RealtimeLimits::default()).await;
    let mut client = stack.client().await;
    client.start(&stack, "1", "a").await;
    let second = stack.start_message("2", "a");
    stack.clock.advance(Duration::from_mins(59));
    stack.publish("a", "still");
    assert_eq!(client.next().await, data("1", "still"));
    stack.clock.advance(Duration::from_mins(61));
    let expired = json!({ "errors": [{
        "errorType": "UnauthorizedException", "message": "Token has expired.",
    }] });
    let ended = json!({ "type": "error", "id": "1", "payload": expired });
    assert_eq!(client.next().await, ended);
    assert_eq!(stack.publish("a", "unheard"), 0);
    client.send(second).await;
    assert_eq!(client.next().await["payload"], expired);
    // The connection and the id can still be used with a newer token.
    client.send(json!({"type": "stop", "id": "1"})).await;
    let mut renewed = stack.start_message("1", "a");
    // Valid even after the clock was advanced by some hours.
    let token = Pool::shared().fresh_access_token(48 * 3600);
    renewed["payload"]["extensions"]["authorization"]["Authorization"] = token.into();
    client.send(renewed).await;
    assert_eq!(client.next().await, json!({"type": "start_ack", "id": "1"}));
    stack.publish("a", "again");
    assert_eq!(client.next().await, data("1", "again"));
    // A day after the connect, its lifetime is over.
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
    // The server doesn't read it to its end, so sending it may fail.
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
