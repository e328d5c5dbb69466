//! The benchmarks: builds the programs that they measure, and runs them.

use std::time::Duration;

use crate::cli::{Bench, Cost};
use crate::guard;
use crate::npm;
use crate::package;
use crate::process::{cargo, command, root, run as run_program};
use crate::step::Steps;

const PERFORMANCE: &str = "docs/PERFORMANCE.md";

/// A laptop needs this time to cool down after the build.
const SETTLE: Duration = Duration::from_secs(2);

pub fn run(steps: &mut Steps, bench: &Bench) {
    if bench.name.as_deref() == Some("guard") {
        steps.run("instruction counts", || guard::check(bench.bless));
        return;
    }
    if bench.name.as_deref() == Some("pages") {
        pages(steps);
        return;
    }
    if bench.name.as_deref() == Some("first-minutes") {
        first_minutes(steps, bench.quick);
        return;
    }
    let name = bench.name.clone();
    let report = (!bench.quick).then_some(PERFORMANCE);
    measure(steps, name.into_iter().collect(), report, bench.quick);
}

/// Measures the web pages in a browser, against a stack of their own, and prints the figures.
fn pages(steps: &mut Steps) {
    let mut web = None;
    let ready = steps.run("build the command", || {
        web = npm::packages()?
            .into_iter()
            .find(|package| package.folder == "web");
        run_program(cargo(&["build", "--locked", "--package", "tokencast-cli"]))
    });
    if let Some(web) = web.filter(|_| ready)
        && web.install(steps)
    {
        web.run(steps, &["bench"]);
    }
}

/// Measures what a newcomer waits for: the command's installation, its start, and the first token. `quick` takes the
/// command's development build.
fn first_minutes(steps: &mut Steps, quick: bool) {
    if !package::npm::run_command(steps, quick) {
        return;
    }
    steps.run("first minutes", || {
        let mut measure = command("node", &["examples/first-minutes.mjs"]);
        measure.arg(package::npm::directory());
        run_program(measure)
    });
}

pub fn cost(steps: &mut Steps, cost: &Cost) {
    let arguments = std::iter::once("cost".to_owned()).chain(cost.arguments.iter().cloned());
    let report = cost.arguments.is_empty().then_some(PERFORMANCE);
    measure(steps, arguments.collect(), report, false);
}

/// Runs the benchmarks. Writes their sections of `report`, if one is given.
fn measure(steps: &mut Steps, arguments: Vec<String>, report: Option<&str>, quick: bool) {
    // The functions are measured as they are deployed.
    if !package::run(steps) {
        return;
    }
    let built = steps.run("build the benchmarks", || {
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
    steps.run("bench", || {
        std::thread::sleep(SETTLE);
        let program = root().join("target/release/benches");
        let mut benches = command(&program.to_string_lossy(), &[]);
        benches.arg("--functions-dir").arg(package::directory());
        if quick {
            benches.arg("--quick");
        }
        if let Some(report) = report {
            benches.arg("--report").arg(root().join(report));
        }
        benches.args(arguments);
        run_program(benches)
    });
}
