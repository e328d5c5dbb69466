//! One poller: takes a permit, receives messages, and runs the batch in a task of its own.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::error::DisplayErrorContext;
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName, QueueAttributeName,
};
use bytes::Bytes;
use local_kit::clock::Clock;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::event::{Batch, Item, batches};
use super::loops;
use super::outcome::failures;
use crate::config::EventSourceConfig;
use crate::error::Failure;
use crate::faults;
use crate::service::Lambda;
use crate::trace::TraceHeader;

/// The limit of `ReceiveMessage` and of `DeleteMessageBatch`.
const MAX_PER_CALL: usize = 10;
/// The longest long poll.
const MAX_WAIT_S: i32 = 20;
/// Lambda's limit on an event, minus room for the list around the records.
const MAX_EVENT_BYTES: usize = 6_291_456 - 64;

const FIRST_PAUSE_MS: i64 = 100;
const LONGEST_PAUSE_MS: i64 = 5_000;

#[derive(Debug)]
pub(super) struct Mapping {
    pub(super) config: EventSourceConfig,
    pub(super) queue: Queue,
    pub(super) region: String,
    pub(super) lambda: Lambda,
    pub(super) client: aws_sdk_sqs::Client,
    pub(super) clock: Clock,
    pub(super) permits: Arc<Semaphore>,
    pub(super) tracker: TaskTracker,
    pub(super) closing: CancellationToken,
    pub(super) abandoning: CancellationToken,
}

#[derive(Debug)]
pub(super) struct Queue {
    pub(super) url: String,
    arn: String,
    /// The URL of the queue's dead-letter queue.
    pub(super) dead_letters: Option<String>,
    pub(super) visibility: Duration,
}

pub(super) async fn find_queue(
    client: &aws_sdk_sqs::Client,
    name: &str,
) -> Result<Queue, aws_sdk_sqs::Error> {
    let found = client.get_queue_url().queue_name(name).send().await?;
    let url = found.queue_url().unwrap_or_default().to_owned();
    let wanted = [
        QueueAttributeName::VisibilityTimeout,
        QueueAttributeName::QueueArn,
        QueueAttributeName::RedrivePolicy,
    ];
    let answer = client
        .get_queue_attributes()
        .queue_url(&url)
        .set_attribute_names(Some(wanted.into()))
        .send()
        .await?;
    let attribute = |name| {
        answer
            .attributes()
            .and_then(|attributes| attributes.get(&name))
            .cloned()
    };
    let visibility_s =
        attribute(QueueAttributeName::VisibilityTimeout).and_then(|text| text.parse().ok());
    let dead_letters = match attribute(QueueAttributeName::RedrivePolicy) {
        Some(policy) => find_dead_letters(client, &policy).await?,
        None => None,
    };
    Ok(Queue {
        url,
        dead_letters,
        arn: attribute(QueueAttributeName::QueueArn).unwrap_or_default(),
        visibility: Duration::from_secs(visibility_s.unwrap_or(30)),
    })
}

async fn find_dead_letters(
    client: &aws_sdk_sqs::Client,
    redrive_policy: &str,
) -> Result<Option<String>, aws_sdk_sqs::Error> {
    let policy: serde_json::Value = serde_json::from_str(redrive_policy).unwrap_or_default();
    let arn = policy["deadLetterTargetArn"].as_str().unwrap_or_default();
    let Some(name) = arn.rsplit(':').next().filter(|name| !name.is_empty()) else {
        return Ok(None);
    };
    let found = client.get_queue_url().queue_name(name).send().await?;
    Ok(found.queue_url)
}

/// Polls until the mapping closes. A poll that is cancelled then may leave a message in flight until its visibility
/// timeout ends.
pub(super) async fn poll(mapping: Arc<Mapping>) {
    let closing = mapping.closing.clone();
    closing.run_until_cancelled(poll_forever(mapping)).await;
}

async fn poll_forever(mapping: Arc<Mapping>) {
    let mut pause_ms = FIRST_PAUSE_MS;
    loop {
        // Taken before the receive: while nobody can work on a message, it should stay in the queue.
        let Ok(permit) = Arc::clone(&mapping.permits).acquire_owned().await else {
            return;
        };
        let received_ms = mapping.clock.now_ms();
        match mapping.receive().await {
            Ok(messages) => {
                pause_ms = FIRST_PAUSE_MS;
                if !messages.is_empty() {
                    let work = work(Arc::clone(&mapping), messages, received_ms, permit);
                    mapping.tracker.spawn(work);
                }
            }
            Err(error) => {
                drop(permit);
                tracing::warn!(queue = mapping.config.queue, error = %DisplayErrorContext(&error), "can't receive");
                mapping
                    .clock
                    .sleep_until(mapping.clock.now_ms() + pause_ms)
                    .await;
                pause_ms = (pause_ms * 2).min(LONGEST_PAUSE_MS);
            }
        }
    }
}

async fn work(
    mapping: Arc<Mapping>,
    messages: Vec<Message>,
    received_ms: i64,
    permit: OwnedSemaphorePermit,
) {
    let visible_ms =
        received_ms + i64::try_from(mapping.queue.visibility.as_millis()).unwrap_or(i64::MAX / 2);
    let all = async {
        let function_arn = mapping
            .lambda
            .endpoints()
            .function_arn(&mapping.config.function);
        let (messages, looping) = loops::split(messages, &function_arn);
        for message in looping {
            mapping.drop_loop(message).await;
        }
        let cause = loops::cause(&messages, &function_arn);
        for batch in batches(
            &messages,
            &mapping.queue.arn,
            &mapping.region,
            MAX_EVENT_BYTES,
        ) {
            mapping.run(batch, cause.clone(), visible_ms).await;
        }
    };
    mapping.abandoning.run_until_cancelled(all).await;
    drop(permit);
}

impl Mapping {
    /// One batch. Without a batching window, the messages of one long poll.
    async fn receive(&self) -> Result<Vec<Message>, aws_sdk_sqs::Error> {
        let most = self.config.batch_size.get() as usize;
        let mut messages = self.receive_once(most, MAX_WAIT_S).await?;
        let window_ms = i64::try_from(self.config.batching_window.as_millis()).unwrap_or(i64::MAX);
        let until_ms = self.clock.now_ms().saturating_add(window_ms);
        while !messages.is_empty() && messages.len() < most {
            let left_ms = until_ms - self.clock.now_ms();
            if left_ms <= 0 {
                break;
            }
            let wait_s = i32::try_from(left_ms / 1_000)
                .unwrap_or(MAX_WAIT_S)
                .min(MAX_WAIT_S);
            if wait_s == 0 {
                self.clock.sleep_until(until_ms).await;
            }
            match self.receive_once(most - messages.len(), wait_s).await {
                Ok(more) => messages.extend(more),
                // The messages that were received already are handled first.
                Err(error) => {
                    tracing::warn!(queue = self.config.queue, error = %DisplayErrorContext(&error), "can't receive");
                    break;
                }
            }
        }
        Ok(messages)
    }

    async fn receive_once(
        &self,
        most: usize,
        wait_s: i32,
    ) -> Result<Vec<Message>, aws_sdk_sqs::Error> {
        let answer = self
            .client
            .receive_message()
            .queue_url(&self.queue.url)
            .max_number_of_messages(i32::try_from(most.min(MAX_PER_CALL)).unwrap_or(1))
            .wait_time_seconds(wait_s)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All")
            .send()
            .await?;
        Ok(answer.messages.unwrap_or_default())
    }

    async fn run(&self, batch: Batch, cause: Option<TraceHeader>, visible_ms: i64) {
        let function = &self.config.function;
        if faults::throttles_receive(self.lambda.faults(), function, &batch.event) {
            return self.failed("throttled", batch.items.len());
        }
        let answer = match self.invoke(batch.event, cause, visible_ms).await {
            Some(Ok(answer)) => answer,
            Some(Err(error)) => return self.failed(&error, batch.items.len()),
            None => return,
        };
        let done = self.done(&answer, batch.items);
        for chunk in done.chunks(MAX_PER_CALL) {
            self.delete(chunk).await;
        }
    }

    /// Invokes the function. While it is throttled, retries for as long as the messages are in flight here.
    async fn invoke(
        &self,
        event: Bytes,
        cause: Option<TraceHeader>,
        visible_ms: i64,
    ) -> Option<Result<Bytes, String>> {
        let mut pause_ms = FIRST_PAUSE_MS;
        loop {
            match self
                .lambda
                .run_for(&self.config.function, event.clone(), cause.clone())
                .await?
            {
                Ok(answer) => return Some(Ok(answer)),
                Err(Failure::Function(error)) => return Some(Err(error.error_type)),
                Err(Failure::Throttled) => {
                    let retry_ms = self.clock.now_ms() + pause_ms;
                    if retry_ms >= visible_ms {
                        return Some(Err("throttled".to_owned()));
                    }
                    self.closing
                        .run_until_cancelled(self.clock.sleep_until(retry_ms))
                        .await?;
                    pause_ms = (pause_ms * 2).min(LONGEST_PAUSE_MS);
                }
            }
        }
    }

    fn failed(&self, error: &str, messages: usize) {
        let EventSourceConfig {
            queue, function, ..
        } = &self.config;
        tracing::warn!(
            queue,
            function,
            error,
            messages,
            "a batch failed; its messages become visible again"
        );
    }

    /// The items to delete.
    fn done(&self, answer: &[u8], items: Vec<Item>) -> Vec<Item> {
        if !self.config.report_batch_item_failures {
            return items;
        }
        let sent: HashSet<&str> = items.iter().map(|item| item.message_id.as_str()).collect();
        match failures(answer, &sent) {
            Ok(failed) => items
                .into_iter()
                .filter(|item| !failed.contains(&item.message_id))
                .collect(),
            Err(why) => {
                self.failed(
                    &format!("the function's answer is unusable: {why:?}"),
                    items.len(),
                );
                Vec::new()
            }
        }
    }

    async fn delete(&self, items: &[Item]) {
        let entry = |(index, item): (usize, &Item)| {
            DeleteMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(&item.receipt_handle)
                .build()
                .ok()
        };
        let entries: Vec<_> = items.iter().enumerate().filter_map(entry).collect();
        let sent = self
            .client
            .delete_message_batch()
            .queue_url(&self.queue.url)
            .set_entries(Some(entries))
            .send()
            .await;
        let queue = &self.config.queue;
        match sent {
            Ok(answer) => {
                for failed in answer.failed() {
                    tracing::warn!(
                        queue,
                        code = failed.code(),
                        "a message that was done is not deleted"
                    );
                }
            }
            Err(error) => {
                let error = DisplayErrorContext(&error);
                tracing::warn!(queue, %error, "messages that were done are not deleted");
            }
        }
    }
}
