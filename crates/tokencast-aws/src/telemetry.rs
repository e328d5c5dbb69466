//! Logs as JSON lines on stdout, where Lambda picks them up. No prompt, token text, JWT or credential is ever a field.

use std::panic;

use serde_json::json;
use tracing::error;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// CloudWatch's namespace of every metric.
pub const NAMESPACE: &str = "Tokencast";

/// The level that a function logs at unless `LOG_LEVEL` says otherwise, or says what can't be understood.
const DEFAULT_LEVEL: LevelFilter = LevelFilter::INFO;

/// Starts logging. `filter` is in `tracing`'s form, such as `debug` or `worker=debug,info`.
pub fn init(filter: Option<&str>) {
    // Not an `EnvFilter`, whose regular expressions would be a fortieth of the binary.
    let filter: Option<Targets> = filter.and_then(|filter| filter.parse().ok());
    let filter = filter.unwrap_or_else(|| Targets::new().with_default(DEFAULT_LEVEL));
    // Lambda stamps each line itself.
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .without_time();
    let subscriber = tracing_subscriber::registry().with(lines).with(filter);
    // Logging that was started before, by whoever runs the function in its own process, stays as it is.
    let _already_started = subscriber.try_init();
    // Where, and not what was said, which may quote what was worked on.
    panic::set_hook(Box::new(|panicked| {
        let location = panicked.location().map(ToString::to_string);
        error!(location, "panicked");
    }));
}

/// Writes a metric into the log in CloudWatch's embedded metric format, which makes a metric of it without a call.
///
/// `unit` is one of CloudWatch's, such as `Count` or `Milliseconds`.
pub fn metric(service: &str, name: &str, unit: &str, value: i64, now_ms: i64) {
    let line = json!({
        "_aws": {
            "Timestamp": now_ms,
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [["Service"]],
                "Metrics": [{ "Name": name, "Unit": unit }],
            }],
        },
        "Service": service,
        name: value,
    });
    println!("{line}");
}
