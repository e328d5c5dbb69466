//! A task's steps: prints a heading for each, its time, and its result.

use std::error::Error as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::error::TaskError;

/// The steps so far. The next step runs even if a step fails, so that one run shows everything that is wrong.
pub struct Steps {
    started: Instant,
    done: Vec<Step>,
}

struct Step {
    name: String,
    time: Duration,
    failure: Option<String>,
}

impl Steps {
    pub fn begin() -> Self {
        Self {
            started: Instant::now(),
            done: Vec::new(),
        }
    }

    /// Runs one step. Returns whether it succeeded.
    pub fn run(&mut self, name: &str, work: impl FnOnce() -> Result<(), TaskError>) -> bool {
        println!("\n=== {name}");
        let started = Instant::now();
        let failure = work().err().map(|error| describe(&error));
        let time = started.elapsed();
        match &failure {
            None => println!("=== {name}: {}", seconds(time)),
            Some(failure) => println!("=== {name}: FAILED after {}: {failure}", seconds(time)),
        }
        let well = failure.is_none();
        self.done.push(Step {
            name: name.to_owned(),
            time,
            failure,
        });
        well
    }

    /// Prints each step with its time, and then how many steps succeeded.
    pub fn finish(self) -> ExitCode {
        let Self { started, done } = self;
        println!("\n=== {} in all", seconds(started.elapsed()));
        for step in &done {
            let word = if step.failure.is_some() {
                "FAILED"
            } else {
                "ok"
            };
            println!("{word:>6} {:>9}  {}", seconds(step.time), step.name);
        }
        let failures: Vec<&Step> = done.iter().filter(|step| step.failure.is_some()).collect();
        for step in &failures {
            let failure = step.failure.as_deref().unwrap_or_default();
            println!("\n{}: {failure}", step.name);
        }
        let (passed, failed) = (done.len() - failures.len(), failures.len());
        println!("\n{passed} steps passed, {failed} failed");
        if failures.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

fn describe(error: &TaskError) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    let causes: String = causes.map(|cause| format!(": {cause}")).collect();
    format!("{error}{causes}")
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
