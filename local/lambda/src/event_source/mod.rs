//! The SQS event source mapping: polls a queue, invokes a function with the messages, and deletes those that succeeded.
//!
//! It polls with `aws-sdk-sqs` as any consumer would, so the queue may be of any SQS. Failed messages are left alone
//! and become visible again when their visibility timeout ends, as on AWS.

mod checks;
mod client;
mod event;
mod loops;
mod outcome;
mod poller;

pub use client::sqs_client;

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::service::Lambda;
use crate::config::EventSourceConfig;
use poller::Mapping;

/// The number of concurrent long polls. AWS has at least five; with fewer, a message that arrives between two polls
/// waits.
const POLLERS: usize = 5;

/// A running event source mapping.
#[derive(Debug)]
pub struct EventSource {
    tracker: TaskTracker,
    /// Stops polling.
    closing: CancellationToken,
    /// Cancels what is still running after that.
    abandoning: CancellationToken,
}

#[derive(Debug, Error)]
pub enum EventSourceError {
    /// `InvalidParameterValueException` with AWS's message.
    #[error("event source `{queue}` of function `{function}`: {message}")]
    Config {
        queue: String,
        function: String,
        message: String,
    },
    #[error("event source: function `{0}` not found")]
    NoFunction(String),
    #[error("event source: queue `{queue}` can't be read")]
    Queue {
        queue: String,
        #[source]
        source: Box<aws_sdk_sqs::Error>,
    },
}

impl EventSource {
    /// Starts polling.
    ///
    /// # Errors
    ///
    /// The configuration isn't allowed, the queue doesn't exist, or SQS refuses the request.
    pub async fn start(
        config: EventSourceConfig,
        lambda: Lambda,
        client: aws_sdk_sqs::Client,
    ) -> Result<Self, EventSourceError> {
        let function = lambda.config(&config.function);
        let function =
            function.ok_or_else(|| EventSourceError::NoFunction(config.function.clone()))?;
        let clock = lambda.clock(&config.function).cloned();
        let clock = clock.ok_or_else(|| EventSourceError::NoFunction(config.function.clone()))?;
        let queue = poller::find_queue(&client, &config.queue)
            .await
            .map_err(|source| EventSourceError::Queue {
                queue: config.queue.clone(),
                source: Box::new(source),
            })?;
        checks::check(&config, function.timeout, queue.visibility).map_err(|message| {
            EventSourceError::Config {
                queue: config.queue.clone(),
                function: config.function.clone(),
                message,
            }
        })?;
        let source = Self {
            tracker: TaskTracker::new(),
            closing: CancellationToken::new(),
            abandoning: CancellationToken::new(),
        };
        let concurrency = config.maximum_concurrency.get() as usize;
        // A batching window gathers messages for one batch; several pollers would split them.
        let pollers = if config.batching_window.is_zero() {
            POLLERS
        } else {
            1
        };
        let mapping = Arc::new(Mapping {
            region: lambda.endpoints().region.clone(),
            permits: Arc::new(Semaphore::new(concurrency)),
            closing: source.closing.clone(),
            abandoning: source.abandoning.clone(),
            tracker: source.tracker.clone(),
            config,
            lambda,
            client,
            clock,
            queue,
        });
        for _ in 0..pollers.min(concurrency) {
            source.tracker.spawn(poller::poll(Arc::clone(&mapping)));
        }
        Ok(source)
    }

    /// Stops polling at once, lets running invocations finish within `grace`, and waits for every task.
    pub async fn shutdown(self, grace: Duration) {
        self.closing.cancel();
        self.tracker.close();
        if tokio::time::timeout(grace, self.tracker.wait())
            .await
            .is_err()
        {
            self.abandoning.cancel();
            self.tracker.wait().await;
        }
    }
}

impl Drop for EventSource {
    fn drop(&mut self) {
        self.closing.cancel();
        self.abandoning.cancel();
    }
}
