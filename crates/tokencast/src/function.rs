//! `tokencast function`: what the local stack starts, so that one executable is the whole system.

use std::process::ExitCode;

use crate::cli::FunctionName;
use crate::exit::say;

/// Runs a function's runtime loop until the runtime ends it.
pub fn run(name: FunctionName, lookup: impl Fn(&str) -> Option<String>) -> ExitCode {
    // The single place where the functions' code is called.
    let _ = lookup;
    say!("error: function `{name:?}` is not linked into this build");
    ExitCode::FAILURE
}
