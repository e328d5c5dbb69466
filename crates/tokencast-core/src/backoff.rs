//! Waiting longer each time, with jitter.

use std::time::Duration;

/// The first pause is `first`, and each following one twice as long, up to `cap`. Each is shortened at random by up to
/// half, so that callers that failed together do not come back together.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    pub first: Duration,
    pub cap: Duration,
}

impl Backoff {
    /// The pause after the given number of failures in a row, from 1 on.
    pub fn delay(self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(30);
        let full = self.first.saturating_mul(1 << doublings).min(self.cap);
        full.mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_doubles_up_to_the_cap_and_keeps_at_least_half() {
        let backoff = Backoff {
            first: Duration::from_secs(1),
            cap: Duration::from_secs(20),
        };
        for (failures, full) in [
            (1, 1),
            (2, 2),
            (3, 4),
            (4, 8),
            (5, 16),
            (6, 20),
            (u32::MAX, 20),
        ] {
            let full = Duration::from_secs(full);
            for _ in 0..100 {
                let delay = backoff.delay(failures);
                assert!(delay >= full / 2 && delay <= full, "{failures}: {delay:?}");
            }
        }
    }
}
