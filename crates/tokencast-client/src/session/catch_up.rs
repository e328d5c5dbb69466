//! When to ask for a snapshot: soon after a gap, and now and then in a long silence.

use std::time::Duration;

use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::client::Timeouts;

const GAP_RETRY_FIRST: Duration = Duration::from_millis(250);
/// The worker writes the session down about twice a second, so that asking less often than this only delays.
const GAP_RETRY_MAX: Duration = Duration::from_secs(2);

pub(super) struct CatchUp {
    due: Instant,
    /// Events are known to be missing.
    gap: bool,
    gap_wait: Duration,
    gap_retry: Backoff,
    idle: Duration,
    idle_retry: Backoff,
}

impl CatchUp {
    pub(super) fn new(timeouts: &Timeouts) -> Self {
        let idle = timeouts.idle;
        Self {
            due: Instant::now() + idle,
            gap: false,
            gap_wait: timeouts.gap,
            gap_retry: Backoff::new(GAP_RETRY_FIRST, GAP_RETRY_MAX),
            idle,
            idle_retry: Backoff::new(idle * 2, idle * 6),
        }
    }

    pub(super) fn due(&self) -> Instant {
        self.due
    }

    pub(super) fn ask_now(&mut self) {
        self.due = Instant::now();
    }

    /// After an event: is anything missing?
    pub(super) fn event(&mut self, gap: bool) {
        self.idle_retry.reset();
        match (self.gap, gap) {
            (false, true) => self.due = Instant::now() + self.gap_wait,
            (_, false) => {
                self.gap_retry.reset();
                self.due = Instant::now() + self.idle;
            }
            (true, true) => {}
        }
        self.gap = gap;
    }

    /// After a snapshot, or an attempt to get one: is anything still missing?
    pub(super) fn asked(&mut self, gap: bool) {
        let pause = if gap {
            self.gap_retry.next()
        } else {
            self.idle_retry.next()
        };
        self.gap = gap;
        self.due = Instant::now() + pause;
    }
}
