//! Logs as JSON lines on stdout, where Lambda picks them up. No prompt, token text, JWT or credential is ever a field.

use tracing_subscriber::EnvFilter;

/// The level that a function logs at unless `LOG_LEVEL` says otherwise.
const DEFAULT_FILTER: &str = "info";

/// Starts logging. `filter` is in `tracing`'s form, such as `debug` or `worker=debug,info`.
pub fn init(filter: Option<&str>) {
    let filter = EnvFilter::new(filter.unwrap_or(DEFAULT_FILTER));
    // Lambda stamps each line itself.
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .without_time()
        .with_env_filter(filter);
    // Logging that was started before, by whoever runs the function in its own process, stays as it is.
    let _already_started = subscriber.try_init();
}
