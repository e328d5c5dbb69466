//! Loops: a function sends a message that leads, directly or through other functions, to its own next invocation.
//!
//! After about 16 hops Lambda drops the invocation, and the message goes to the queue's dead-letter queue.

use aws_sdk_sqs::error::DisplayErrorContext;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName as Name};

use super::poller::Mapping;
use crate::trace::TraceHeader;

/// Splits messages into those to invoke the function for, and those that a loop sent.
pub(super) fn split(messages: Vec<Message>, function_arn: &str) -> (Vec<Message>, Vec<Message>) {
    let is_loop = |message: &Message| trace_of(message).is_some_and(|it| it.is_loop(function_arn));
    messages.into_iter().partition(|message| !is_loop(message))
}

/// The X-Ray header for an invocation with all these messages: the one that passed the function most often.
pub(super) fn cause(messages: &[Message], function_arn: &str) -> Option<TraceHeader> {
    let traces = messages.iter().filter_map(trace_of);
    traces.max_by_key(|trace| trace.hops(function_arn))
}

fn trace_of(message: &Message) -> Option<TraceHeader> {
    TraceHeader::parse(attribute(message, &Name::AwsTraceHeader)?)
}

fn attribute<'a>(message: &'a Message, name: &Name) -> Option<&'a str> {
    message.attributes()?.get(name).map(String::as_str)
}

impl Mapping {
    /// Moves a message to the dead-letter queue. Without such a queue the message stays, and is received again when its
    /// visibility timeout ends.
    pub(super) async fn drop_loop(&self, message: Message) {
        let (queue, function) = (&self.config.queue, &self.config.function);
        let message_id = message.message_id().unwrap_or_default();
        tracing::warn!(
            queue,
            function,
            message_id,
            "RecursiveInvocationsDropped: the function sends to the queue that invokes it"
        );
        let Some(dead_letters) = &self.queue.dead_letters else {
            return;
        };
        let group = attribute(&message, &Name::MessageGroupId).map(str::to_owned);
        let copy = self
            .client
            .send_message()
            .queue_url(dead_letters)
            .set_message_body(message.body.clone())
            .set_message_attributes(message.message_attributes.clone())
            .set_message_group_id(group);
        if let Err(error) = copy.send().await {
            let error = DisplayErrorContext(&error);
            return tracing::warn!(queue, %error, "a loop's message is not moved");
        }
        let delete = self.client.delete_message().queue_url(&self.queue.url);
        let handle = message.receipt_handle.clone();
        if let Err(error) = delete.set_receipt_handle(handle).send().await {
            let error = DisplayErrorContext(&error);
            tracing::warn!(queue, %error, "a loop's message is not deleted");
        }
    }
}
