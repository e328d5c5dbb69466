//! `tokencast function`: what the local stack starts, so that one executable is the whole system.

use std::process::ExitCode;

use crate::cli::FunctionName;

/// Runs a function's runtime loop until the runtime ends it.
pub fn run(name: FunctionName, lookup: impl Fn(&str) -> Option<String>) -> ExitCode {
    match name {
        FunctionName::Request => request::main_with(lookup),
        FunctionName::StreamUrl => stream_url::main_with(lookup),
        FunctionName::Websocket => websocket::main_with(lookup),
        FunctionName::Worker => worker::main_with(lookup),
    }
}
