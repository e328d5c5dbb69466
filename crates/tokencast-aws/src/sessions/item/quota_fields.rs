//! The attributes of a session's record by which its owner's quota is settled.

use serde::{Deserialize, Serialize};
use tokencast_core::assistant::{Cost, Price};
use tokencast_core::quota::{Day, Reservation, Spent};
use tokencast_core::session::Session;
use tokencast_core::time::Timestamp;

/// In micro-dollars for a million tokens.
#[derive(Serialize, Deserialize)]
pub(super) struct PriceRecord {
    input: u64,
    output: u64,
    read: u64,
    write: u64,
}

/// A reservation, and what was used of it. `until` is in milliseconds since the Unix epoch, the cost in micro-dollars.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct QuotaRecord {
    day: Day,
    input: u32,
    output: u32,
    until: Timestamp,
    settled: bool,
    spent_tokens: u64,
    spent_cost: u64,
}

impl From<Price> for PriceRecord {
    fn from(price: Price) -> Self {
        Self {
            input: price.input,
            output: price.output,
            read: price.cache_read,
            write: price.cache_write,
        }
    }
}

impl From<PriceRecord> for Price {
    fn from(record: PriceRecord) -> Self {
        Self {
            input: record.input,
            output: record.output,
            cache_read: record.read,
            cache_write: record.write,
        }
    }
}

impl QuotaRecord {
    pub(super) fn of(session: &Session) -> Option<Self> {
        let reserved = session.reservation?;
        Some(Self {
            day: reserved.day,
            input: reserved.input_tokens,
            output: reserved.output_tokens,
            until: reserved.until,
            settled: reserved.is_settled,
            spent_tokens: session.spent.tokens,
            spent_cost: session.spent.cost.as_micros(),
        })
    }

    pub(super) fn reservation(&self) -> Reservation {
        Reservation {
            day: self.day,
            input_tokens: self.input,
            output_tokens: self.output,
            until: self.until,
            is_settled: self.settled,
        }
    }

    pub(super) fn spent(&self) -> Spent {
        Spent {
            tokens: self.spent_tokens,
            cost: Cost::of_micros(self.spent_cost),
        }
    }
}
