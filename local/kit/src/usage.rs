//! Counts of the requests to each service, from which the cost on AWS can be worked out.
//!
//! | service | operation | counted where |
//! | --- | --- | --- |
//! | `sqs`, `dynamodb`, `cognito`, `bedrock` | AWS's name of the operation | at the gateway, with its response |
//! | `appsync` | the response's root fields, such as `publishToken`; `error` if it has none | at the gateway |
//! | `realtime`, `websocket` | `connect` | at the gateway; the duration once the socket has ended |
//! | `realtime` | `start`: a subscription; `data`: an event for one subscriber | at the fan-out |
//! | `websocket` | a route, such as `stream`: a client's message; `data`: a message to a client | at the socket |
//! | `executeapi` | `PostToConnection`, `GetConnection`, `DeleteConnection` | at the gateway |
//! | `functionurl` | `Invoke` | at the gateway, once the response has ended |
//! | `lambda` | the function's name, whoever invokes it | once the invocation has ended |
//!
//! A request that a fault answered or cut isn't counted.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

/// Operation names come from requests. Beyond this many, further names are counted together as `other`.
const MAX_OPERATIONS: usize = 1_000;

/// The operation that a response was for, in the response's extensions. A service sets it where the request alone
/// doesn't tell the gateway.
#[derive(Clone, Debug)]
pub struct OperationName(pub String);

/// The counts of a stack. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    counts: Arc<Mutex<BTreeMap<(&'static str, String), Count>>>,
}

/// How often an operation was asked for, and how much it moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Count {
    pub count: u64,
    /// Bytes of bodies, messages and events. HTTP headers don't count, nor does what a function streamed.
    pub bytes_in: u64,
    pub bytes_out: u64,
    /// The units that AWS bills: 5 KB of an AppSync event (`realtime`), 32 KB of an API Gateway message, 64 KB of an
    /// SQS request. Equal to the count for other services.
    pub units: u64,
    /// For functions, the wall time including process starts. For sockets, how long they were open.
    pub duration_ms: u64,
}

/// The counts of one operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OperationUsage {
    pub service: &'static str,
    pub operation: String,
    #[serde(flatten)]
    pub count: Count,
}

impl Usage {
    /// Adds to the counts of one operation.
    pub fn add(&self, service: &'static str, operation: &str, count: Count) {
        let mut counts = self.lock();
        let is_full = counts.len() >= MAX_OPERATIONS;
        let mut key = (service, operation.to_owned());
        if is_full && !counts.contains_key(&key) {
            "other".clone_into(&mut key.1);
        }
        counts.entry(key).or_default().add(count);
    }

    /// The counts of one operation; zeros if it was never asked for.
    pub fn of(&self, service: &'static str, operation: &str) -> Count {
        let counts = self.lock();
        counts
            .get(&(service, operation.to_owned()))
            .copied()
            .unwrap_or_default()
    }

    /// Every operation that was asked for, ordered by service and name.
    pub fn report(&self) -> Vec<OperationUsage> {
        let counts = self.lock();
        let described = counts
            .iter()
            .map(|((service, operation), count)| OperationUsage {
                service,
                operation: operation.clone(),
                count: *count,
            });
        described.collect()
    }

    /// Resets all counts to zero. Requests in progress are counted when they end.
    pub fn reset(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(&'static str, String), Count>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Count {
    /// `count` operations of one unit each.
    pub fn of(count: u64, bytes_in: usize, bytes_out: usize) -> Self {
        Self {
            count,
            bytes_in: bytes_in as u64,
            bytes_out: bytes_out as u64,
            units: count,
            duration_ms: 0,
        }
    }

    /// One operation, whose units follow from its size.
    pub fn metered(bytes_in: u64, bytes_out: u64, unit_bytes: u64) -> Self {
        Self {
            count: 1,
            bytes_in,
            bytes_out,
            units: bytes_in.max(bytes_out).div_ceil(unit_bytes).max(1),
            duration_ms: 0,
        }
    }

    /// The same counts with this duration.
    #[must_use]
    pub fn lasting(mut self, duration: Duration) -> Self {
        self.duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self
    }

    /// The same counts, multiplied.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self {
            count: self.count * times,
            bytes_in: self.bytes_in * times,
            bytes_out: self.bytes_out * times,
            units: self.units * times,
            duration_ms: self.duration_ms * times,
        }
    }

    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
        self.units += other.units;
        self.duration_ms += other.duration_ms;
    }
}

/// A running sum of bytes.
#[derive(Debug, Default)]
pub struct Tally(AtomicU64);

impl Tally {
    pub fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_by_operation() {
        let usage = Usage::default();
        usage.add("sqs", "SendMessage", Count::metered(10, 20, 64 * 1024));
        usage.add("sqs", "SendMessage", Count::metered(65_537, 0, 64 * 1024));
        usage.add(
            "lambda",
            "worker",
            Count::of(1, 5, 6).lasting(Duration::from_secs(2)),
        );
        let expected = Count {
            count: 2,
            bytes_in: 65_547,
            bytes_out: 20,
            units: 3,
            duration_ms: 0,
        };
        assert_eq!(usage.of("sqs", "SendMessage"), expected);
        let names: Vec<_> = usage.report().into_iter().map(|it| it.operation).collect();
        assert_eq!(names, ["worker", "SendMessage"]);
        assert_eq!(usage.of("lambda", "worker").duration_ms, 2_000);
        usage.reset();
        assert_eq!(usage.report(), []);
    }

    #[test]
    fn units_are_rounded_up() {
        for (bytes, units) in [(0, 1), (1, 1), (5_120, 1), (5_121, 2)] {
            assert_eq!(Count::metered(0, bytes, 5_120).units, units, "{bytes}");
        }
        assert_eq!(Count::metered(0, 6_000, 5_120).times(3).units, 6);
    }

    #[test]
    fn names_without_end_are_counted_together() {
        let usage = Usage::default();
        for number in 0..MAX_OPERATIONS + 5 {
            usage.add("cognito", &number.to_string(), Count::of(1, 0, 0));
        }
        assert_eq!(usage.of("cognito", "other").count, 5);
    }
}
