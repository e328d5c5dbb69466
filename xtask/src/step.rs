//! A task's steps: a heading for each, its time, and what came of it.

use std::error::Error as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::count::Counts;
use crate::error::TaskError;

/// The steps so far. A step that fails doesn't keep the next from running, so that one run shows all that is wrong.
pub struct Steps {
    started: Instant,
    done: Vec<Step>,
    counts: Counts,
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
            counts: Counts::default(),
        }
    }

    /// Runs one step; what it counts are tests. Answers whether it went well.
    pub fn run(
        &mut self,
        name: &str,
        work: impl FnOnce(&mut Counts) -> Result<(), TaskError>,
    ) -> bool {
        println!("\n=== {name}");
        let started = Instant::now();
        let failure = work(&mut self.counts).err().map(|error| describe(&error));
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

    /// Prints what was done and how long it took, and last of all how many tests there were.
    pub fn finish(self) -> ExitCode {
        let Self {
            started,
            done,
            counts,
        } = self;
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
        // A step may fail without a failed test, and then a line that says `0 failed` would mislead.
        if counts.ran() && (failures.is_empty() || counts.failed > 0) {
            println!("\n{counts}");
        }
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
