//! Points in time, and deadlines.

use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// A point in time, to the millisecond. It is written as milliseconds since the Unix epoch.
///
/// ```
/// use std::time::Duration;
/// use tokencast_core::time::Timestamp;
///
/// let begun = Timestamp::from_millis(1_700_000_000_000);
/// let ended = begun + Duration::from_secs(2);
/// assert_eq!(ended.since(begun), Duration::from_secs(2));
/// assert_eq!(begun.since(ended), Duration::ZERO);
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The Unix epoch.
    pub const EPOCH: Self = Self(0);

    /// Later than anything.
    pub const MAX: Self = Self(i64::MAX);

    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    pub const fn as_millis(self) -> i64 {
        self.0
    }

    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Whole seconds since the Unix epoch.
    pub const fn as_secs(self) -> i64 {
        self.0 / 1000
    }

    /// ISO 8601 in UTC, to the millisecond.
    ///
    /// ```
    /// use tokencast_core::time::Timestamp;
    ///
    /// let time = Timestamp::from_millis(1_767_312_000_123);
    /// assert_eq!(time.to_iso8601(), "2026-01-02T00:00:00.123Z");
    /// ```
    pub fn to_iso8601(self) -> String {
        DateTime::<Utc>::from_timestamp_millis(self.0)
            .unwrap_or_default()
            .to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    /// The time since `earlier`; none if that is later.
    pub fn since(self, earlier: Self) -> Duration {
        let millis = self.0.saturating_sub(earlier.0);
        Duration::from_millis(u64::try_from(millis).unwrap_or(0))
    }
}

/// Fractions of a millisecond are dropped.
impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }
}

impl AddAssign<Duration> for Timestamp {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

/// Fractions of a millisecond are dropped.
impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }
}

/// The point in time by which something must be done, or else given up.
///
/// ```
/// use std::time::Duration;
/// use tokencast_core::time::{Deadline, Timestamp};
///
/// let now = Timestamp::from_millis(1_700_000_000_000);
/// let deadline = Deadline::at(now + Duration::from_secs(10));
/// assert_eq!(deadline.left(now), Duration::from_secs(10));
/// assert!(deadline.has_passed(now + Duration::from_secs(10)));
/// assert!(!Deadline::NEVER.has_passed(now));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Timestamp);

impl Deadline {
    /// The deadline of what is tried without end.
    pub const NEVER: Self = Self(Timestamp::MAX);

    pub const fn at(time: Timestamp) -> Self {
        Self(time)
    }

    /// How long there is until it; none once it has passed.
    pub fn left(self, now: Timestamp) -> Duration {
        self.0.since(now)
    }

    pub fn has_passed(self, now: Timestamp) -> bool {
        now >= self.0
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
