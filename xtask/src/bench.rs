//! The benchmarks: builds what they measure, and runs them.

use std::time::Duration;

use crate::cli::Bench;
use crate::guard;
use crate::package;
use crate::process::{cargo, command, root, run as run_program};
use crate::step::Steps;

/// What a laptop needs to calm down after the build.
const SETTLE: Duration = Duration::from_secs(2);

pub fn run(steps: &mut Steps, bench: &Bench) {
    if bench.name.as_deref() == Some("guard") {
        steps.run("instruction counts", |_| guard::check(bench.bless));
        return;
    }
    // The functions are measured as they are deployed.
    if !package::run(steps) {
        return;
    }
    let built = steps.run("build the benchmarks", |_| {
        run_program(cargo(&[
            "build",
            "--locked",
            "--release",
            "--package",
            "benches",
        ]))
    });
    if !built {
        return;
    }
    steps.run("bench", |_| {
        std::thread::sleep(SETTLE);
        let program = root().join("target/release/benches");
        let mut benches = command(&program.to_string_lossy(), &[]);
        benches.arg("--functions-dir").arg(package::directory());
        if bench.quick {
            benches.arg("--quick");
        } else {
            benches
                .arg("--report")
                .arg(root().join("docs/PERFORMANCE.md"));
        }
        run_program({
            benches.args(&bench.name);
            benches
        })
    });
}
