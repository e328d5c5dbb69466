//! Logs, to stderr.

use tracing_subscriber::EnvFilter;

use crate::exit::say;

/// By default only warnings, so that an answer stands alone; `-v` adds what happens, and what the functions log.
pub fn init(verbose: u8, rust_log: Option<&str>) {
    let default = match verbose {
        0 => "warn",
        1 => "info",
        _ => {
            "info,request=debug,worker=debug,tokencast=debug,tokencast_client=debug,tokencast_local=debug"
        }
    };
    let directives = rust_log
        .filter(|directives| !directives.trim().is_empty())
        .unwrap_or(default);
    let filter = EnvFilter::try_new(directives).unwrap_or_else(|error| {
        say!("warning: RUST_LOG is `{directives}`: {error}");
        EnvFilter::new(default)
    });
    // A second call in one process, as in a test, keeps the first one's logs.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .try_init();
}
