//! What a message carries, and what a batch returns.

use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, MessageAttributeValue, MessageSystemAttributeName,
    SendMessageBatchRequestEntry,
};
use serde_json::json;

use crate::stack::{Stack, attribute, handle};

#[tokio::test]
async fn a_message_comes_as_it_was_sent_with_its_digests() {
    let stack = Stack::start().await;
    let text = |kind: &str, value: &str| {
        MessageAttributeValue::builder()
            .data_type(kind)
            .string_value(value)
            .build()
            .expect("an attribute")
    };
    let blob = MessageAttributeValue::builder()
        .data_type("Binary.png")
        .binary_value(Blob::new([0, 1, 2]));
    let sent = stack
        .client
        .send_message()
        .queue_url(&stack.url)
        .message_body("hello")
        .message_group_id("owner")
        .message_attributes("timestamp", text("Number", "1493147359900"))
        .message_attributes("name", text("String", "Mäander"))
        .message_attributes("blob", blob.build().expect("an attribute"))
        .send()
        .await
        .expect("sent");
    assert_eq!(
        sent.md5_of_message_body(),
        Some("5d41402abc4b2a76b9719d911017c592")
    );

    let message = stack.receive(&stack.url).await.expect("a message");
    assert_eq!(message.body(), Some("hello"));
    assert_eq!(message.message_id(), sent.message_id());
    assert_eq!(message.md5_of_body(), sent.md5_of_message_body());
    assert_eq!(
        message.md5_of_message_attributes(),
        sent.md5_of_message_attributes()
    );
    assert_eq!(message.message_attributes().expect("attributes").len(), 3);
    assert_eq!(
        attribute(&message, &MessageSystemAttributeName::MessageGroupId),
        "owner"
    );
    assert_eq!(
        attribute(
            &message,
            &MessageSystemAttributeName::ApproximateReceiveCount
        ),
        "1"
    );
    stack.stop().await;
}

#[tokio::test]
async fn the_digest_of_attributes_covers_those_that_were_asked_for() {
    let stack = Stack::start().await;
    let number = json!({ "DataType": "Number", "StringValue": "1493147359900" });
    let other = json!({ "DataType": "String", "StringValue": "x" });
    let sent = json!({
        "QueueUrl": stack.url, "MessageBody": "b",
        "MessageAttributes": { "timestamp": number, "other": other },
    });
    stack.post("SendMessage", &sent).await;
    let asked = json!({ "QueueUrl": stack.url, "MessageAttributeNames": ["time.*"] });
    let (_, _, answer) = stack.post("ReceiveMessage", &asked).await;
    let message = &answer["Messages"][0];
    // Computed by the developer guide's algorithm, without this code.
    assert_eq!(
        message["MD5OfMessageAttributes"],
        "235c5c510d26fb653d073faed50ae77c"
    );
    assert_eq!(message["MessageAttributes"], json!({ "timestamp": number }));
    assert!(message.get("Attributes").is_none(), "none were asked for");
    stack.stop().await;
}

#[tokio::test]
async fn a_batch_succeeds_and_fails_entry_by_entry() {
    let stack = Stack::start().await;
    let entry = |id: &str, body: &str| {
        SendMessageBatchRequestEntry::builder()
            .id(id)
            .message_body(body)
            .build()
            .expect("an entry")
    };
    let request = stack.client.send_message_batch().queue_url(&stack.url);
    let answer = request
        .entries(entry("good", "a"))
        .entries(entry("bad", "\u{1}"))
        .send()
        .await
        .expect("answered");
    assert_eq!(
        answer
            .successful()
            .iter()
            .map(aws_sdk_sqs::types::SendMessageBatchResultEntry::id)
            .collect::<Vec<_>>(),
        ["good"]
    );
    assert_eq!(answer.failed()[0].code(), "InvalidMessageContents");
    assert!(answer.failed()[0].sender_fault());

    let message = stack.receive(&stack.url).await.expect("a message");
    let entry = |id: &str, handle: &str| {
        DeleteMessageBatchRequestEntry::builder()
            .id(id)
            .receipt_handle(handle)
            .build()
            .expect("an entry")
    };
    let delete = stack
        .client
        .delete_message_batch()
        .queue_url(&stack.url)
        .entries(entry("1", &handle(&message)));
    let deleted = delete
        .entries(entry("2", "garbage"))
        .send()
        .await
        .expect("answered");
    assert_eq!(deleted.successful()[0].id(), "1");
    assert_eq!(deleted.failed()[0].code(), "ReceiptHandleIsInvalid");
    stack.stop().await;
}
