//! What a session holds of its owner's quota, and what it has used.

use std::time::Duration;

use super::Day;
use crate::assistant::{Cost, Price};
use crate::event::Usage;
use crate::time::Timestamp;

/// A token has about this many bytes, where no model counted. It is on the safe side for English.
const BYTES_PER_TOKEN: usize = 3;

/// How long after its time to start a session may still run: a function runs for 15 minutes at most.
const RUNS_WITHIN: Duration = Duration::from_mins(15);

/// What a session holds of its owner's quota, from its start to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The day of the start, whose quota it is.
    pub day: Day,
    /// About what the model will read.
    pub input_tokens: u32,
    /// The most that the model may write.
    pub output_tokens: u32,
    /// The reservation counts until then, even if nobody settles it.
    pub until: Timestamp,
    /// Whether the session's end has replaced the reservation by what was used.
    pub is_settled: bool,
}

/// What a session has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Tokens that models read and wrote, cached ones included.
    pub tokens: u64,
    pub cost: Cost,
}

impl Reservation {
    pub fn new(input_tokens: u32, output_tokens: u32, start_by: Timestamp, now: Timestamp) -> Self {
        Self {
            day: Day::of(now),
            input_tokens,
            output_tokens,
            until: until(start_by),
            is_settled: false,
        }
    }

    /// All that is reserved.
    pub fn tokens(&self) -> u64 {
        u64::from(self.input_tokens) + u64::from(self.output_tokens)
    }

    /// The reservation of a session that an operator opens again: of today if the one before is settled.
    #[must_use]
    pub fn reopened(self, start_by: Timestamp, now: Timestamp) -> Self {
        if self.is_settled {
            Self::new(self.input_tokens, self.output_tokens, start_by, now)
        } else {
            let until = until(start_by);
            Self { until, ..self }
        }
    }
}

fn until(start_by: Timestamp) -> Timestamp {
    start_by + RUNS_WITHIN
}

impl Spent {
    /// What an attempt has used: what the model counted, or else about what it read and has said. `None` for `said_bytes`
    /// if nothing was heard of the model.
    pub fn of_attempt(
        reserved: &Reservation,
        price: Option<&Price>,
        counted: Option<Usage>,
        said_bytes: Option<usize>,
    ) -> Self {
        let about = || {
            said_bytes.map(|bytes| Usage {
                input_tokens: reserved.input_tokens,
                output_tokens: about_tokens(bytes),
                ..Usage::default()
            })
        };
        let Some(usage) = counted.or_else(about) else {
            return Self::default();
        };
        Self {
            tokens: usage.all_tokens(),
            cost: price.map(|price| price.cost(&usage)).unwrap_or_default(),
        }
    }

    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            tokens: self.tokens.saturating_add(other.tokens),
            cost: self.cost + other.cost,
        }
    }
}

/// About how many tokens a text of so many bytes has.
pub fn about_tokens(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(BYTES_PER_TOKEN)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START_BY: Timestamp = Timestamp::from_millis(3_600_000);

    #[test]
    fn what_the_model_counted_goes_before_what_was_said() {
        let reserved = Reservation::new(100, 900, START_BY, Timestamp::EPOCH);
        assert_eq!(reserved.tokens(), 1000);
        let price = Price::of_dollars(1.0, 2.0, None, None).expect("a price");
        let counted = Usage {
            input_tokens: 7,
            output_tokens: 5,
            total_tokens: 12,
            cache_read_input_tokens: Some(30),
            cache_write_input_tokens: None,
            cost: None,
        };
        for (counted, said, tokens, micros) in [
            (Some(counted), Some(1), 42, 47),
            (Some(counted), None, 42, 47),
            (None, Some(10), 104, 108),
            (None, Some(0), 100, 100),
            (None, None, 0, 0),
        ] {
            let spent = Spent::of_attempt(&reserved, Some(&price), counted, said);
            assert_eq!((spent.tokens, spent.cost.as_micros()), (tokens, micros));
        }
    }

    #[test]
    fn a_reservation_is_of_the_day_on_which_it_was_made() {
        let reserved = Reservation::new(1, 2, START_BY, Timestamp::EPOCH);
        let later = Timestamp::from_secs(100_000);
        let kept = reserved.reopened(later, later);
        assert_eq!((kept.day, kept.until), (reserved.day, later + RUNS_WITHIN));
        let settled = Reservation {
            is_settled: true,
            ..reserved
        };
        let anew = settled.reopened(later, later);
        assert_eq!((anew.day, anew.is_settled), (Day::of(later), false));
    }
}
