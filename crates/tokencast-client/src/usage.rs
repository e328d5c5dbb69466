//! What answers cost, and what a caller has used of their quota.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const MILLION: f64 = 1e6;

/// An amount of money. The API tells it in US dollars; it is kept in whole micro-dollars.
///
/// ```
/// use tokencast_client::Cost;
///
/// let cost: Cost = serde_json::from_str("0.0123")?;
/// assert_eq!(cost.micro_dollars(), 12_300);
/// assert_eq!(cost.to_string(), "$0.0123");
/// assert_eq!(serde_json::from_str::<Cost>("1.5")?.to_string(), "$1.50");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cost(u64);

impl Cost {
    /// Millionths of a dollar.
    pub fn micro_dollars(self) -> u64 {
        self.0
    }

    /// In US dollars.
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact up to nine thousand million dollars"
    )]
    pub fn dollars(self) -> f64 {
        self.0 as f64 / MILLION
    }
}

/// With at least two decimals, and as many as it has.
impl fmt::Display for Cost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (dollars, micros) = (self.0 / 1_000_000, self.0 % 1_000_000);
        let decimals = format!("{micros:06}");
        let decimals = decimals.trim_end_matches('0');
        write!(formatter, "${dollars}.{decimals:0<2}")
    }
}

impl Serialize for Cost {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.dollars())
    }
}

impl<'de> Deserialize<'de> for Cost {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const MOST: f64 = 1e9;
        let dollars = f64::deserialize(deserializer)?;
        if !(0.0..=MOST).contains(&dollars) {
            return Err(serde::de::Error::custom("no amount of dollars"));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "within the range above"
        )]
        Ok(Self((dollars * MILLION).round() as u64))
    }
}

/// `Usage` of the schema: what the caller has used of a day's quota. [`Client::usage`](crate::Client::usage) reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QuotaUsage {
    /// In UTC, such as `2026-11-28`.
    pub day: String,
    /// When the next day begins: ISO 8601, UTC.
    pub resets_at: String,
    /// Starts in the current minute.
    pub starts_per_minute: QuotaLimit,
    /// Starts of the day.
    pub starts_per_day: QuotaLimit,
    /// Tokens of the day, with what is reserved for the sessions that are not over.
    pub tokens_per_day: QuotaLimit,
    /// Sessions that are not over.
    pub sessions_at_once: QuotaLimit,
    /// What the day's answers cost; `None` where no model has a price.
    #[serde(default)]
    pub cost: Option<Cost>,
}

/// `UsageLimit` of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaLimit {
    /// What is used.
    pub used: u64,
    /// `None`: there is no such limit.
    #[serde(default)]
    pub limit: Option<u64>,
    /// What is left of the limit.
    #[serde(default)]
    pub left: Option<u64>,
}
