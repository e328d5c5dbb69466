//! Runs exactly what CI runs.

use crate::process::{cargo, run as run_program};
use crate::step::Steps;
use crate::{deny, drift, guard, npm, test};

pub fn run(steps: &mut Steps) {
    steps.run("format", || {
        run_program(cargo(&["fmt", "--all", "--check"]))
    });
    steps.run("clippy", || {
        let lint = [
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ];
        run_program(cargo(&lint))
    });
    test::run(steps, false);
    // The tests don't build the pages as they are published.
    for package in npm::packages().unwrap_or_default() {
        if package.folder == "web" {
            package.run(steps, &["build"]);
        }
    }
    steps.run("instruction counts", || guard::check(false));
    steps.run("dependencies", deny::check);
    steps.run("generated files", drift::check);
}
