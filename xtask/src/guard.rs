//! The regression guard. It counts instructions, which don't depend on how busy a machine is, with valgrind's
//! callgrind.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::error::TaskError;
use crate::process::{answers, cargo, command, output_of_both, root, run as run_program};

/// The paths of `benches/guard`. A unit is a token or a publish.
const PATHS: [&str; 3] = ["pipeline-joined", "pipeline-token", "publish"];
const UNITS: u64 = 1_000;

/// The counts of one program may differ by this much between machines: the C library chooses how to copy by the
/// processor, and its allocator depends on its version. A change that matters is far greater.
const TOLERANCE_PERCENT: u64 = 5;

/// Counts, and compares the counts with the bounds. With `bless`, the counts become the bounds.
///
/// # Errors
///
/// A path takes more than its bound, or its instructions can't be counted.
pub fn check(bless: bool) -> Result<(), TaskError> {
    if !answers(command("valgrind", &["--version"])) {
        let missing = "valgrind is not installed: `apt-get install valgrind` does it".to_owned();
        if bless {
            return Err(TaskError::Advice(missing));
        }
        println!("NOT CHECKED: instruction counts. {missing}.");
        return Ok(());
    }
    run_program(cargo(&[
        "build",
        "--locked",
        "--profile",
        "guard",
        "--package",
        "guard",
    ]))?;
    let mut counts = BTreeMap::new();
    for path in PATHS {
        counts.insert(path, count(path, UNITS)?.saturating_sub(count(path, 0)?));
    }
    if bless {
        return write(&counts);
    }
    let bounds = read()?;
    let mut exceeded = Vec::new();
    for (path, counted) in counts {
        let Some(bound) = bounds.get(path).and_then(Value::as_u64) else {
            exceeded.push(format!("{path} has no bound"));
            continue;
        };
        let verdict = verdict(counted, bound);
        println!(
            "{path}: {counted} instructions for {UNITS}, bound {bound}: {}",
            verdict.text()
        );
        if verdict == Verdict::More {
            exceeded.push(format!(
                "{path} takes {counted} instructions instead of {bound}"
            ));
        }
    }
    if exceeded.is_empty() {
        return Ok(());
    }
    Err(TaskError::Advice(format!(
        "{}; find what costs that much with callgrind_annotate, or, if it is worth it, renew the bounds by `cargo xtask \
         bench guard --bless`",
        exceeded.join("; ")
    )))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Within,
    Less,
    More,
}

impl Verdict {
    fn text(self) -> &'static str {
        match self {
            Self::Within => "as before",
            Self::Less => "fewer than before; `--bless` keeps that",
            Self::More => "TOO MANY",
        }
    }
}

fn verdict(counted: u64, bound: u64) -> Verdict {
    let tolerance = bound * TOLERANCE_PERCENT / 100;
    if counted > bound + tolerance {
        Verdict::More
    } else if counted + tolerance < bound {
        Verdict::Less
    } else {
        Verdict::Within
    }
}

/// Returns the instructions of a whole run.
fn count(path: &str, units: u64) -> Result<u64, TaskError> {
    let program = root().join("target/guard/guard");
    let mut valgrind = command(
        "valgrind",
        &["--tool=callgrind", "--callgrind-out-file=/dev/null"],
    );
    valgrind.arg(program).args([path, &units.to_string()]);
    let said = output_of_both(valgrind)?;
    collected(&said).ok_or_else(|| {
        TaskError::Advice(format!(
            "valgrind did not say how many instructions {path} took: {said}"
        ))
    })
}

/// Parses a line such as `==123== Collected : 4567`.
fn collected(said: &str) -> Option<u64> {
    let line = said
        .lines()
        .find_map(|line| line.split_once("Collected :"))?;
    line.1.trim().parse().ok()
}

fn bounds_file() -> PathBuf {
    root().join("benches/guard/bounds.json")
}

fn read() -> Result<Value, TaskError> {
    let path = bounds_file();
    let text = fs::read_to_string(&path).map_err(TaskError::file("read", &path))?;
    serde_json::from_str(&text).map_err(|_| TaskError::Advice("bounds.json is no JSON".to_owned()))
}

fn write(counts: &BTreeMap<&str, u64>) -> Result<(), TaskError> {
    let path = bounds_file();
    let text = format!("{:#}\n", json!(counts));
    print!("{text}");
    fs::write(&path, text).map_err(TaskError::file("written", &path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_compared_with_its_bound() {
        for (counted, bound, expected) in [
            (100, 100, Verdict::Within),
            (105, 100, Verdict::Within),
            (106, 100, Verdict::More),
            (95, 100, Verdict::Within),
            (94, 100, Verdict::Less),
            (1, 0, Verdict::More),
        ] {
            assert_eq!(verdict(counted, bound), expected, "{counted} of {bound}");
        }
    }

    #[test]
    fn what_callgrind_says() {
        let said = "==7== Callgrind\n==7== Events    : Ir\n==7== Collected : 168293\n==7==\n";
        assert_eq!(collected(said), Some(168_293));
        assert_eq!(collected("==7== Collected : many"), None);
        assert_eq!(collected(""), None);
    }
}
