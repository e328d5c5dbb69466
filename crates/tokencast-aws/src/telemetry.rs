//! Logs as JSON lines on stdout, from where Lambda takes them. No field is ever a prompt, a token's text, a JWT or a
//! credential.

use std::panic;

use serde_json::json;
use tokencast_core::time::Timestamp;
use tracing::error;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{ConfigError, Problem};

/// CloudWatch's namespace of every metric.
pub const NAMESPACE: &str = "Tokencast";

/// The level of logging if `LOG_LEVEL` is not set.
const DEFAULT_LEVEL: LevelFilter = LevelFilter::INFO;

/// Starts logging, at the levels of `LOG_LEVEL`.
///
/// # Errors
/// `LOG_LEVEL` can't be understood. Logging has started all the same, so that the error can be logged.
pub fn init(lookup: &dyn Fn(&str) -> Option<String>) -> Result<(), ConfigError> {
    let value = lookup("LOG_LEVEL").filter(|value| !value.trim().is_empty());
    let filter = match &value {
        None => Some(Targets::new().with_default(DEFAULT_LEVEL)),
        Some(value) => levels(value),
    };
    let understood = filter.is_some();
    start(filter.unwrap_or_else(|| Targets::new().with_default(DEFAULT_LEVEL)));
    if understood {
        return Ok(());
    }
    Err(ConfigError(vec![Problem {
        name: "LOG_LEVEL",
        value,
        expected: "`error`, `warn`, `info`, `debug`, `trace` or `off`, alone or for a target, as in `worker=debug,info`"
            .to_owned(),
    }]))
}

/// This is not an `EnvFilter`, whose regular expressions would be a fortieth of the binary. Nor does `Targets` read the
/// value itself: it takes an unknown level for a target, so that `verbose` would silence everything.
fn levels(value: &str) -> Option<Targets> {
    let level = |text: &str| {
        let text = text.trim();
        // The library reads an empty text as `error`.
        let level: Option<LevelFilter> = text.parse().ok();
        level.filter(|_| !text.is_empty())
    };
    let mut filter = Targets::new().with_default(DEFAULT_LEVEL);
    for directive in value.split(',') {
        filter = match directive.split_once('=') {
            Some((target, of_target)) => filter.with_target(target.trim(), level(of_target)?),
            None => filter.with_default(level(directive)?),
        };
    }
    Some(filter)
}

fn start(filter: Targets) {
    // Lambda adds the time to each line.
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .without_time();
    let subscriber = tracing_subscriber::registry().with(lines).with(filter);
    // If a program that runs the function in its own process has started logging, that stays.
    let _already_started = subscriber.try_init();
    // Logs the location of a panic, and not its message, which may quote what was worked on.
    panic::set_hook(Box::new(|panicked| {
        let location = panicked.location().map(ToString::to_string);
        error!(location, "panicked");
    }));
}

/// Writes a metric into the log in CloudWatch's embedded metric format, which needs no call.
///
/// `unit` is one of CloudWatch's, such as `Count` or `Milliseconds`.
pub fn metric(service: &str, name: &str, unit: &str, value: i64, now: Timestamp) {
    let line = json!({
        "_aws": {
            "Timestamp": now,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: Option<&str>) {
        let got = levels(value).map(|filter| filter.to_string());
        let expected = expected.map(|same| levels(same).expect("levels").to_string());
        assert_eq!(got, expected, "{value}");
    }

    #[test]
    fn a_level_is_a_word_that_is_known() {
        check("debug", Some("debug"));
        check(" WARN ", Some("warn"));
        check("off", Some("off"));
        check("worker=debug, info", Some("worker=debug,info"));
        // What it doesn't name keeps the default.
        check("worker=debug", Some("worker=debug,info"));
        check("verbose", None);
        check("worker=verbose", None);
        check("worker=", None);
        check("info,", None);
        check("info,worker", None);
    }

    #[test]
    fn a_level_that_is_not_understood_is_named() {
        let lookup = |name: &str| (name == "LOG_LEVEL").then(|| "verbose".to_owned());
        let error = init(&lookup).expect_err("refused").to_string();
        let begins = "`LOG_LEVEL` is `verbose`, expected `error`, `warn`,";
        assert!(error.starts_with(begins), "{error}");
        assert_eq!(init(&|_| None), Ok(()));
        assert_eq!(init(&|_| Some(String::new())), Ok(()));
    }
}
