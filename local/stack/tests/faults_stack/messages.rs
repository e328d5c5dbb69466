//! Messages that are delivered twice.

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use local_faults::{Fault, FaultService};

use crate::stack::{Stack, rule, within};

async fn receive(stack: &Stack, wait_s: i32) -> Vec<Message> {
    let receive = stack.sqs().receive_message().queue_url(&stack.queue_url);
    let received = receive
        .wait_time_seconds(wait_s)
        .max_number_of_messages(10)
        .message_system_attribute_names(MessageSystemAttributeName::All)
        .send();
    let received = within(received).await.expect("an answer");
    received.messages.unwrap_or_default()
}

#[tokio::test]
async fn a_message_is_delivered_again_while_it_is_in_flight() {
    let duplicate = rule(FaultService::Sqs, "ReceiveMessage", Fault::Duplicate);
    let stack = Stack::with(duplicate.times(1).containing("twice")).await;
    stack.send("once").await.expect("sent");
    stack.send("twice").await.expect("sent");
    // One of them already waits when the other receives.
    let (first, second) = tokio::join!(receive(&stack, 20), receive(&stack, 20));
    let mut all: Vec<Message> = first.into_iter().chain(second).collect();
    while all.len() < 3 {
        all.extend(receive(&stack, 1).await);
    }
    let twice: Vec<&Message> = all
        .iter()
        .filter(|message| message.body() == Some("twice"))
        .collect();
    assert_eq!((all.len(), twice.len()), (3, 2));
    assert_eq!(twice[0].message_id(), twice[1].message_id());
    assert_ne!(twice[0].receipt_handle(), twice[1].receipt_handle());
    let count = MessageSystemAttributeName::ApproximateReceiveCount;
    let mut counts: Vec<&str> = twice
        .iter()
        .map(|message| message.attributes().expect("some")[&count].as_str())
        .collect();
    counts.sort_unstable();
    assert_eq!(counts, ["1", "2"]);
    assert_eq!(receive(&stack, 0).await, [], "now both are in flight");
    assert_eq!(stack.counts(), [2, 1]);
    stack.stop().await;
}
