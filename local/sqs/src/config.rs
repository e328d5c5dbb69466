//! The configuration of a queue.

use std::num::NonZeroU32;
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct QueueConfig {
    pub name: String,
    /// `VisibilityTimeout`; AWS's default is 30 s.
    pub visibility_timeout: Duration,
    /// `MessageRetentionPeriod`; AWS's default is 4 days.
    pub retention: Duration,
    /// `ReceiveMessageWaitTimeSeconds`: how long a receive waits that sets no time. AWS's default is 0.
    pub receive_wait: Duration,
    pub redrive: Option<RedrivePolicy>,
}

/// Moves a message to the dead-letter queue once it was received too often.
#[derive(Clone, Debug)]
pub struct RedrivePolicy {
    /// The name of a queue of the same stack.
    pub dead_letter_queue: String,
    pub max_receive_count: NonZeroU32,
}
