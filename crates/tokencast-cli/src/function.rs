//! `tokencast function` and `tokencast exec-function`: what the local stack starts.
//!
//! A stack that is killed can't end its functions any more, and one that is busy doesn't ask the Runtime API for minutes. So
//! a function has the kernel kill it when its stack is gone, where the kernel can (Linux). Elsewhere, and should the stack end
//! before that is arranged, it ends with its next call of the Runtime API, which nobody answers.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::cli::FunctionName;
use crate::exit::{Exit, say};

/// Runs a function's runtime loop until the runtime ends it: one executable is the whole system.
pub fn run(name: FunctionName, lookup: impl Fn(&str) -> Option<String>) -> ExitCode {
    end_with_parent();
    match name {
        FunctionName::Request => request::main_with(lookup),
        FunctionName::FunctionUrl => function_url::main_with(lookup),
        FunctionName::Websocket => websocket::main_with(lookup),
        FunctionName::WebsocketAuthorizer => websocket_authorizer::main_with(lookup),
        FunctionName::Worker => worker::main_with(lookup),
    }
}

/// Becomes a packaged function: the same process, so that what was arranged for it holds.
pub fn exec(program: &Path) -> ExitCode {
    end_with_parent();
    let mut command = Command::new(program);
    if let Some(task_root) = program.parent() {
        // The stack saw this executable's directory.
        command
            .current_dir(task_root)
            .env("LAMBDA_TASK_ROOT", task_root);
    }
    let error = command.exec();
    say!("error: cannot run {}: {error}", program.display());
    Exit::Stack.into()
}

#[cfg(target_os = "linux")]
fn end_with_parent() {
    use rustix::process::{Signal, set_parent_process_death_signal};
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        say!("warning: this function would outlive its stack: {error}");
    }
}

#[cfg(not(target_os = "linux"))]
fn end_with_parent() {}
