//! Checks the dependencies against `deny.toml`, with cargo-deny.

use std::path::PathBuf;

use crate::error::TaskError;
use crate::process::{answers, command, root, run};

/// Checks the lock file for every platform. Advisories need their database, which not every machine can fetch. If it
/// can't be fetched, advisories are not checked, and the output says so.
///
/// # Errors
///
/// cargo-deny is not installed, or refuses something.
pub fn check() -> Result<(), TaskError> {
    let deny = find()?;
    let deny = deny.to_string_lossy();
    run(command(
        &deny,
        &["--locked", "check", "bans", "licenses", "sources"],
    ))?;
    if !answers(command(&deny, &["fetch", "db"])) {
        println!("NOT CHECKED: advisories. Their database can't be fetched from here.");
        return Ok(());
    }
    run(command(&deny, &["--locked", "check", "advisories"]))
}

/// Returns the cargo-deny on the path, or the one that `.ci/run` leaves below `target/`.
fn find() -> Result<PathBuf, TaskError> {
    let candidates = [
        PathBuf::from("cargo-deny"),
        root().join("target/venv/bin/cargo-deny"),
    ];
    let found = candidates
        .into_iter()
        .find(|program| answers(command(&program.to_string_lossy(), &["--version"])));
    found.ok_or_else(|| {
        TaskError::Advice(
            "cargo-deny is not installed: `cargo install --locked cargo-deny` does it".to_owned(),
        )
    })
}
