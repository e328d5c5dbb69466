//! The worker built in other ways than it is deployed, for `cargo xtask bench variants`: one setting of the profile changed
//! in each.

use std::fs;
use std::path::PathBuf;

use crate::error::TaskError;
use crate::package::{PROFILE, TARGET, archive, binary, copy};
use crate::process::{cargo, root, run as run_program};
use crate::step::Steps;

/// How the directory is called, and the setting: what cargo reads from `CARGO_PROFILE_LAMBDA_…`.
const VARIANTS: [(&str, &str, &str); 3] = [
    ("opt-level = 3", "OPT_LEVEL", "3"),
    ("lto = thin", "LTO", "thin"),
    ("panic = abort", "PANIC", "abort"),
];

const FUNCTION: &str = "worker";

/// Where the variants are.
pub fn directory() -> PathBuf {
    root().join("target/variants")
}

/// Each takes as long as the functions take to build for the first time.
pub fn run(steps: &mut Steps) -> bool {
    // What an earlier run left there would be measured, too. That there is nothing is as good.
    let _ = fs::remove_dir_all(directory());
    VARIANTS.iter().all(|(name, setting, value)| {
        steps.run(&format!("build the worker with {name}"), |_| {
            build(name, setting, value)
        })
    })
}

fn build(name: &str, setting: &str, value: &str) -> Result<(), TaskError> {
    let mut build = cargo(&["build", "--locked", "--profile", PROFILE]);
    build.args(["--target", TARGET, "--package", FUNCTION]);
    let profile = PROFILE.to_uppercase();
    build.env(format!("CARGO_PROFILE_{profile}_{setting}"), value);
    run_program(build)?;
    let directory = directory().join(name).join(FUNCTION);
    fs::create_dir_all(&directory).map_err(TaskError::file("made", &directory))?;
    let bootstrap = directory.join("bootstrap");
    copy(&binary(FUNCTION), &bootstrap)?;
    archive::write(&bootstrap, &directory.join("bootstrap.zip"))
}
