//! The programs that steps run.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::TaskError;

/// Returns the workspace's root.
pub fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}

/// Variables that `cargo run` sets for xtask. With them, another cargo would rebuild crates that depend on them, such
/// as ring and all that uses it.
const OF_CARGO_RUN: [&str; 3] = ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_PKG_"];

/// Returns a command that runs in the workspace's root and reads nothing from the user.
pub fn command(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if OF_CARGO_RUN.iter().any(|start| name.starts_with(start)) {
            command.env_remove(&*name);
        }
    }
    command.args(args).current_dir(root()).stdin(Stdio::null());
    command
}

pub fn cargo(args: &[&str]) -> Command {
    command("cargo", args)
}

/// Runs a program until it ends successfully.
///
/// # Errors
///
/// The program can't be started, or failed.
pub fn run(mut command: Command) -> Result<(), TaskError> {
    println!("$ {}", shown(&command));
    flush()?;
    let status = command
        .status()
        .map_err(|source| start_error(&command, source))?;
    check(&command, status)
}

/// Returns a program's standard output.
///
/// # Errors
///
/// The program can't be started, or failed.
pub fn output(mut command: Command) -> Result<String, TaskError> {
    command.stderr(Stdio::inherit());
    let output = command
        .output()
        .map_err(|source| start_error(&command, source))?;
    check(&command, output.status)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns a program's standard output and standard error, in that order.
///
/// # Errors
///
/// The program can't be started, or failed.
pub fn output_of_both(mut command: Command) -> Result<String, TaskError> {
    let output = command
        .output()
        .map_err(|source| start_error(&command, source))?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    if !output.status.success() {
        eprint!("{said}");
    }
    check(&command, output.status)?;
    Ok(said)
}

/// Whether a program is installed and runs.
pub fn answers(mut command: Command) -> bool {
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

fn check(command: &Command, status: std::process::ExitStatus) -> Result<(), TaskError> {
    if status.success() {
        return Ok(());
    }
    Err(TaskError::Ended {
        program: shown(command),
        status,
    })
}

fn start_error(command: &Command, source: io::Error) -> TaskError {
    let program = command.get_program().to_string_lossy().into_owned();
    let hint = match program.as_str() {
        "npm" | "npm.cmd" | "node" => "install Node 20 or newer",
        "git" => "install git",
        "python3" => "install Python 3",
        _ => "is it installed?",
    };
    TaskError::Start {
        program,
        hint,
        source,
    }
}

/// Returns a command as one would type it, from the directory that it runs in.
fn shown(command: &Command) -> String {
    let root = root();
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words
        .map(|word| {
            let path = Path::new(word);
            path.strip_prefix(&root)
                .unwrap_or(path)
                .display()
                .to_string()
        })
        .collect();
    words.join(" ")
}

fn flush() -> Result<(), TaskError> {
    let flushed = io::stdout().flush();
    flushed.map_err(TaskError::file("written", "standard output"))
}
