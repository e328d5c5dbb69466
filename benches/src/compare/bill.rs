//! What an answer over a delivery is billed for, from what the stack counted.

use local_stack::usage::{Count, Usage};
use tokencast::stack::WORKER_FUNCTION;

use crate::cost::to_f64;
use crate::meter::Counts;
use crate::prices::Quantities;

/// Lambda's own poller receives and deletes each message once.
const POLLER_REQUESTS: f64 = 2.0;

/// The counts of some answers together.
pub(super) struct Counted<'a> {
    pub(super) usage: &'a Usage,
    /// Of the functions' traffic.
    pub(super) functions: &'a Counts,
    pub(super) answers: f64,
    /// Of a client's connection, for one answer.
    pub(super) open_minutes: f64,
}

impl Counted<'_> {
    /// Of one answer. `memory_mb` is a function's.
    pub(super) fn quantities(&self, memory_mb: impl Fn(&str) -> u32) -> Quantities {
        let report = self.usage.report();
        let all = |service: &str, is_it: &dyn Fn(&str) -> bool| {
            let those = report
                .iter()
                .filter(|of| of.service == service && is_it(&of.operation));
            those
                .map(|of| of.count)
                .fold(Count::default(), |mut sum, count| {
                    sum.count += count.count;
                    sum.units += count.units;
                    sum
                })
        };
        let lambda = report.iter().filter(|of| of.service == "lambda");
        let gb_seconds = lambda.map(|of| {
            let gb = f64::from(memory_mb(&of.operation)) / 1024.0;
            to_f64(of.count.duration_ms) / 1e3 * gb
        });
        // A worker has one message an invocation.
        let received = self.usage.of("lambda", WORKER_FUNCTION).count;
        let of_functions = self.functions.sqs().units - self.functions.of("ReceiveMessage").units;
        let updates = all("realtime", &|operation| operation == "data").units;
        // A message either way; the handshake and the management API's answers are none.
        let messages = all("websocket", &|operation| {
            !operation.starts_with('$') && operation != "connect"
        })
        .units;
        let per_answer = |count: f64| count / self.answers;
        Quantities {
            appsync_operations: per_answer(to_f64(all("appsync", &|_| true).count)),
            appsync_updates: per_answer(to_f64(updates)),
            appsync_minutes: if updates > 0 { self.open_minutes } else { 0.0 },
            sqs_requests: per_answer(of_functions + POLLER_REQUESTS * to_f64(received)),
            lambda_requests: per_answer(to_f64(all("lambda", &|_| true).count)),
            lambda_gb_seconds: per_answer(gb_seconds.sum()),
            dynamodb_write_units: per_answer(self.functions.dynamodb_writes().units),
            dynamodb_read_units: per_answer(self.functions.dynamodb_reads().units),
            websocket_messages: per_answer(to_f64(messages)),
            websocket_minutes: if messages > 0 { self.open_minutes } else { 0.0 },
        }
    }
}
