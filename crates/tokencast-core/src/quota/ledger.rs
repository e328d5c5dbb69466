//! What an owner has used of a day.

use std::collections::BTreeMap;
use std::time::Duration;

use thiserror::Error;

use super::change::ChangeKind;
use super::{Day, LimitName, Limits, QuotaChange, Reservation, Spent};
use crate::id::SessionId;
use crate::time::Timestamp;

/// The most sessions at once of an owner for whom there is no such limit, so that a ledger fits into a table's item.
const MAX_LIVE: u32 = 2_000;

/// When it is worth trying again after too many sessions at once: one of them may be over at any time.
const TRY_AGAIN: Duration = Duration::from_secs(10);

const MINUTE_MS: i64 = 60_000;

/// What an owner has used of a day, and what is reserved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    pub day: Day,
    pub starts: u32,
    /// What the sessions that are over have used.
    pub spent: Spent,
    /// The minute of the last start, counted from the Unix epoch.
    pub minute: i64,
    /// The starts in that minute.
    pub minute_starts: u32,
    /// The sessions that are not over.
    pub live: BTreeMap<SessionId, Live>,
    /// Attributes by name that only a newer version of this code knows, in the store's own form.
    pub unknown: BTreeMap<String, String>,
}

/// What is reserved for a session that is not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Live {
    pub tokens: u64,
    /// After this time it counts no more.
    pub until: Timestamp,
}

/// A start that a quota refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "the quota {limit} is exceeded: {used} of {most} used{}; try again after {}",
    needs(*needed),
    resets_at.to_iso8601()
)]
pub struct Exceeded {
    pub limit: LimitName,
    pub used: u64,
    pub most: u32,
    /// What the start would have added.
    pub needed: u64,
    /// When the start was refused.
    pub at: Timestamp,
    /// When a start may succeed again.
    pub resets_at: Timestamp,
}

impl Exceeded {
    /// Whether the limit is below what the start needs by itself, so that no wait helps.
    pub fn is_final(&self) -> bool {
        self.needed > u64::from(self.most)
    }

    /// How long to wait before the next try.
    pub fn wait(&self) -> Duration {
        self.resets_at.since(self.at)
    }
}

fn needs(needed: u64) -> String {
    if needed == 1 {
        String::new()
    } else {
        format!(", and this start needs up to {needed}")
    }
}

impl Ledger {
    /// The ledger of a day on which nothing was started yet.
    pub fn new(day: Day) -> Self {
        Self {
            day,
            starts: 0,
            spent: Spent::default(),
            minute: 0,
            minute_starts: 0,
            live: BTreeMap::new(),
            unknown: BTreeMap::new(),
        }
    }

    /// Admits a start: counts it, and reserves what it may use. `before` is the ledger of the day before, whose sessions
    /// may still run.
    ///
    /// # Errors
    ///
    /// [`Exceeded`] if a limit would be exceeded. Of several, the one that lasts longest.
    pub fn reserve(
        mut self,
        before: Option<&Self>,
        limits: &Limits,
        session_id: SessionId,
        reserved: &Reservation,
        now: Timestamp,
    ) -> Result<Self, Exceeded> {
        self.live.retain(|_, live| live.until > now);
        let checks = [
            (LimitName::StartsPerDay, 1),
            (LimitName::TokensPerDay, reserved.tokens()),
            (LimitName::StartsPerMinute, 1),
            (LimitName::SessionsAtOnce, 1),
        ];
        for (limit, needed) in checks {
            let used = self.used(limit, before, now);
            let most = match limit {
                LimitName::SessionsAtOnce => limits.get(limit).or(Some(MAX_LIVE)),
                _ => limits.get(limit),
            };
            if let Some(most) = most.filter(|most| used.saturating_add(needed) > u64::from(*most)) {
                return Err(Exceeded {
                    limit,
                    used,
                    most,
                    needed,
                    at: now,
                    resets_at: self.resets_at(limit, now),
                });
            }
        }
        self.minute_starts = self.starts_in_minute(now).saturating_add(1);
        self.minute = minute(now);
        self.starts = self.starts.saturating_add(1);
        let live = Live {
            tokens: reserved.tokens(),
            until: reserved.until,
        };
        self.live.insert(session_id, live);
        Ok(self)
    }

    /// Notes a change of a session's reservation, which nothing refuses.
    #[must_use]
    pub fn changed(mut self, change: &QuotaChange) -> Self {
        match change.kind {
            ChangeKind::Reserve { tokens, until } => {
                self.live.insert(change.session_id, Live { tokens, until });
            }
            ChangeKind::Settle(spent) => {
                self.live.remove(&change.session_id);
                self.spent = self.spent.plus(spent);
            }
        }
        self
    }

    /// Forgets what was used but for its cost. What is reserved stays.
    #[must_use]
    pub fn reset(mut self) -> Self {
        self.starts = 0;
        self.minute_starts = 0;
        self.spent.tokens = 0;
        self
    }

    /// What is used of a limit. `before` is the ledger of the day before.
    pub fn used(&self, limit: LimitName, before: Option<&Self>, now: Timestamp) -> u64 {
        match limit {
            LimitName::StartsPerMinute => u64::from(self.starts_in_minute(now)),
            LimitName::StartsPerDay => u64::from(self.starts),
            LimitName::TokensPerDay => self.running(now).fold(self.spent.tokens, |sum, live| {
                sum.saturating_add(live.tokens)
            }),
            LimitName::SessionsAtOnce => {
                let before = before.map_or(0, |before| before.running(now).count());
                (self.running(now).count() + before) as u64
            }
        }
    }

    fn running(&self, now: Timestamp) -> impl Iterator<Item = &Live> {
        self.live.values().filter(move |live| live.until > now)
    }

    fn starts_in_minute(&self, now: Timestamp) -> u32 {
        if self.minute == minute(now) {
            self.minute_starts
        } else {
            0
        }
    }

    /// When a start may succeed again that this limit refuses.
    fn resets_at(&self, limit: LimitName, now: Timestamp) -> Timestamp {
        match limit {
            LimitName::StartsPerMinute => Timestamp::from_millis((minute(now) + 1) * MINUTE_MS),
            LimitName::StartsPerDay | LimitName::TokensPerDay => self.day.end(),
            LimitName::SessionsAtOnce => now + TRY_AGAIN,
        }
    }
}

fn minute(now: Timestamp) -> i64 {
    now.as_millis().div_euclid(MINUTE_MS)
}

#[cfg(test)]
mod tests;
