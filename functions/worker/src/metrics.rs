//! What CloudWatch counts: how long the first token took, and how sessions end.

use tokencast_aws::telemetry::metric;
use tokencast_core::pipeline::Observation;
use tokencast_core::session::Status;

const SERVICE: &str = "worker";

/// Counts one observation of a session whose prompt went into the queue at `queued_at_ms`.
pub fn count(observation: Observation, queued_at_ms: Option<i64>, now_ms: i64) {
    match observation {
        Observation::FirstToken { at_ms } => {
            if let Some(queued_at_ms) = queued_at_ms {
                metric(
                    SERVICE,
                    "TimeToFirstTokenMs",
                    "Milliseconds",
                    (at_ms - queued_at_ms).max(0),
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
            metric(SERVICE, name, "Count", 1, now_ms);
        }
    }
}
