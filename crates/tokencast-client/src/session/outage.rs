//! Since when there has been no stable connection, and the pauses between the tries to get one.

use tokio::time::{Duration, Instant};

use crate::backoff::Backoff;
use crate::bounds::Timeouts;

pub(super) struct Outage {
    since: Option<Instant>,
    /// Whether there ever was a connection.
    has_connected: bool,
    retry: Backoff,
}

impl Outage {
    pub(super) fn new(timeouts: &Timeouts) -> Self {
        Self {
            since: None,
            has_connected: false,
            retry: Backoff::new(timeouts.retry_first, timeouts.retry_max),
        }
    }

    /// Something has failed. Returns since when that is so.
    pub(super) fn began(&mut self) -> Instant {
        *self.since.get_or_insert_with(Instant::now)
    }

    /// A connection lasts, or brings something.
    pub(super) fn ended(&mut self) {
        self.since = None;
        self.retry.reset();
    }

    /// A connection is there. Returns whether there was one before.
    pub(super) fn connected(&mut self) -> bool {
        std::mem::replace(&mut self.has_connected, true)
    }

    pub(super) fn has_connected(&self) -> bool {
        self.has_connected
    }

    pub(super) fn tries(&self) -> u32 {
        self.retry.tries()
    }

    pub(super) fn next_pause(&mut self) -> Duration {
        self.retry.next()
    }
}
