//! Programs from `PyPI`, in a virtual environment below `target/`.

use std::path::PathBuf;

use crate::error::TaskError;
use crate::process::{command, root, run as run_program};

/// The program, installed first where it is missing. `package` is what pip is asked for.
///
/// # Errors
///
/// It can't be installed.
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

/// An environment of its own below `target/`, with what a requirements file lists.
///
/// # Errors
///
/// Something can't be installed.
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

/// Where its programs are.
pub fn directory() -> PathBuf {
    root().join("target/venv/bin")
}
