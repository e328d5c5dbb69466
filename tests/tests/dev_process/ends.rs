//! A stack that is killed takes its functions with it, even busy ones.

use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use system_tests::stack::function_host;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::process::{Dev, command, eventually, runs, within};

#[tokio::test]
async fn busy_functions_end_with_a_stack_that_is_killed() {
    let temporary = tempfile::tempdir().expect("a directory");
    let mut dev = Dev::start(command(temporary.path(), &["--control"])).await;
    // The model says one word, and then nothing for longer than this test waits.
    let pause_ms = u64::try_from(Duration::from_hours(1).as_millis()).expect("few");
    let script = json!({
        "tokens": ["one ", "two"], "timeToFirstTokenMs": 0, "timeBetweenTokensMs": pause_ms,
    });
    dev.control("PUT", "model/script", Some(script)).await;
    dev.start_stream().await;
    let pids = eventually(async || {
        let processes = dev.control("GET", "lambda/processes", None).await;
        let processes = processes["processes"].as_array()?.clone();
        let busy = |it: &serde_json::Value| it["state"] == "busy" && it["function"] == "worker";
        processes.iter().any(busy).then_some(())?;
        let pids = processes.iter().map(|it| it["pid"].as_u64());
        pids.collect::<Option<Vec<u64>>>()
    })
    .await;
    assert!(pids.iter().all(|pid| runs(*pid)), "{pids:?}");
    within(dev.child.kill()).await.expect("killed");
    eventually(async || (!pids.iter().any(|pid| runs(*pid))).then_some(())).await;
}

/// A packaged function knows nothing about the stack. The program that starts it arranges for its end.
#[tokio::test]
async fn a_packaged_function_ends_with_whoever_started_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let bootstrap = directory.path().join("bootstrap");
    std::fs::write(
        &bootstrap,
        "#!/bin/sh\npwd; echo $LAMBDA_TASK_ROOT; exec sleep 600\n",
    )
    .expect("written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&bootstrap, mode).expect("ours");
    let script = r#""$0" exec-function "$1" & echo $!; wait"#;
    let mut parent = Command::new("sh")
        .args(["-c", script])
        .arg(function_host())
        .arg(&bootstrap)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("a shell");
    let mut lines = BufReader::new(parent.stdout.take().expect("piped")).lines();
    let mut line = async || {
        let line = within(lines.next_line()).await.expect("readable");
        line.expect("a line")
    };
    let pid = line().await.parse().expect("a pid");
    let root = directory.path().canonicalize().expect("there");
    for _ in 0..2 {
        let said = std::path::PathBuf::from(line().await);
        assert_eq!(said.canonicalize().expect("there"), root);
    }
    assert!(runs(pid));
    within(parent.kill()).await.expect("killed");
    eventually(async || (!runs(pid)).then_some(())).await;
}
