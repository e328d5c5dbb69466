//! Installs programs from `PyPI` in a virtual environment below `target/`.

use std::path::PathBuf;

use crate::error::TaskError;
use crate::process::{command, root, run as run_program};

/// Returns the program's path, and installs the program if it is missing. `package` is pip's argument.
///
/// # Errors
///
/// The program can't be installed.
pub fn program(name: &str, package: &str) -> Result<PathBuf, TaskError> {
    let venv = root().join("target/venv");
    let program = directory().join(name);
    if !program.is_file() {
        if !directory().join("pip").is_file() {
            run_program(command("python3", &["-m", "venv", &venv.to_string_lossy()]))?;
        }
        let pip = directory().join("pip");
        let install = ["install", "--quiet", "--disable-pip-version-check", package];
        run_program(command(&pip.to_string_lossy(), &install))?;
    }
    Ok(program)
}

/// Makes an environment of its own below `target/`, with the packages of a requirements file.
///
/// # Errors
///
/// A package can't be installed.
pub fn install(name: &str, requirements: &str) -> Result<(), TaskError> {
    let venv = root().join("target").join(name);
    let pip = venv.join("bin/pip");
    if !pip.is_file() {
        run_program(command("python3", &["-m", "venv", &venv.to_string_lossy()]))?;
    }
    let install = [
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--requirement",
        requirements,
    ];
    run_program(command(&pip.to_string_lossy(), &install))
}

/// Returns the directory of the environment's programs.
pub fn directory() -> PathBuf {
    root().join("target/venv/bin")
}
