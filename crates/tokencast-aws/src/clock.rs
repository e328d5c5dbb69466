//! The system's time, and the time of a local stack.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokencast_core::ports::Clock;
use tokencast_core::time::Timestamp;

use crate::config::{ConfigError, Reader};

/// The furthest that a local stack's clock may be moved: a hundred years.
const MAX_OFFSET_MS: u64 = 100 * 365 * 86_400_000;

#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is where the time is injected from"
        )]
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::EPOCH + now
    }
}

/// The time that a function goes by: the system's, plus the offset of the local stack's clock.
///
/// Only the local stack sets `TOKENCAST_CLOCK_OFFSET_MS`; on AWS it is the system's time. Requests are signed by
/// [`SystemClock`], because signatures are judged by the real time everywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FunctionClock {
    offset: Duration,
}

impl FunctionClock {
    /// # Errors
    /// `TOKENCAST_CLOCK_OFFSET_MS` is set, and no number of milliseconds.
    pub fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(lookup);
        let offset = reader.millis("TOKENCAST_CLOCK_OFFSET_MS", 0..=MAX_OFFSET_MS, 0);
        reader.finish(Self { offset })
    }
}

impl Clock for FunctionClock {
    fn now(&self) -> Timestamp {
        SystemClock.now() + self.offset
    }
}

/// Formats a time as ISO 8601 in UTC, to the millisecond.
pub fn iso8601(at: Timestamp) -> String {
    at.to_iso8601()
}

pub(crate) fn system_time(at: Timestamp) -> SystemTime {
    UNIX_EPOCH + at.since(Timestamp::EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(offset: Option<&str>, expected_ms: Result<u64, &str>) {
        let lookup = |_: &str| offset.map(str::to_owned);
        let before = SystemClock.now();
        match (FunctionClock::read(&lookup), expected_ms) {
            (Ok(clock), Ok(expected_ms)) => {
                let moved = clock.now() - Duration::from_millis(expected_ms);
                assert!((before..=SystemClock.now()).contains(&moved));
            }
            (Err(error), Err(expected)) => assert_eq!(error.to_string(), expected),
            (got, expected) => panic!("{got:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn a_function_goes_by_the_time_of_its_stack() {
        check(None, Ok(0));
        check(Some("0"), Ok(0));
        check(Some("86400000"), Ok(86_400_000));
        check(
            Some("-1"),
            Err("`TOKENCAST_CLOCK_OFFSET_MS` is `-1`, expected 0 to 3153600000000"),
        );
        check(
            Some("tomorrow"),
            Err("`TOKENCAST_CLOCK_OFFSET_MS` is `tomorrow`, expected 0 to 3153600000000"),
        );
    }
}
