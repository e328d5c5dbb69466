//! What a function's process writes when something in it panics. Such a process is this program, started again.

use std::process::Command;
use std::thread;

use tokencast_aws::telemetry;

/// What a panic may quote.
const PROMPT: &str = "a secret prompt";

#[test]
#[ignore = "it is the process that the other test looks at"]
fn panicking_process() {
    telemetry::init(&|_| None).expect("no level is the default one");
    let panicked = thread::spawn(|| panic!("not a number: {PROMPT}")).join();
    assert!(panicked.is_err());
}

#[test]
fn a_panic_is_logged_by_its_place_and_not_by_its_words() {
    let program = std::env::current_exe().expect("a test is a program");
    let output = Command::new(program)
        .args(["--exact", "panicking_process", "--ignored", "--nocapture"])
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{output:?}");
    let written = [output.stdout, output.stderr].concat();
    let written = String::from_utf8_lossy(&written);
    assert!(!written.contains(PROMPT), "{written}");
    let logged =
        |line: &str| line.contains(r#""message":"panicked""#) && line.contains("panics.rs:");
    assert!(written.lines().any(logged), "{written}");
}
