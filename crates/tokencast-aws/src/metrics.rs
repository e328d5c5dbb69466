//! What CloudWatch counts: how long the first token took, and how sessions end.

use crate::telemetry::metric;
use tokencast_core::pipeline::Observation;
use tokencast_core::session::Status;

/// Counts one observation of a session that was asked for at `asked_at_ms`, under the name of a function.
pub fn count(service: &str, observation: Observation, asked_at_ms: Option<i64>, now_ms: i64) {
    match observation {
        Observation::FirstToken { at_ms } => {
            if let Some(asked_at_ms) = asked_at_ms {
                metric(
                    service,
                    "TimeToFirstTokenMs",
                    "Milliseconds",
                    (at_ms - asked_at_ms).max(0),
                    now_ms,
                );
            }
        }
        Observation::Ended { status } => {
            let name = match status {
                Status::Completed => "SessionsCompleted",
                Status::Cancelled => "SessionsCancelled",
                _ => "SessionsFailed",
            };
            metric(service, name, "Count", 1, now_ms);
        }
    }
}
