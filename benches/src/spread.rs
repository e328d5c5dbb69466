//! A figure that is measured several times.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;

/// The median, least and greatest value of the repetitions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub median: f64,
    pub least: f64,
    pub greatest: f64,
}

impl Spread {
    /// Computes the spread of at least one repetition.
    pub fn of(repetitions: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = repetitions.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        let last = sorted.len().saturating_sub(1);
        Self {
            median: f64::midpoint(at(last / 2), at(sorted.len() / 2)),
            least: at(0),
            greatest: at(last),
        }
    }

    pub fn text(&self, unit: &str) -> String {
        let Self {
            median,
            least,
            greatest,
        } = *self;
        if least.to_bits() == greatest.to_bits() {
            return format!("{}{unit}", Figure(median));
        }
        format!(
            "{}{unit} ({} to {})",
            Figure(median),
            Figure(least),
            Figure(greatest)
        )
    }
}

/// Ten minutes. A longer time counts as this one.
const MAX_MICROS: u64 = 600_000_000;

/// The times within one repetition, in milliseconds.
#[derive(Clone, Debug)]
pub struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, MAX_MICROS, 3).expect("the bounds are valid"))
    }
}

impl Times {
    pub fn add(&mut self, time: Duration) {
        self.0
            .saturating_record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    pub fn merge(&mut self, others: &Self) {
        // Both histograms have the same bounds.
        let _ = self.0.add(&others.0);
    }

    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    pub fn p99(&self) -> f64 {
        self.quantile(0.99)
    }

    fn quantile(&self, quantile: f64) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "minutes in microseconds, at most"
        )]
        let micros = self.0.value_at_quantile(quantile) as f64;
        micros / 1_000.0
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts and sizes, far below 2^52"
)]
pub fn to_f64(number: u64) -> f64 {
    number as f64
}

pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// Formats a number with about three digits.
struct Figure(f64);

impl fmt::Display for Figure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(value) = *self;
        if value.fract() == 0.0 || value.abs() >= 100.0 {
            write!(formatter, "{value:.0}")
        } else if value.abs() >= 10.0 {
            write!(formatter, "{value:.1}")
        } else {
            write!(formatter, "{value:.2}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_the_median_and_its_bounds() {
        assert_eq!(Spread::of([3.0, 1.0, 2.0]).text(" ms"), "2 ms (1 to 3)");
        assert_eq!(Spread::of([1.0, 2.0]).text(""), "1.50 (1 to 2)");
        assert_eq!(Spread::of([4.25]).text(" ms"), "4.25 ms");
    }

    #[test]
    fn quantiles_of_times() {
        let mut times = Times::default();
        for millis in 1..=100 {
            times.add(Duration::from_millis(millis));
        }
        assert!((times.median() - 50.0).abs() < 0.1, "{}", times.median());
        assert!((times.p99() - 99.0).abs() < 0.1, "{}", times.p99());
    }
}
