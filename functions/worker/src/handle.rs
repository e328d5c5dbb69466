//! Handles one batch of messages. Each message is delivered, and may fail, on its own.

use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsMessage};
use lambda_runtime::Context;
use serde::Deserialize;
use tokencast_aws::queue::{SqsQueue, SqsReceipt};
use tokencast_aws::websocket::FollowerSink;
use tokencast_aws::websocket::gateway::Gateway;
use tokencast_aws::{metrics, settings};
use tokencast_core::deliver::{Disposition, Message, deliver};
use tokencast_core::job::Job;
use tokencast_core::pipeline::AttemptContext;
use tokencast_core::ports::{Clock, ConversationSink, Ports, Receipt};
use tokencast_core::time::Timestamp;
use tokio::task::JoinSet;
use tracing::{error, warn};

use crate::config::Config;
use crate::record::{as_it_came, sent_at};
use crate::sink::JobSink;

/// The function's name in metrics.
const SERVICE: &str = "worker";

/// When a message is received again that could not be moved to the dead-letter queue.
const NOT_MOVED: Duration = Duration::from_secs(30);

/// Everything that the function works with.
pub struct Worker<P: Ports> {
    pub model: P::Model,
    /// Makes conversations' titles, if a model does.
    pub title_model: Option<P::Model>,
    /// Publishes to the subscribers of sessions and of conversations.
    pub subscribers: P::Sink,
    /// Pushes to followers; `None` without a WebSocket API.
    pub gateway: Option<Gateway>,
    pub sessions: P::Store,
    pub conversations: P::Conversations,
    pub queue: SqsQueue,
    pub dead_letters: SqsQueue,
    pub clock: P::Clock,
    pub config: Config,
}

/// An SQS event.
#[derive(Deserialize)]
pub struct Batch {
    #[serde(rename = "Records")]
    pub records: Vec<SqsMessage>,
}

/// The ports of one message, whose events go to subscribers and followers.
impl<'a, P: Ports> Ports for &'a Worker<P>
where
    P::Sink: ConversationSink,
    P::Clock: Clone + 'static,
{
    type Model = P::Model;
    type Sink = JobSink<'a, P::Sink, FollowerSink<P::Clock>>;
    type Store = P::Store;
    type Conversations = P::Conversations;
    type Changes = P::Sink;
    type Receipt = SqsReceipt;
    type Clock = P::Clock;
}

impl<P: Ports + 'static> Worker<P>
where
    P::Sink: ConversationSink,
    P::Clock: Clone,
{
    /// Handles a batch. The response names the messages that must be received again.
    pub async fn handle(self: Arc<Self>, batch: Batch, context: &Context) -> SqsBatchResponse {
        let killed_at = i64::try_from(context.deadline).unwrap_or(i64::MAX);
        let killed_at = Timestamp::from_millis(killed_at);
        let ids: Vec<_> = batch
            .records
            .iter()
            .map(|it| it.message_id.clone())
            .collect();
        let mut done = vec![false; ids.len()];
        // Each message has a task: an event wakes only the one that waits for it, and a panic fails only its own
        // message.
        let mut deliveries = JoinSet::new();
        for (at, record) in batch.records.into_iter().enumerate() {
            let worker = Arc::clone(&self);
            deliveries.spawn(async move { (at, worker.deliver(&record, killed_at).await) });
        }
        while let Some(delivered) = deliveries.join_next().await {
            match delivered {
                Ok((at, disposition)) => done[at] = disposition == Disposition::Done,
                // The panic's message is not logged, for it may quote the answer.
                Err(error) => error!(panicked = error.is_panic(), "a delivery broke off"),
            }
        }
        let mut response = SqsBatchResponse::default();
        for (id, _) in ids.into_iter().zip(done).filter(|(_, done)| !done) {
            response.add_failure(id.unwrap_or_default());
        }
        response
    }

    async fn deliver(&self, record: &SqsMessage, killed_at: Timestamp) -> Disposition {
        let receipt = self
            .queue
            .receipt(record.receipt_handle.clone().unwrap_or_default());
        let queued_at = sent_at(record);
        let body = record.body.as_deref().unwrap_or_default();
        // `deliver` refuses a body that is no job, and logs why.
        let job = Job::from_json(body).ok();
        let channel = job.as_ref().map(|job| job.channel).unwrap_or_default();
        let followers = self
            .gateway
            .clone()
            .map(|gateway| FollowerSink::new(gateway, self.clock.clone()));
        let context = AttemptContext::<&Self> {
            model: &self.model,
            sink: &JobSink::new(channel, &self.subscribers, followers),
            store: &self.sessions,
            conversations: &self.conversations,
            changes: &self.subscribers,
            receipt: &receipt,
            clock: &self.clock,
            settings: &self.config.pipeline,
            observe: &|observation| {
                metrics::count(SERVICE, observation, queued_at, self.clock.now());
            },
        };
        let message = Message {
            body,
            deadline: settings::deadline(killed_at, self.clock.now(), self.config.deadline_reserve),
            killed_at,
        };
        let disposition = deliver(&context, &self.config.policy, &message).await;
        let is_over = matches!(disposition, Disposition::Done | Disposition::Dead);
        if let Some(job) = job.filter(|job| is_over && job.conversation_id.is_some()) {
            Box::pin(self.care(&job, message.deadline)).await;
        }
        match disposition {
            Disposition::Dead => {
                // The message is copied before it is deleted. If the worker dies in between, there are two copies,
                // which are answered once.
                let Err(error) = self.dead_letters.forward(as_it_came(record)).await else {
                    return Disposition::Done;
                };
                error!(
                    error = &error as &dyn std::error::Error,
                    "a message was not moved to the dead-letter queue"
                );
                keep_for(&receipt, NOT_MOVED).await;
                Disposition::Again(Some(NOT_MOVED))
            }
            disposition @ (Disposition::Again(Some(after)) | Disposition::Wait(after)) => {
                keep_for(&receipt, after).await;
                disposition
            }
            disposition => disposition,
        }
    }
}

/// Has a message received again after this long.
async fn keep_for(receipt: &impl Receipt, after: Duration) {
    if let Err(error) = receipt.extend_visibility(after).await {
        warn!(
            error = &error as &dyn std::error::Error,
            "the message comes back when its visibility ends"
        );
    }
}
