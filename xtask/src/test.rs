//! Every test, on any machine with Rust and Node.

use crate::npm;
use crate::process::{cargo, run_counted};
use crate::step::Steps;

/// What an npm package may have to check itself with.
const SCRIPTS: [&str; 3] = ["typecheck", "lint", "test"];

pub fn run(steps: &mut Steps) {
    let mut installed = Vec::new();
    let found = steps.run("npm packages", |_| {
        installed = npm::packages()?;
        for package in &installed {
            println!("{}", package.folder);
        }
        Ok(())
    });
    if !found {
        return;
    }
    // The Rust tests use some of them as referees.
    installed.retain(|package| package.install(steps));
    steps.run("cargo test", |counts| {
        run_counted(cargo(&["test", "--workspace", "--no-fail-fast"]), counts)
    });
    for package in installed {
        // The referees' own test is one of the Rust tests: it needs a stack.
        if package.folder != "tests/referees" {
            package.run(steps, &SCRIPTS);
        }
    }
}
