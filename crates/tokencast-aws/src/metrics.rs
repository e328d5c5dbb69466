//! The metrics in CloudWatch: how long the first token took, and how sessions end.

use crate::telemetry::metric;
use tokencast_core::pipeline::Observation;
use tokencast_core::session::Status;
use tokencast_core::time::Timestamp;

/// Counts one observation of a session whose client asked at `asked_at`. `service` is the function's name.
pub fn count(service: &str, observation: Observation, asked_at: Option<Timestamp>, now: Timestamp) {
    match observation {
        Observation::FirstToken { at } => {
            if let Some(asked_at) = asked_at {
                let took_ms = i64::try_from(at.since(asked_at).as_millis()).unwrap_or(i64::MAX);
                metric(service, "TimeToFirstTokenMs", "Milliseconds", took_ms, now);
            }
        }
        Observation::Ended { status } => {
            let name = match status {
                Status::Completed => "SessionsCompleted",
                Status::Cancelled => "SessionsCancelled",
                _ => "SessionsFailed",
            };
            metric(service, name, "Count", 1, now);
        }
    }
}
