//! What a queue is made of.

use std::num::NonZeroU32;
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct QueueConfig {
    pub name: String,
    /// AWS's default is 30 s.
    pub visibility_timeout: Duration,
    /// AWS's default is 4 days.
    pub retention: Duration,
    /// How long a receive waits that doesn't say; AWS's default is not at all.
    pub receive_wait: Duration,
    pub redrive: Option<RedrivePolicy>,
}

/// Where a message goes that was received too often.
#[derive(Clone, Debug)]
pub struct RedrivePolicy {
    /// Name of a queue of the same stack.
    pub dead_letter_queue: String,
    pub max_receive_count: NonZeroU32,
}
