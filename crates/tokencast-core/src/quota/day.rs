//! The day that a quota is of.

use std::fmt;
use std::str::FromStr;

use chrono::{Days, NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::time::Timestamp;

/// A day in UTC. It is written as `2026-11-28`.
///
/// ```
/// use tokencast_core::quota::Day;
/// use tokencast_core::time::Timestamp;
///
/// let day = Day::of(Timestamp::from_millis(1_767_312_000_123));
/// assert_eq!(day.to_string(), "2026-01-02");
/// assert_eq!(day.end().to_iso8601(), "2026-01-03T00:00:00.000Z");
/// assert_eq!(day.before().to_string(), "2026-01-01");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Day(NaiveDate);

/// A text that is no day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a day: expected the form 2026-11-28")]
pub struct InvalidDay;

impl Day {
    pub fn of(time: Timestamp) -> Self {
        let time = chrono::DateTime::from_timestamp_millis(time.as_millis());
        Self(time.unwrap_or_default().date_naive())
    }

    /// When the next day begins.
    pub fn end(self) -> Timestamp {
        let next = self.0.checked_add_days(Days::new(1)).unwrap_or(self.0);
        let midnight = next.and_time(NaiveTime::MIN).and_utc();
        Timestamp::from_millis(midnight.timestamp_millis())
    }

    /// The day before it.
    #[must_use]
    pub fn before(self) -> Self {
        Self(self.0.checked_sub_days(Days::new(1)).unwrap_or(self.0))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0.format("%Y-%m-%d"))
    }
}

impl FromStr for Day {
    type Err = InvalidDay;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| InvalidDay)?;
        let day = Self(date);
        (day.to_string() == text).then_some(day).ok_or(InvalidDay)
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}

impl TryFrom<String> for Day {
    type Error = InvalidDay;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_reads_back_as_written() {
        let day = Day::of(Timestamp::EPOCH);
        assert_eq!(day.to_string().parse(), Ok(day));
        assert_eq!(day.end().as_secs(), 86_400);
        assert_eq!(Day::of(day.end()).before(), day);
        for text in ["", "2026-1-2", "2026-02-30", "limits", "2026-01-02T00:00"] {
            assert_eq!(text.parse::<Day>(), Err(InvalidDay), "{text}");
        }
    }
}
