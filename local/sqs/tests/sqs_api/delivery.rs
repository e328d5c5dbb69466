//! When a message is visible, how often it is received, and by whom.

use std::time::Duration;

use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::types::MessageSystemAttributeName;
use local_sqs::testing::counts;

use crate::stack::{Stack, attribute, handle};

#[tokio::test]
async fn a_message_is_received_again_after_its_visibility_and_dead_lettered_after_two_receives() {
    let stack = Stack::start().await;
    let id = stack.send("job").await;
    for count in ["1", "2"] {
        let message = stack.receive(&stack.url).await.expect("visible");
        assert_eq!(
            attribute(
                &message,
                &MessageSystemAttributeName::ApproximateReceiveCount
            ),
            count
        );
        assert!(stack.receive(&stack.url).await.is_none(), "in flight");
        assert_eq!(counts(&stack.client, &stack.url).await, [0, 1, 0]);
        stack.clock.advance(Duration::from_secs(30));
    }
    assert_eq!(counts(&stack.client, &stack.dead_url).await, [0, 0, 0]);
    assert!(stack.receive(&stack.url).await.is_none(), "moved");
    assert_eq!(counts(&stack.client, &stack.url).await, [0, 0, 0]);
    let dead = stack.receive(&stack.dead_url).await.expect("moved here");
    assert_eq!(
        (dead.message_id(), dead.body()),
        (Some(id.as_str()), Some("job"))
    );
    assert_eq!(
        attribute(&dead, &MessageSystemAttributeName::DeadLetterQueueSourceArn),
        stack.endpoints.queue_arn("jobs")
    );
    stack.stop().await;
}

#[tokio::test]
async fn a_long_poll_wakes_when_a_message_arrives_or_becomes_visible() {
    let stack = Stack::start().await;
    let poll = || {
        let request = stack
            .client
            .receive_message()
            .queue_url(&stack.url)
            .wait_time_seconds(20)
            .send();
        tokio::spawn(request)
    };
    let poll_and = async |what: &str| {
        let polled = tokio::time::timeout(Duration::from_secs(5), poll())
            .await
            .expect(what);
        polled
            .expect("no panic")
            .expect("received")
            .messages
            .unwrap_or_default()
            .pop()
    };

    let waiting = poll();
    stack.send("arrives").await;
    let message = tokio::time::timeout(Duration::from_secs(5), waiting)
        .await
        .expect("woken")
        .expect("no panic");
    let message = message
        .expect("received")
        .messages
        .unwrap_or_default()
        .pop()
        .expect("a message");

    let waiting = poll();
    let change = stack
        .client
        .change_message_visibility()
        .queue_url(&stack.url)
        .receipt_handle(handle(&message));
    change.visibility_timeout(0).send().await.expect("changed");
    let again = tokio::time::timeout(Duration::from_secs(5), waiting)
        .await
        .expect("woken")
        .expect("no panic");
    let again = again
        .expect("received")
        .messages
        .unwrap_or_default()
        .pop()
        .expect("the message again");
    let delete = stack
        .client
        .delete_message()
        .queue_url(&stack.url)
        .receipt_handle(handle(&again));
    delete.send().await.expect("deleted");

    let delayed = stack
        .client
        .send_message()
        .queue_url(&stack.url)
        .message_body("later")
        .delay_seconds(900);
    delayed.send().await.expect("sent");
    assert_eq!(counts(&stack.client, &stack.url).await, [0, 0, 1]);
    stack.clock.advance(Duration::from_mins(15));
    assert_eq!(
        poll_and("the delay has ended")
            .await
            .expect("a message")
            .body(),
        Some("later")
    );
    stack.stop().await;
}

#[tokio::test]
async fn handles_belong_to_one_receive() {
    let stack = Stack::start().await;
    stack.send("job").await;
    let first = handle(&stack.receive(&stack.url).await.expect("a message"));
    stack.clock.advance(Duration::from_secs(30));

    let change = |handle: &str| {
        let request = stack
            .client
            .change_message_visibility()
            .queue_url(&stack.url)
            .receipt_handle(handle);
        request.visibility_timeout(60).send()
    };
    let code = |error: &dyn ProvideErrorMetadata| error.code().unwrap_or_default().to_owned();
    let error = change(&first).await.expect_err("visible by now");
    assert_eq!(code(&error), "AWS.SimpleQueueService.MessageNotInflight");

    let second = handle(&stack.receive(&stack.url).await.expect("again"));
    assert_ne!(first, second);
    assert_eq!(
        code(&change(&first).await.expect_err("an older receive")),
        "InvalidParameterValue"
    );
    let delete = |handle: &str| {
        stack
            .client
            .delete_message()
            .queue_url(&stack.url)
            .receipt_handle(handle)
            .send()
    };
    delete(&first).await.expect("succeeds, and deletes nothing");
    assert_eq!(counts(&stack.client, &stack.url).await, [0, 1, 0]);
    change(&second).await.expect("in flight");
    stack.clock.advance(Duration::from_secs(59));
    assert_eq!(counts(&stack.client, &stack.url).await, [0, 1, 0]);
    delete(&second).await.expect("deletes");
    delete(&second).await.expect("succeeds again");
    assert_eq!(counts(&stack.client, &stack.url).await, [0, 0, 0]);
    assert_eq!(
        code(&change(&second).await.expect_err("gone")),
        "InvalidParameterValue"
    );
    assert_eq!(
        code(&delete("garbage").await.expect_err("no handle")),
        "ReceiptHandleIsInvalid"
    );
    stack.stop().await;
}
