//! Sets up logs, on stderr.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

const EXPECTED: &str = "a level (`error`, `warn`, `info`, `debug`, `trace`, `off`), alone or for a target, as in \
                        `local_stack=debug,warn`";

/// By default only warnings are logged, so that an answer stands alone. `-v` adds what happens, and the functions'
/// logs. The local table warns of each condition that isn't met, which is how leases work. AWS's SDK warns of each
/// place where a laptop has neither a Region nor credentials.
///
/// Colours are for a terminal, unless `NO_COLOR` is set.
///
/// # Errors
/// If `RUST_LOG` is not valid.
pub fn init(verbose: u8, rust_log: Option<&str>, no_color: Option<&str>) -> Result<(), String> {
    let default = match verbose {
        0 => "warn,aws_config=error,dynoxide::server=error",
        1 => "info,dynoxide::server=error",
        _ => {
            "info,dynoxide::server=error,request=debug,worker=debug,tokencast=debug,tokencast_client=debug,local_stack=debug"
        }
    };
    let directives = rust_log
        .filter(|directives| !directives.trim().is_empty())
        .unwrap_or(default);
    let wrong = || format!("`RUST_LOG` is `{directives}`, expected {EXPECTED}");
    // The library takes a word that is no level for a target, so `verbose` would silence everything.
    let is_level = |directive: &str| {
        directive.contains(['=', '[']) || directive.trim().parse::<LevelFilter>().is_ok()
    };
    if !directives.split(',').all(is_level) {
        return Err(wrong());
    }
    let filter = EnvFilter::try_new(directives).map_err(|_| wrong())?;
    // A second call in one process, as in a test, keeps the first call's logs.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(no_color.unwrap_or_default().is_empty() && std::io::stderr().is_terminal())
        .try_init();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rust_log: Option<&str>, understood: bool) {
        let got = init(0, rust_log, None);
        assert_eq!(got.is_ok(), understood, "{rust_log:?}: {got:?}");
        if let (Err(error), Some(value)) = (got, rust_log) {
            let begins = format!("`RUST_LOG` is `{value}`, expected a level (`error`");
            assert!(error.starts_with(&begins), "{error}");
        }
    }

    #[test]
    fn what_is_no_level_is_refused() {
        check(None, true);
        check(Some(" "), true);
        check(Some("debug"), true);
        check(Some("tokencast=debug,warn"), true);
        check(Some("tokencast[span{field=1}]=trace"), true);
        check(Some("verbose"), false);
        check(Some("tokencast=verbose"), false);
        check(Some("info,tokencast"), false);
    }
}
