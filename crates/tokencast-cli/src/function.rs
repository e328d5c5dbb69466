//! `tokencast function` and `tokencast exec-function`: the commands that the local stack starts as functions.
//!
//! A stack that is killed can't end its functions, and a busy function doesn't ask the Runtime API for minutes. So on
//! Linux a function asks the kernel to kill it when its stack is gone. Elsewhere, or if the stack ends before the
//! function has asked, the function ends with its next call of the Runtime API, which nobody answers.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::cli::FunctionName;
use crate::exit::{Exit, say};

/// Runs a function's runtime loop until the runtime ends it. One executable is the whole system.
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

/// Replaces this process by a packaged function. The process stays the same, so the kernel's signal still reaches it.
pub fn exec(program: &Path) -> ExitCode {
    end_with_parent();
    let mut command = Command::new(program);
    if let Some(task_root) = program.parent() {
        // The stack took the working directory from the path of this executable.
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
