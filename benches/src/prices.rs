//! AWS's list prices of us-east-1 as of November 2026, without free tiers, for functions on `x86_64`. Prices change:
//! look them up before you rely on them.

use std::time::Duration;

/// Prices are in dollars for a million.
const MILLION: f64 = 1e6;

/// One thing that is billed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    pub name: &'static str,
    /// The price of one.
    pub dollars: f64,
}

const fn per_million(name: &'static str, dollars: f64) -> Price {
    Price {
        name,
        dollars: dollars / MILLION,
    }
}

pub const APPSYNC_OPERATION: Price = per_million("AppSync operations", 4.00);
/// One update is each 5 kB of an event for one subscriber.
pub const APPSYNC_UPDATE: Price = per_million("AppSync real-time updates", 2.00);
pub const APPSYNC_MINUTE: Price = per_million("AppSync connection minutes", 0.08);
/// One request is each 64 KB of it.
pub const SQS_REQUEST: Price = per_million("SQS requests", 0.40);
pub const LAMBDA_REQUEST: Price = per_million("Lambda requests", 0.20);
pub const LAMBDA_X86_GB_SECOND: Price = per_million("Lambda GB-s, x86_64", 16.666_7);
/// The on-demand price of each KB of an item.
pub const DYNAMODB_WRITE_UNIT: Price = per_million("DynamoDB write units", 0.625);
/// The on-demand price of each 4 KB of an item that is read consistently.
pub const DYNAMODB_READ_UNIT: Price = per_million("DynamoDB read units", 0.125);

/// The quantity of each thing that is billed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quantities {
    pub appsync_operations: f64,
    pub appsync_updates: f64,
    pub appsync_minutes: f64,
    pub sqs_requests: f64,
    pub lambda_requests: f64,
    pub lambda_gb_seconds: f64,
    pub dynamodb_write_units: f64,
    pub dynamodb_read_units: f64,
}

impl Quantities {
    /// Returns each price with its quantity.
    pub fn lines(&self) -> [(Price, f64); 8] {
        [
            (APPSYNC_OPERATION, self.appsync_operations),
            (APPSYNC_UPDATE, self.appsync_updates),
            (APPSYNC_MINUTE, self.appsync_minutes),
            (SQS_REQUEST, self.sqs_requests),
            (LAMBDA_REQUEST, self.lambda_requests),
            (LAMBDA_X86_GB_SECOND, self.lambda_gb_seconds),
            (DYNAMODB_WRITE_UNIT, self.dynamodb_write_units),
            (DYNAMODB_READ_UNIT, self.dynamodb_read_units),
        ]
    }

    pub fn dollars(&self) -> f64 {
        let lines = self.lines();
        lines
            .iter()
            .map(|(price, count)| price.dollars * count)
            .sum()
    }
}

/// Returns the GB-seconds billed for one invocation: each millisecond that has begun, times the memory.
pub fn gb_seconds(duration: Duration, memory_mb: u32) -> f64 {
    let millis = (duration.as_secs_f64() * 1e3).ceil();
    millis / 1e3 * f64::from(memory_mb) / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bill_adds_up() {
        let quantities = Quantities {
            appsync_operations: 100.0,
            appsync_updates: 50.0,
            sqs_requests: 5.0,
            lambda_gb_seconds: 2.0,
            ..Quantities::default()
        };
        let expected = (400.0 + 100.0 + 2.0 + 2.0 * 16.666_7) / 1e6;
        let dollars = quantities.dollars();
        assert!((dollars - expected).abs() < 1e-12, "{dollars}");
    }

    #[test]
    fn a_millisecond_that_has_begun_is_billed() {
        let billed = gb_seconds(Duration::from_micros(1_200), 512);
        assert!((billed - 0.001).abs() < 1e-12, "{billed}");
    }
}
