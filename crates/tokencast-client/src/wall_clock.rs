//! The time of day, which goes on while the machine sleeps. The monotonic clock need not: Linux's stands still.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::bounds::SLEEP;

#[derive(Clone)]
pub(crate) struct WallClock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl WallClock {
    pub(crate) fn new(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    pub(crate) fn now(&self) -> SystemTime {
        (self.0)()
    }

    /// Since `then`; zero if the clock was set back behind it.
    pub(crate) fn since(&self, then: SystemTime) -> Duration {
        self.now().duration_since(then).unwrap_or_default()
    }
}

impl Default for WallClock {
    fn default() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is where the time of day comes from"
        )]
        Self::new(SystemTime::now)
    }
}

impl fmt::Debug for WallClock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("WallClock")
    }
}

/// Notices that the machine was asleep.
pub(crate) struct SleepWatch {
    wall_clock: WallClock,
    awake_at: (Instant, SystemTime),
}

impl SleepWatch {
    pub(crate) fn new(wall_clock: WallClock) -> Self {
        let awake_at = (Instant::now(), wall_clock.now());
        Self {
            wall_clock,
            awake_at,
        }
    }

    /// Whether the machine has slept since this was asked last.
    pub(crate) fn has_slept(&mut self) -> bool {
        let (instant, time) = self.awake_at;
        let slept = self.wall_clock.since(time) > instant.elapsed() + SLEEP;
        self.awake_at = (Instant::now(), self.wall_clock.now());
        slept
    }
}
