//! `tokencast dev --faults` and `--control`.

use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;

const PATIENCE: Duration = Duration::from_mins(1);

fn dev(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tokencast"));
    command
        .args(["dev", "--port", "0", "--json"])
        .args(args)
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

fn plan(name: &str, text: &str) -> String {
    let path = std::env::temp_dir().join(format!("tokencast-{}-{name}.json", std::process::id()));
    std::fs::write(&path, text).expect("written");
    path.to_str().expect("UTF-8").to_owned()
}

#[tokio::test]
async fn a_plan_is_in_force_and_the_control_endpoint_answers() {
    let path = plan(
        "valid",
        r#"{ "rules": [{ "name": "busy", "service": "sqs", "fault": "reset" }] }"#,
    );
    let mut child = dev(&["--faults", &path, "--control"])
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
    let line = line.expect("in time").expect("readable").expect("a line");
    let ready: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(ready["faultRules"], 1);
    let control = ready["controlUrl"].as_str().expect("a URL");
    assert!(control.ends_with("/_tokencast/"), "{control}");
    let port = u16::try_from(ready["port"].as_u64().expect("a number")).expect("a port");
    let mut socket = TcpStream::connect(("127.0.0.1", port))
        .await
        .expect("connected");
    let request = "GET /_tokencast/faults HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    socket.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    let read = tokio::time::timeout(PATIENCE, socket.read_to_string(&mut answer)).await;
    read.expect("in time").expect("readable");
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains(r#""rule":"busy""#),
        "{answer}"
    );
    child.kill().await.expect("killed");
    std::fs::remove_file(path).expect("removed");
}

async fn check_refused(path: &str, expected: &str) {
    let output = tokio::time::timeout(PATIENCE, dev(&["--faults", path]).output()).await;
    let Output { status, stderr, .. } = output.expect("in time").expect("it ran");
    let stderr = String::from_utf8(stderr).expect("UTF-8");
    assert_eq!(status.code(), Some(2), "{stderr}");
    assert!(
        stderr.contains(path) && stderr.contains(expected),
        "{stderr}"
    );
}

#[tokio::test]
async fn a_plan_that_means_nothing_is_refused_before_anything_starts() {
    let path = plan("invalid", r#"{ "rules": [{ "service": "sqs" }] }"#);
    check_refused(&path, "rules[0]: missing field `fault`").await;
    std::fs::remove_file(path).expect("removed");
    check_refused("nowhere/faults.json", "cannot read the fault plan").await;
}
