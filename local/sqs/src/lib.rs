//! SQS: standard queues over the JSON protocol.
//!
//! | module | what |
//! | --- | --- |
//! | `wire` | HTTP: from `X-Amz-Target` to an action and back |
//! | `query_protocol` | refuses the older protocol in its own shape |
//! | `actions` | the actions: each checks its input and returns its output |
//! | `store` | all queues together, and their journal |
//! | `queue` | one queue's messages: visible, in flight or delayed, and until when |
//! | `attributes` | a queue's attributes and their ranges |
//! | `message` | a message, its checks and its digests |
//! | `handle` | receipt handles |
//! | `move_task` | redrive from a dead-letter queue |
//! | `journal` | the journal, from which the queues are read after a restart |
//! | `error` | AWS's errors |
//!
//! Left out on purpose: FIFO queues, the older Query protocol (XML), permissions, and the 60 s during which AWS refuses
//! to create a queue again after its deletion.

mod actions;
mod attributes;
pub mod config;
mod endpoint;
mod error;
mod handle;
mod journal;
mod message;
mod move_task;
mod query_protocol;
mod queue;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod wire;

pub use endpoint::ENDPOINT;

use std::path::Path;
use std::sync::Arc;

use local_faults::Faults;
use local_iam::gate::GuardedService;
use local_kit::clock::Clock;
use local_kit::endpoints::Endpoints;
use local_kit::write_failures::WriteFailures;
use thiserror::Error;

use crate::config::QueueConfig;
use attributes::Attributes;
use journal::{Directory, JournalError, SavedQueues};
use store::Store;

/// The queues of a stack. Clones share them.
///
/// ```no_run
/// use std::time::Duration;
/// use local_kit::clock::Clock;
/// use local_kit::endpoints::Endpoints;
/// use local_sqs::Sqs;
/// use local_sqs::config::QueueConfig;
///
/// # async fn example(queue: QueueConfig) -> Result<(), Box<dyn std::error::Error>> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// let endpoints = Endpoints {
///     address: listener.local_addr()?,
///     region: "us-east-1".into(),
///     account_id: "000000000000".into(),
///     api_id: "local".into(),
/// };
/// let clock = Clock::system();
/// let sqs = Sqs::new(&[queue], endpoints, clock.clone(), None)?;
/// tokio::spawn(async move { axum::serve(listener, sqs.router()).await });
/// clock.advance(Duration::from_secs(30)); // a message's visibility timeout has passed
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Sqs {
    store: Arc<Store>,
}

#[derive(Debug, Error)]
pub enum SqsError {
    #[error("queue `{queue}`: {message}")]
    Config { queue: String, message: String },
    #[error("queue `{queue}` names `{target}` as its dead-letter queue, which is not configured")]
    NoDeadLetterQueue { queue: String, target: String },
    #[error("the queues' journal")]
    Journal(#[source] JournalError),
}

impl Sqs {
    /// How a request's signature is checked before [`Self::router`] gets it.
    pub const GUARDED: GuardedService = wire::GUARDED;

    /// Creates the configured queues. If there is a directory `state`, restores the previous run's queues and messages
    /// from it.
    ///
    /// # Errors
    ///
    /// A queue's configuration isn't allowed, or the journal can't be read.
    pub fn new(
        queues: &[QueueConfig],
        endpoints: Endpoints,
        clock: Clock,
        state: Option<&Path>,
    ) -> Result<Self, SqsError> {
        let (faults, failures) = (Faults::default(), WriteFailures::default());
        Self::with_faults(queues, endpoints, clock, state, faults, &failures)
    }

    /// As [`Sqs::new`], with a fault plan. A journal that can't be written is reported to `failures`.
    ///
    /// # Errors
    ///
    /// As [`Sqs::new`].
    pub fn with_faults(
        queues: &[QueueConfig],
        endpoints: Endpoints,
        clock: Clock,
        state: Option<&Path>,
        faults: Faults,
        failures: &WriteFailures,
    ) -> Result<Self, SqsError> {
        let directory = state
            .map(Directory::lock)
            .transpose()
            .map_err(SqsError::Journal)?;
        let mut saved = match &directory {
            Some(directory) => directory.load().map_err(SqsError::Journal)?,
            None => SavedQueues::default(),
        };
        for config in queues {
            let attributes = configured(config, queues, &endpoints)?;
            saved.configure(&config.name, attributes, clock.now_ms());
        }
        let journal = directory
            .map(|directory| directory.start(&saved, failures))
            .transpose()
            .map_err(SqsError::Journal)?;
        Ok(Self {
            store: Arc::new(Store::new(saved, journal, endpoints, clock, faults)),
        })
    }

    /// Serves `POST` on any path, because SDKs post to the endpoint's root or to a queue's URL.
    pub fn router(&self) -> axum::Router {
        wire::router(Arc::clone(&self.store))
    }

    /// Releases the state directory for another process. Connections that are still open change nothing from now on.
    pub fn close(&self) {
        self.store.lock().close();
    }
}

fn configured(
    config: &QueueConfig,
    all: &[QueueConfig],
    endpoints: &Endpoints,
) -> Result<Attributes, SqsError> {
    let fail = |message: String| SqsError::Config {
        queue: config.name.clone(),
        message,
    };
    store::check_name(&config.name).map_err(|error| fail(error.message))?;
    let mut pairs = vec![
        (
            "VisibilityTimeout".to_owned(),
            config.visibility_timeout.as_secs().to_string(),
        ),
        (
            "MessageRetentionPeriod".to_owned(),
            config.retention.as_secs().to_string(),
        ),
        (
            "ReceiveMessageWaitTimeSeconds".to_owned(),
            config.receive_wait.as_secs().to_string(),
        ),
    ];
    if let Some(redrive) = &config.redrive {
        let target = &redrive.dead_letter_queue;
        if !all.iter().any(|other| other.name == *target) {
            return Err(SqsError::NoDeadLetterQueue {
                queue: config.name.clone(),
                target: target.clone(),
            });
        }
        let policy = serde_json::json!({
            "deadLetterTargetArn": endpoints.queue_arn(target),
            "maxReceiveCount": redrive.max_receive_count,
        });
        pairs.push(("RedrivePolicy".to_owned(), policy.to_string()));
    }
    let mut attributes = Attributes::default();
    for (name, value) in pairs {
        attributes
            .set(&name, &value)
            .map_err(|error| fail(error.message))?;
    }
    Ok(attributes)
}
