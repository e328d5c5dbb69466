//! Frames that are dropped, repeated, delayed or reordered, and sockets that are cut.

use std::time::Duration;

use local_faults::{ErrorShape, Fault, FaultService, FrameId, Rule, SubscriptionError};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite;

use crate::stack::{Stack, rule};
use crate::subscriber::Subscriber;

fn data(fault: Fault) -> Rule {
    rule(FaultService::Realtime, "data", fault)
}

/// What a subscriber gets of `abcdef!`, each letter an event, until its socket ends.
async fn received(rule: Rule) -> String {
    let stack = Stack::with(rule).await;
    let token = stack.token().await;
    let mut subscriber = Subscriber::connect(&stack, &token)
        .await
        .expect("connected");
    for text in ["a", "b", "c", "d", "e", "f", "!"] {
        let answer = stack.publish(&token, text).await;
        assert_eq!(answer["data"]["publish"]["token"], text, "{answer}");
    }
    let got = subscriber.tokens_until("!").await;
    drop(subscriber);
    stack.stop().await;
    got
}

#[tokio::test]
async fn frames_get_lost() {
    assert_eq!(received(data(Fault::Drop).after(1).times(2)).await, "adef!");
}

#[tokio::test]
async fn frames_come_again() {
    let twice = Fault::Repeat { times: 2 };
    assert_eq!(received(data(twice).after(2).times(1)).await, "abcccdef!");
}

#[tokio::test]
async fn frames_change_places() {
    let reorder = |window, within_ms| data(Fault::Reorder { window, within_ms }).times(4);
    let got = received(reorder(4, 10_000)).await;
    assert_eq!(&got[4..], "ef!");
    let mut moved: Vec<char> = got[..4].chars().collect();
    assert_ne!(moved, ['a', 'b', 'c', 'd']);
    assert_eq!(
        received(reorder(4, 10_000)).await,
        got,
        "the seed repeats it"
    );
    moved.sort_unstable();
    assert_eq!(moved, ['a', 'b', 'c', 'd'], "none is lost");
    let few = Fault::Reorder {
        window: 100,
        within_ms: 50,
    };
    assert_eq!(
        received(data(few).after(6)).await,
        "abcdef!",
        "a window that never fills"
    );
}

#[tokio::test]
async fn a_late_frame_is_overtaken_and_equally_late_ones_are_not() {
    let late = Fault::Delay { ms: 400 };
    let got = received(data(late.clone()).containing("\"!\"")).await;
    assert_eq!(got, "abcdef!");
    let got = received(data(late)).await;
    assert_eq!(got, "abcdef!");
}

#[tokio::test]
async fn a_socket_is_cut_at_a_frame() {
    let stack = Stack::with(data(Fault::Disconnect).after(2).times(1)).await;
    let token = stack.token().await;
    let mut subscriber = Subscriber::connect(&stack, &token)
        .await
        .expect("connected");
    for text in ["a", "b", "c", "d"] {
        stack.publish(&token, text).await;
    }
    assert_eq!(subscriber.tokens_until("d").await, "ab");
    let mut again = Subscriber::connect(&stack, &token)
        .await
        .expect("connected");
    stack.publish(&token, "e").await;
    assert_eq!(again.tokens_until("e").await, "e");
    drop((subscriber, again));
    stack.stop().await;
}

fn error(shape: ErrorShape, id: FrameId) -> SubscriptionError {
    SubscriptionError {
        shape,
        id,
        ..SubscriptionError::new("LimitExceededError", "Rate limit exceeded")
    }
}

/// What a client gets for a rule's error, in place of the acknowledgement and in place of an event.
async fn check_error(error: SubscriptionError, expected: Value) {
    let stack = Stack::start().await;
    let token = stack.token().await;
    let mut subscriber = Subscriber::connect(&stack, &token)
        .await
        .expect("connected");
    let ends = data(Fault::SubscriptionError(error.clone())).after(1);
    stack.set(ends.times(1));
    for text in ["a", "b", "c"] {
        stack.publish(&token, text).await;
    }
    assert_eq!(
        subscriber.tokens_until_error().await,
        ("a".to_owned(), expected.clone())
    );
    assert_eq!(
        stack.counts(),
        [2, 1],
        "an ended subscription hears nothing more"
    );

    // The same id again, on the same socket.
    let refused = rule(
        FaultService::Realtime,
        "start",
        Fault::SubscriptionError(error),
    );
    stack.set(refused.containing("onEvent").times(1));
    subscriber.start(&stack, &token).await.expect("sent");
    assert_eq!(
        subscriber.tokens_until_error().await,
        (String::new(), expected)
    );
    subscriber.start(&stack, &token).await.expect("sent");
    let acknowledged = subscriber.next().await.expect("a frame");
    assert_eq!(acknowledged, json!({ "type": "start_ack", "id": "1" }));
    assert_eq!(stack.counts(), [2, 1]);
    stack.publish(&token, "d").await;
    assert_eq!(subscriber.tokens_until("d").await, "d");
    drop(subscriber);
    stack.stop().await;
}

#[tokio::test]
async fn a_subscription_ends_with_an_error_of_each_shape() {
    let whole = json!({ "errorType": "LimitExceededError", "message": "Rate limit exceeded" });
    let array = json!({ "errors": [whole] });
    let object = json!({ "errors": whole });
    let bare = json!({ "errorType": "LimitExceededError" });
    let frame = |payload: &Value| json!({ "type": "error", "payload": payload });
    let with_id = |payload: &Value, id: &str| {
        let mut frame = frame(payload);
        frame["id"] = id.into();
        frame
    };
    for (shape, id, expected) in [
        (ErrorShape::Array, FrameId::Own, with_id(&array, "1")),
        (ErrorShape::Array, FrameId::Empty, with_id(&array, "")),
        (ErrorShape::Object, FrameId::Own, with_id(&object, "1")),
        (ErrorShape::Object, FrameId::None, frame(&object)),
        (ErrorShape::ErrorType, FrameId::Own, with_id(&bare, "1")),
        (ErrorShape::ErrorType, FrameId::Empty, with_id(&bare, "")),
    ] {
        check_error(error(shape, id), expected).await;
    }
}

#[tokio::test]
async fn a_start_is_never_answered() {
    let hang = rule(FaultService::Realtime, "start", Fault::Hang);
    let stack = Stack::start().await;
    let token = stack.token().await;
    let mut subscriber = Subscriber::connect(&stack, &token)
        .await
        .expect("connected");
    stack.set(hang.times(1));
    subscriber
        .start_as(&stack, &token, "2")
        .await
        .expect("sent");
    crate::stack::eventually(async || (stack.counts() == [1, 1]).then_some(())).await;
    stack.publish(&token, "a").await;
    assert_eq!(subscriber.tokens_until("a").await, "a");
    drop(subscriber);
    stack.stop().await;
}

#[tokio::test]
async fn a_subscription_ends_with_its_token() {
    let stack = Stack::start().await;
    let token = stack.token().await;
    let mut subscriber = Subscriber::connect(&stack, &token)
        .await
        .expect("connected");
    stack.local.clock().advance(Duration::from_hours(1));
    let (_, ended) = subscriber.tokens_until_error().await;
    let expired = json!({ "errorType": "UnauthorizedException", "message": "Token has expired." });
    let payload = json!({ "errors": [expired] });
    assert_eq!(
        ended,
        json!({ "type": "error", "id": "1", "payload": payload })
    );
    let renewed = stack.token().await;
    subscriber.start(&stack, &renewed).await.expect("sent");
    let acknowledged = subscriber.next().await.expect("a frame");
    assert_eq!(acknowledged, json!({ "type": "start_ack", "id": "1" }));
    stack.publish(&renewed, "a").await;
    assert_eq!(subscriber.tokens_until("a").await, "a");
    drop(subscriber);
    stack.stop().await;
}

#[tokio::test]
async fn a_connection_has_a_hundred_subscriptions() {
    let stack = Stack::start().await;
    let token = stack.token().await;
    let mut subscriber = Subscriber::connect(&stack, &token)
        .await
        .expect("connected");
    for number in 2..=101 {
        subscriber
            .start_as(&stack, &token, &number.to_string())
            .await
            .expect("sent");
    }
    let mut acknowledged = 1;
    let refused = loop {
        let frame = subscriber.next().await.expect("a frame");
        match frame["type"].as_str() {
            Some("start_ack") => acknowledged += 1,
            Some("error") => break frame,
            _ => {}
        }
    };
    let error = json!({
        "errorType": "MaxSubscriptionsReachedError", "message": "Max number of 100 subscriptions reached",
    });
    let payload = json!({ "errors": error });
    assert_eq!(
        refused,
        json!({ "type": "error", "id": "101", "payload": payload })
    );
    while acknowledged < 100 {
        let frame = subscriber.next().await.expect("a frame");
        acknowledged += usize::from(frame["type"] == "start_ack");
    }
    drop(subscriber);
    stack.stop().await;
}

#[tokio::test]
async fn connects_are_refused_and_an_outage_cuts_sockets() {
    let connect = |fault| rule(FaultService::Realtime, "connect", fault);
    let stack = Stack::start().await;
    let token = stack.token().await;
    let mut subscriber = Subscriber::connect(&stack, &token)
        .await
        .expect("connected");
    stack.set(connect(Fault::error("TooManyRequestsException")).times(1));
    match Subscriber::connect(&stack, &token).await.err() {
        Some(tungstenite::Error::Http(response)) => assert_eq!(response.status(), 429),
        other => panic!("expected an HTTP error, got {other:?}"),
    }
    stack.set(connect(Fault::Unavailable { for_ms: None }));
    let refused = Subscriber::connect(&stack, &token).await;
    assert!(refused.is_err(), "reset");
    assert_eq!(subscriber.tokens_until("x").await, "");
    stack.stop().await;
}

#[tokio::test]
async fn what_is_published_and_delivered_is_counted() {
    let stack = Stack::start().await;
    let token = stack.token().await;
    let connect = || Subscriber::connect(&stack, &token);
    let mut first = connect().await.expect("connected");
    let mut second = connect().await.expect("connected");
    for text in ["a", "!"] {
        stack.publish(&token, text).await;
    }
    assert_eq!(first.tokens_until("!").await, "a!");
    assert_eq!(second.tokens_until("!").await, "a!");
    let usage = stack.local.usage();
    assert_eq!(usage.of("realtime", "connect").count, 2);
    assert_eq!(usage.of("realtime", "start").count, 2);
    let delivered = usage.of("realtime", "data");
    assert_eq!((delivered.count, delivered.units), (4, 4));
    assert!(delivered.bytes_out > 4);
    let published = usage.of("appsync", "publish");
    assert_eq!(published.count, 2);
    assert!(published.bytes_in > 0 && published.bytes_out > 0);
    let query = json!({ "query": "{ nonsense }" });
    stack.graphql(&token, &query).await.expect("answered");
    assert_eq!(usage.of("appsync", "error").count, 1);
    stack.send("x").await.expect("sent");
    assert_eq!(usage.of("sqs", "SendMessage").count, 1);
    drop((first, second));
    let lasted = async || {
        let lasted_ms = usage.of("realtime", "connect").duration_ms;
        (lasted_ms > 0).then_some(())
    };
    crate::stack::eventually(lasted).await;
    stack.stop().await;
}
