//! What a model's tokens cost.

use std::iter::Sum;
use std::ops::Add;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::event::Usage;

/// A million: of tokens, and of micro-dollars in a dollar.
const MILLION: u64 = 1_000_000;

/// The most dollars that a million tokens may cost. A higher figure is a slip.
const MAX_DOLLARS: f64 = 10_000.0;

/// What a million tokens cost, in micro-dollars. Prices of models have at most six decimals, so this is exact.
///
/// ```
/// use tokencast_core::assistant::Price;
/// use tokencast_core::event::Usage;
///
/// let price = Price::of_dollars(3.0, 15.0, Some(0.3), Some(3.75))?;
/// let usage = Usage {
///     input_tokens: 1000,
///     output_tokens: 200,
///     total_tokens: 1200,
///     ..Usage::default()
/// };
/// assert_eq!(price.cost(&usage).as_micros(), 6000);
/// # Ok::<(), tokencast_core::assistant::InvalidPrice>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// Of input that the model had not in its prompt cache.
    pub input: u64,
    pub output: u64,
    /// Of input that the model had in its prompt cache.
    pub cache_read: u64,
    /// Of input that the model wrote into its prompt cache.
    pub cache_write: u64,
}

/// An amount of money, in micro-dollars. It serializes as dollars.
///
/// ```
/// use tokencast_core::assistant::Cost;
///
/// assert_eq!(Cost::of_micros(1_500_000).as_dollars(), 1.5);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cost(u64);

/// A price that is no price.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("{name} is {found}, expected 0 to {MAX_DOLLARS} dollars")]
pub struct InvalidPrice {
    /// As the assistants' file has it.
    pub name: &'static str,
    pub found: f64,
}

impl Price {
    /// The price by what a million tokens cost in dollars. Without prices of its own, cached input costs as much as other
    /// input.
    ///
    /// # Errors
    ///
    /// [`InvalidPrice`] if a figure is negative, no number, or higher than any model's.
    pub fn of_dollars(
        input: f64,
        output: f64,
        cache_read: Option<f64>,
        cache_write: Option<f64>,
    ) -> Result<Self, InvalidPrice> {
        Ok(Self {
            input: micros("inputPerMillion", input)?,
            output: micros("outputPerMillion", output)?,
            cache_read: micros("cacheReadPerMillion", cache_read.unwrap_or(input))?,
            cache_write: micros("cacheWritePerMillion", cache_write.unwrap_or(input))?,
        })
    }

    /// What these tokens cost, rounded up to micro-dollars.
    pub fn cost(&self, usage: &Usage) -> Cost {
        let parts = [
            (self.input, Some(usage.input_tokens)),
            (self.output, Some(usage.output_tokens)),
            (self.cache_read, usage.cache_read_input_tokens),
            (self.cache_write, usage.cache_write_input_tokens),
        ];
        let sum = parts.into_iter().fold(0_u64, |sum, (price, tokens)| {
            let tokens = u64::from(tokens.unwrap_or_default());
            sum.saturating_add(price.saturating_mul(tokens))
        });
        Cost(sum.div_ceil(MILLION))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "0 to 10,000 million"
)]
fn micros(name: &'static str, dollars: f64) -> Result<u64, InvalidPrice> {
    if (0.0..=MAX_DOLLARS).contains(&dollars) {
        Ok((dollars * 1e6).round() as u64)
    } else {
        let found = dollars;
        Err(InvalidPrice { name, found })
    }
}

impl Cost {
    pub const fn of_micros(micros: u64) -> Self {
        Self(micros)
    }

    pub const fn as_micros(self) -> u64 {
        self.0
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "exact up to nine thousand million dollars"
    )]
    pub fn as_dollars(self) -> f64 {
        self.0 as f64 / 1e6
    }

    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.saturating_add(other)
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), Self::saturating_add)
    }
}

impl Serialize for Cost {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_dollars())
    }
}

impl<'de> Deserialize<'de> for Cost {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const MAX: f64 = 1e9;
        let dollars = f64::deserialize(deserializer)?;
        if !(0.0..=MAX).contains(&dollars) {
            return Err(serde::de::Error::custom("no amount of dollars"));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "within the range above"
        )]
        Ok(Self((dollars * 1e6).round() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(input: u32, output: u32, read: Option<u32>, write: Option<u32>) -> Usage {
        Usage {
            input_tokens: input,
            output_tokens: output,
            cache_read_input_tokens: read,
            cache_write_input_tokens: write,
            ..Usage::default()
        }
    }

    #[test]
    fn tokens_cost_their_price_rounded_up_once() {
        let price = Price::of_dollars(3.0, 15.0, Some(0.3), Some(3.75)).expect("a price");
        for (used, micros) in [
            (usage(0, 0, None, None), 0),
            (usage(1, 0, None, None), 3),
            (usage(0, 1, None, None), 15),
            (usage(0, 0, Some(1), None), 1),
            (usage(0, 0, Some(10), None), 3),
            (usage(0, 0, None, Some(2)), 8),
            (usage(1000, 200, Some(5000), Some(400)), 9000),
        ] {
            assert_eq!(price.cost(&used).as_micros(), micros, "{used:?}");
        }
        let most = usage(u32::MAX, u32::MAX, Some(u32::MAX), Some(u32::MAX));
        assert!(price.cost(&most) > Cost::of_micros(90_000_000_000));
    }

    #[test]
    fn a_cache_without_a_price_costs_as_other_input() {
        let price = Price::of_dollars(3.0, 15.0, None, None).expect("a price");
        assert_eq!(
            (price.cache_read, price.cache_write),
            (3_000_000, 3_000_000)
        );
    }

    #[test]
    fn what_is_no_price_is_refused_by_its_name() {
        for (input, output, read, expected) in [
            (
                -1.0,
                1.0,
                None,
                "inputPerMillion is -1, expected 0 to 10000 dollars",
            ),
            (
                1.0,
                f64::NAN,
                None,
                "outputPerMillion is NaN, expected 0 to 10000 dollars",
            ),
            (
                1.0,
                1.0,
                Some(10_001.0),
                "cacheReadPerMillion is 10001, expected 0 to 10000 dollars",
            ),
        ] {
            let refused = Price::of_dollars(input, output, read, None).expect_err("refused");
            assert_eq!(refused.to_string(), expected);
        }
    }

    #[test]
    fn a_cost_is_dollars_in_json() {
        for micros in [0, 1, 6000, 123_456_789] {
            let cost = Cost::of_micros(micros);
            let json = serde_json::to_string(&cost).expect("serializes");
            assert_eq!(
                serde_json::from_str::<Cost>(&json).expect("reads"),
                cost,
                "{json}"
            );
        }
        serde_json::from_str::<Cost>("-1").expect_err("negative");
    }
}
