//! Runs the soak: many sessions, while every kind of fault happens at random.

use crate::cli::Soak;
use crate::process::{cargo, command, root, run as run_program};
use crate::step::Steps;

pub fn run(steps: &mut Steps, soak: &Soak) {
    let built = steps.run("build the soak", || {
        run_program(cargo(&[
            "build",
            "--locked",
            "--package",
            "system-tests",
            "--bins",
        ]))
    });
    if !built {
        return;
    }
    steps.run("soak", || {
        let program = root().join("target/debug/soak");
        let sessions = soak.sessions.to_string();
        let mut run = command(&program.to_string_lossy(), &["--sessions", &sessions]);
        if let Some(seed) = soak.seed {
            run.args(["--seed", &seed.to_string()]);
        }
        if let Some(via) = &soak.via {
            run.args(["--via", via]);
        }
        run_program(run)
    });
}
