//! A killed stack leaves no process behind: its functions lose their Runtime API, and their runtime exits.

use std::process::Stdio;

use rustix::process::{Pid, test_kill_process};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::stack::{Stack, eventually, worker};

/// Set for the process that the test kills.
const DOOMED: &str = "TOKENCAST_TEST_DOOMED";

/// The test below starts this. Run as a test, it does nothing.
#[tokio::test]
async fn doomed_stack() {
    if !std::env::vars().any(|(name, _)| name == DOOMED) {
        return;
    }
    let stack = Stack::start(worker()).await;
    stack.lambda.warm("worker", 1).await.expect("warm");
    println!("\nfunction {}", stack.processes()[0].pid);
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn functions_end_when_their_stack_is_killed() {
    let mut stack = Command::new(std::env::current_exe().expect("this executable"))
        .args(["--exact", "orphans::doomed_stack", "--nocapture"])
        .env(DOOMED, "1")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("started");
    let mut lines = BufReader::new(stack.stdout.take().expect("piped")).lines();
    let pid = loop {
        let line = lines
            .next_line()
            .await
            .expect("readable")
            .expect("a line with the process");
        if let Some(pid) = line.strip_prefix("function ") {
            break pid.parse().expect("a number");
        }
    };
    stack.kill().await.expect("killed");
    let process = Pid::from_raw(pid).expect("not zero");
    eventually("the function has ended", async || {
        // Where nobody reaps orphans, a zombie is left.
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        (test_kill_process(process).is_err() || stat.contains(") Z ")).then_some(())
    })
    .await;
}
