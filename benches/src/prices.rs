//! What AWS bills, and for how much: list prices of us-east-1 as of November 2026, without free tiers. Looked up before
//! anybody relies on them: they change.

/// Dollars for a million.
const MILLION: f64 = 1e6;

/// One thing that is billed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    pub name: &'static str,
    /// For one.
    pub dollars: f64,
}

const fn per_million(name: &'static str, dollars: f64) -> Price {
    Price {
        name,
        dollars: dollars / MILLION,
    }
}

pub const APPSYNC_OPERATION: Price = per_million("AppSync operations", 4.00);
/// Each 5 kB of an event for one subscriber.
pub const APPSYNC_UPDATE: Price = per_million("AppSync real-time updates", 2.00);
pub const APPSYNC_MINUTE: Price = per_million("AppSync connection minutes", 0.08);
/// Each 64 KB of a request.
pub const SQS_REQUEST: Price = per_million("SQS requests", 0.40);
pub const LAMBDA_REQUEST: Price = per_million("Lambda requests", 0.20);
pub const LAMBDA_ARM_GB_SECOND: Price = per_million("Lambda GB-s, arm64", 13.333_4);
pub const LAMBDA_X86_GB_SECOND: Price = per_million("Lambda GB-s, x86_64", 16.666_7);
/// On demand; each KB of an item.
pub const DYNAMODB_WRITE_UNIT: Price = per_million("DynamoDB write units", 0.625);
/// On demand; each 4 KB of an item that is read consistently.
pub const DYNAMODB_READ_UNIT: Price = per_million("DynamoDB read units", 0.125);
/// Each 32 KB of a message, either way.
pub const WEBSOCKET_MESSAGE: Price = per_million("API Gateway WebSocket messages", 1.00);
pub const WEBSOCKET_MINUTE: Price = per_million("API Gateway connection minutes", 0.25);

/// How much of each.
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
    pub websocket_messages: f64,
    pub websocket_minutes: f64,
}

/// What a function's processor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    Arm64,
    X86,
}

impl Quantities {
    /// Each thing with how much there is of it.
    pub fn lines(&self, architecture: Architecture) -> [(Price, f64); 10] {
        let gb_second = match architecture {
            Architecture::Arm64 => LAMBDA_ARM_GB_SECOND,
            Architecture::X86 => LAMBDA_X86_GB_SECOND,
        };
        [
            (APPSYNC_OPERATION, self.appsync_operations),
            (APPSYNC_UPDATE, self.appsync_updates),
            (APPSYNC_MINUTE, self.appsync_minutes),
            (SQS_REQUEST, self.sqs_requests),
            (LAMBDA_REQUEST, self.lambda_requests),
            (gb_second, self.lambda_gb_seconds),
            (DYNAMODB_WRITE_UNIT, self.dynamodb_write_units),
            (DYNAMODB_READ_UNIT, self.dynamodb_read_units),
            (WEBSOCKET_MESSAGE, self.websocket_messages),
            (WEBSOCKET_MINUTE, self.websocket_minutes),
        ]
    }

    pub fn dollars(&self, architecture: Architecture) -> f64 {
        let lines = self.lines(architecture);
        lines
            .iter()
            .map(|(price, count)| price.dollars * count)
            .sum()
    }
}

/// What a function is billed for one invocation: each millisecond that has begun, times its memory.
pub fn gb_seconds(duration: std::time::Duration, memory_mb: u32) -> f64 {
    let millis = (duration.as_secs_f64() * 1e3).ceil();
    millis / 1e3 * f64::from(memory_mb) / 1024.0
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
        let expected = (400.0 + 100.0 + 2.0 + 2.0 * 13.333_4) / 1e6;
        let arm = quantities.dollars(Architecture::Arm64);
        assert!((arm - expected).abs() < 1e-12, "{arm}");
        assert!(quantities.dollars(Architecture::X86) > arm);
    }

    #[test]
    fn a_millisecond_that_has_begun_is_billed() {
        let billed = gb_seconds(Duration::from_micros(1_200), 512);
        assert!((billed - 0.001).abs() < 1e-12, "{billed}");
    }
}
