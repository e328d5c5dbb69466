//! What an owner has used, and what is left.

use super::{Day, Ledger, LimitName, Limits};
use crate::assistant::Cost;
use crate::time::Timestamp;

/// What an owner has used of a day's quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageReport {
    pub day: Day,
    /// When the next day begins.
    pub resets_at: Timestamp,
    pub starts_per_minute: LimitUse,
    pub starts_per_day: LimitUse,
    pub tokens_per_day: LimitUse,
    pub sessions_at_once: LimitUse,
    /// `None` where no model has a price.
    pub cost: Option<Cost>,
}

/// What is used of one limit, with what is reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitUse {
    pub used: u64,
    /// `None`: there is no such limit.
    pub limit: Option<u32>,
}

impl LimitUse {
    /// `None` where there is no limit.
    pub fn left(&self) -> Option<u64> {
        let limit = self.limit?;
        Some(u64::from(limit).saturating_sub(self.used))
    }
}

impl UsageReport {
    /// The report of a day's ledger. `before` is that of the day before; `has_prices`: whether there are costs.
    pub fn new(
        ledger: &Ledger,
        before: Option<&Ledger>,
        limits: &Limits,
        has_prices: bool,
        now: Timestamp,
    ) -> Self {
        let used = |name: LimitName| LimitUse {
            used: ledger.used(name, before, now),
            limit: limits.get(name),
        };
        Self {
            day: ledger.day,
            resets_at: ledger.day.end(),
            starts_per_minute: used(LimitName::StartsPerMinute),
            starts_per_day: used(LimitName::StartsPerDay),
            tokens_per_day: used(LimitName::TokensPerDay),
            sessions_at_once: used(LimitName::SessionsAtOnce),
            cost: has_prices.then_some(ledger.spent.cost),
        }
    }

    pub fn get(&self, name: LimitName) -> LimitUse {
        match name {
            LimitName::StartsPerMinute => self.starts_per_minute,
            LimitName::StartsPerDay => self.starts_per_day,
            LimitName::TokensPerDay => self.tokens_per_day,
            LimitName::SessionsAtOnce => self.sessions_at_once,
        }
    }
}
