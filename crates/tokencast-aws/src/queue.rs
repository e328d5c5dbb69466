//! The job queue in SQS.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::MessageAttributeValue;
use tokencast_core::id::Owner;
use tokencast_core::job::{Job, Purge};
use tokencast_core::ports::{JobQueue, QueueError, Receipt};
use tokio::sync::Semaphore;

use crate::sdk::MAX_CALLS;

/// A queue, by its URL.
#[derive(Clone, Debug)]
pub struct SqsQueue {
    client: Client,
    url: String,
    /// Permits for [`MAX_CALLS`] calls at a time.
    calls: Arc<Semaphore>,
}

impl SqsQueue {
    pub fn new(sdk: &SdkConfig, url: String) -> Self {
        Self {
            client: Client::new(sdk),
            url,
            calls: Arc::new(Semaphore::new(MAX_CALLS)),
        }
    }

    /// The receipt of a message that was received from this queue.
    pub fn receipt(&self, handle: String) -> SqsReceipt {
        SqsReceipt {
            queue: self.clone(),
            handle,
        }
    }

    /// Adds a message of another queue, unchanged.
    ///
    /// # Errors
    ///
    /// SQS did not take the message, or an attribute of it is malformed.
    pub async fn forward(&self, message: Forwarded<'_>) -> Result<(), QueueError> {
        let _call = self.calls.acquire().await;
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| QueueError {
            operation: "SendMessage",
            source,
        };
        let mut send = self
            .client
            .send_message()
            .queue_url(&self.url)
            .message_body(message.body)
            .set_message_group_id(message.group.map(str::to_owned));
        for (name, attribute) in message.attributes {
            let value = MessageAttributeValue::builder()
                .data_type(attribute.data_type)
                .set_string_value(attribute.string)
                .set_binary_value(attribute.binary.map(Blob::new));
            send = send.message_attributes(name, value.build().map_err(|it| failed(it.into()))?);
        }
        let outcome = send.send().await;
        outcome.map(drop).map_err(|source| failed(source.into()))
    }
}

/// A message as it was received.
pub struct Forwarded<'a> {
    pub body: &'a str,
    pub group: Option<&'a str>,
    pub attributes: Vec<(&'a str, Attribute)>,
}

/// A message attribute: a string, a number as a string, or bytes.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Such as `String`, `Number` or `Binary.png`.
    pub data_type: String,
    pub string: Option<String>,
    pub binary: Option<Vec<u8>>,
}

impl SqsQueue {
    /// The message group is the owner, because a standard queue is fair between message groups.
    async fn send_body(
        &self,
        body: String,
        owner: &Owner,
        delay: Duration,
    ) -> Result<(), QueueError> {
        let _call = self.calls.acquire().await;
        let send = self
            .client
            .send_message()
            .queue_url(&self.url)
            .message_body(body)
            .set_delay_seconds(delay_seconds(delay));
        let outcome = send.message_group_id(owner.as_str()).send().await;
        outcome.map(drop).map_err(|source| QueueError {
            operation: "SendMessage",
            source: source.into(),
        })
    }
}

impl JobQueue for SqsQueue {
    async fn send_after(&self, job: &Job, delay: Duration) -> Result<(), QueueError> {
        self.send_body(job.to_json(), &job.owner, delay).await
    }

    async fn send_purge(&self, purge: &Purge, delay: Duration) -> Result<(), QueueError> {
        self.send_body(purge.to_json(), &purge.owner, delay).await
    }
}

/// The delay in whole seconds, as SQS counts. `None` for no delay; the queue's own delay applies then.
fn delay_seconds(delay: Duration) -> Option<i32> {
    /// SQS's limit: 15 minutes.
    const MAX_DELAY_S: u64 = 900;
    let seconds = delay.as_millis().div_ceil(1000).min(MAX_DELAY_S.into());
    i32::try_from(seconds).ok().filter(|seconds| *seconds > 0)
}

#[derive(Clone, Debug)]
pub struct SqsReceipt {
    queue: SqsQueue,
    handle: String,
}

impl Receipt for SqsReceipt {
    async fn extend_visibility(&self, by: Duration) -> Result<(), QueueError> {
        /// SQS's limit.
        const MAX_VISIBILITY: Duration = Duration::from_hours(12);
        let _call = self.queue.calls.acquire().await;
        let change = self
            .queue
            .client
            .change_message_visibility()
            .queue_url(&self.queue.url);
        let by = by.min(MAX_VISIBILITY);
        let seconds = by.as_secs() + u64::from(by.subsec_nanos() > 0);
        let seconds = i32::try_from(seconds).unwrap_or(i32::MAX);
        let changed = change
            .receipt_handle(&self.handle)
            .visibility_timeout(seconds)
            .send()
            .await;
        changed.map(drop).map_err(|source| QueueError {
            operation: "ChangeMessageVisibility",
            source: source.into(),
        })
    }
}
