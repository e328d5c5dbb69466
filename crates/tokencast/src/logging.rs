//! Logs, to stderr.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::exit::say;

/// By default only warnings, so that an answer stands alone; `-v` adds what happens, and what the functions log. The table
/// warns of each condition that isn't met, which is how leases work.
///
/// Colours are for a terminal, and not for who has set `NO_COLOR`.
pub fn init(verbose: u8, rust_log: Option<&str>, no_color: Option<&str>) {
    let default = match verbose {
        0 => "warn,dynoxide::server=error",
        1 => "info,dynoxide::server=error",
        _ => {
            "info,dynoxide::server=error,request=debug,worker=debug,tokencast=debug,tokencast_client=debug,tokencast_local=debug"
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
        .with_ansi(no_color.unwrap_or_default().is_empty() && std::io::stderr().is_terminal())
        .try_init();
}
