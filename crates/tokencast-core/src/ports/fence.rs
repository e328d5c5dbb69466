//! Until when an attempt may publish.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::time::Timestamp;

/// The most that a fence falls before its lease.
const MAX_MARGIN: Duration = Duration::from_secs(1);

/// Whether an attempt may still publish: until shortly before its lease runs out by the clock, however long the process
/// was paused.
#[derive(Debug)]
pub struct Fence {
    /// How long before its lease it falls, for clocks that differ.
    margin: Duration,
    until_ms: AtomicI64,
}

impl Fence {
    /// The fence of an attempt that holds a lease until `lease_until`, and renews it for `lease` each time.
    pub fn of_lease(lease_until: Timestamp, lease: Duration) -> Self {
        let fence = Self {
            margin: (lease / 10).min(MAX_MARGIN),
            ..Self::until(lease_until)
        };
        fence.renew(lease_until);
        fence
    }

    fn until(until: Timestamp) -> Self {
        Self {
            margin: Duration::ZERO,
            until_ms: AtomicI64::new(until.as_millis()),
        }
    }

    /// A fence that never falls, for events that are the same whoever sends them, such as the end of a session.
    pub fn open() -> Self {
        Self::until(Timestamp::MAX)
    }

    /// Moves it with the lease, which was renewed.
    pub fn renew(&self, lease_until: Timestamp) {
        let until = lease_until - self.margin;
        self.until_ms.store(until.as_millis(), Ordering::Release);
    }

    pub fn holds(&self, now: Timestamp) -> bool {
        now < self.ends_at()
    }

    /// When it falls. For those who go on when the call that was given the fence has returned.
    pub fn ends_at(&self) -> Timestamp {
        Timestamp::from_millis(self.until_ms.load(Ordering::Acquire))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_falls_a_tenth_of_its_lease_before_it_and_at_most_a_second() {
        let at = Timestamp::from_millis;
        for (lease_ms, expected_ms) in [(30_000, 29_000), (10_000, 9_000), (5_000, 4_500)] {
            let lease = Duration::from_millis(lease_ms);
            let lease_until = Timestamp::EPOCH + lease;
            let fence = Fence::of_lease(lease_until, lease);
            assert_eq!(fence.ends_at(), at(expected_ms));
            assert!(fence.holds(at(expected_ms - 1)) && !fence.holds(at(expected_ms)));
            fence.renew(lease_until + Duration::from_secs(7));
            assert_eq!(fence.ends_at(), at(expected_ms + 7_000));
        }
    }
}
