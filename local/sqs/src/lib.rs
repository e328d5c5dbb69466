//! SQS: standard queues, over the JSON protocol.
//!
//! | module | what |
//! | --- | --- |
//! | [`wire`] | HTTP: from `X-Amz-Target` to an action and back |
//! | [`query_protocol`] | how the older protocol is refused, in its own shape |
//! | [`actions`] | what each action checks and answers |
//! | [`store`] | the queues together: what touches two of them, and what is written to the journal |
//! | [`queue`] | one queue's messages: which is visible, in flight or delayed, and until when |
//! | [`attributes`] | a queue's settings, with their ranges |
//! | [`message`] | a message, its checks and its digests |
//! | [`handle`] | receipt handles |
//! | [`move_task`] | redrive from a dead-letter queue |
//! | [`journal`] | what survives a restart |
//! | [`error`] | AWS's error codes |
//!
//! Left out on purpose: FIFO queues, the older query (XML) protocol, permissions, and the 60 s during which AWS refuses
//! to make a queue again after its deletion.

pub mod actions;
pub mod attributes;
pub mod config;
pub mod endpoint;
pub mod error;
pub mod handle;
pub mod journal;
pub mod message;
pub mod move_task;
pub mod query_protocol;
pub mod queue;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod wire;

pub use endpoint::ENDPOINT;

use std::path::Path;
use std::sync::Arc;

use local_faults::Faults;
use local_kit::clock::Clock;
use local_kit::endpoints::Endpoints;
use local_kit::write_failures::WriteFailures;
use thiserror::Error;

use crate::config::QueueConfig;
use attributes::Attributes;
use journal::{Directory, JournalError, Kept};
use store::Store;

/// The queues of a stack.
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
    /// Makes the configured queues; with `state`, a directory, also the queues and messages of the run before.
    pub fn new(
        queues: &[QueueConfig],
        endpoints: Endpoints,
        clock: Clock,
        state: Option<&Path>,
    ) -> Result<Self, SqsError> {
        let (faults, failures) = (Faults::default(), WriteFailures::default());
        Self::with_faults(queues, endpoints, clock, state, faults, &failures)
    }

    /// Queues whose messages meet the fault plan. A journal that can't be written is told to `failures`.
    pub fn with_faults(
        queues: &[QueueConfig],
        endpoints: Endpoints,
        clock: Clock,
        state: Option<&Path>,
        faults: Faults,
        failures: &WriteFailures,
    ) -> Result<Self, SqsError> {
        let directory = state
            .map(Directory::take)
            .transpose()
            .map_err(SqsError::Journal)?;
        let mut kept = match &directory {
            Some(directory) => directory.load().map_err(SqsError::Journal)?,
            None => Kept::default(),
        };
        for config in queues {
            let attributes = configured(config, queues, &endpoints)?;
            kept.configure(&config.name, attributes, clock.now_ms());
        }
        let journal = directory
            .map(|directory| directory.start(&kept, failures))
            .transpose()
            .map_err(SqsError::Journal)?;
        Ok(Self {
            store: Arc::new(Store::new(kept, journal, endpoints, clock, faults)),
        })
    }

    /// Answers `POST` on any path: the SDKs post to the endpoint's root, or to a queue's URL.
    pub fn router(&self) -> axum::Router {
        wire::router(Arc::clone(&self.store))
    }

    /// Lets go of the state directory, so that another may take it; connections that are still open change nothing more.
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
