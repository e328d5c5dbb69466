//! `tokencast ask` against a fake API that each test scripts.

mod blocks;
mod channels;
mod chat;
mod operator;
mod output;
mod prompt;
mod stack;

use std::process::{Output, Stdio};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use client_fakes::{FakeApi, Socket, cancelled, completed, failed, snapshot, token, within};

const SESSION: &str = "3f1c3b5e-7a39-4b8e-9f0a-0d8a1f6f6b11";

fn tokencast(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tokencast"));
    for variable in [
        "TOKENCAST_API_URL",
        "TOKENCAST_TOKEN",
        "TOKENCAST_PASSWORD",
        "RUST_LOG",
        "NO_COLOR",
        "HTTPS_PROXY",
        "AWS_ACCESS_KEY_ID",
        "AWS_PROFILE",
        "HOME",
        "XDG_STATE_HOME",
    ] {
        command.env_remove(variable);
    }
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

fn ask(api: &FakeApi, args: &[&str]) -> Child {
    let mut command = tokencast(&["ask"]);
    command
        .args(args)
        .env("TOKENCAST_API_URL", &api.url)
        .env("TOKENCAST_TOKEN", "jwt");
    command.spawn().expect("it starts")
}

async fn finish(child: Child) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = within(child.wait_with_output()).await.expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (
        status.code().expect("no signal"),
        text(stdout),
        text(stderr),
    )
}

/// Returns the outcome of a prompt that is answered with `events`.
async fn answered(args: &[&str], events: Vec<Value>) -> (i32, String, String) {
    let mut api = FakeApi::start().await;
    let child = ask(&api, args);
    let socket = api.subscriber().await;
    api.call("StartStream").await;
    for event in events {
        socket.event(event).await;
    }
    finish(child).await
}

async fn check_usage(args: &[&str], stdin: &str, expected: &str) {
    let mut child = tokencast(args)
        .stdin(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    // The command may end before it reads stdin.
    let _ = pipe.write_all(stdin.as_bytes()).await;
    drop(pipe);
    let (code, stdout, stderr) = finish(child).await;
    assert_eq!((code, stdout.as_str()), (2, ""), "{args:?}: {stderr}");
    assert!(stderr.contains(expected), "{args:?}: {stderr}");
}

#[tokio::test]
async fn the_answer_is_on_stdout_and_the_summary_on_stderr() {
    let events = vec![
        token(1, 1, "Rivers "),
        token(1, 2, "meander."),
        completed(1, 3),
    ];
    let (code, stdout, stderr) = answered(&["Why?", "--session-id", SESSION], events).await;
    assert_eq!((code, stdout.as_str()), (0, "Rivers meander.\n"));
    assert!(
        stderr.starts_with(&format!(
            "session {SESSION}, attempt 1, 4 tokens in 2 events, first after "
        )),
        "{stderr}"
    );
    assert!(stderr.ends_with(", end_turn\n"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[tokio::test]
async fn a_failed_session_is_exit_code_1() {
    let (code, stdout, stderr) = answered(&["Why?"], vec![token(1, 1, "Riv"), failed(1, 2)]).await;
    assert_eq!((code, stdout.as_str()), (1, "Riv\n"));
    assert!(
        stderr.contains("failed: MODEL_ERROR: The model failed. (the same prompt may succeed"),
        "{stderr}"
    );
}

#[tokio::test]
async fn a_session_that_another_stopped_is_exit_code_5() {
    let (code, stdout, _) = answered(&["Why?"], vec![token(1, 1, "Riv"), cancelled(1, 2)]).await;
    assert_eq!((code, stdout.as_str()), (5, "Riv\n"));
}

#[tokio::test]
async fn a_new_attempt_is_marked() {
    let events = vec![token(1, 1, "Riv"), token(2, 1, "Rivers"), completed(2, 2)];
    let (code, stdout, stderr) = answered(&["Why?"], events).await;
    assert_eq!((code, stdout.as_str()), (0, "Riv\nRivers\n"));
    assert!(
        stderr.starts_with("[attempt 2: the answer starts again]\n"),
        "{stderr}"
    );
}

#[tokio::test]
async fn json_is_one_event_a_line() {
    let (code, stdout, _) = answered(
        &["--json", "Why?"],
        vec![token(1, 1, "a\nb"), completed(1, 2)],
    )
    .await;
    let lines: Vec<Value> = stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(code, 0);
    assert_eq!(lines.len(), 3, "{stdout}");
    assert_eq!(lines[0]["type"], "started");
    assert_eq!(
        lines[1],
        json!({ "type": "text", "text": "a\nb", "blockIndex": 0, "sequence": 1, "attempt": 1 })
    );
    assert_eq!(lines[2]["usage"]["outputTokens"], 4);
}

#[tokio::test]
async fn the_prompt_may_come_from_stdin() {
    let mut api = FakeApi::start().await;
    let mut command = tokencast(&["ask", "-", "--token", "jwt", "--api-url", &api.url]);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("it starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    pipe.write_all("line one\nline two\n".as_bytes())
        .await
        .expect("written");
    drop(pipe);
    let socket = api.subscriber().await;
    assert_eq!(
        api.call("StartStream").await.variables["prompt"],
        "line one\nline two\n"
    );
    socket.tokens(1, &[(1, "a")]).await;
    socket.event(completed(1, 2)).await;
    assert_eq!(finish(child).await.0, 0);
}

#[tokio::test]
async fn a_session_is_resumed() {
    let api = FakeApi::start().await;
    api.replies(|replies| replies.snapshot = snapshot("COMPLETED", 1, 2, "Rivers meander."));
    let (code, stdout, _) = finish(ask(&api, &["--resume", SESSION])).await;
    assert_eq!((code, stdout.as_str()), (0, "Rivers meander.\n"));

    api.replies(|replies| replies.snapshot = Value::Null);
    let (code, _, stderr) = finish(ask(&api, &["--resume", SESSION])).await;
    assert_eq!(code, 3);
    assert!(
        stderr.contains(&format!("there is no session {SESSION}")),
        "{stderr}"
    );
}

#[tokio::test]
async fn a_refused_caller_is_exit_code_3() {
    let mut api = FakeApi::start().await;
    let child = ask(&api, &["Why?", "--json"]);
    let mut socket = api.socket().await;
    socket.acknowledge(300_000).await;
    socket.take_start().await;
    socket.error("Unauthorized").await;
    let (code, stdout, stderr) = finish(child).await;
    assert_eq!(code, 3);
    assert_eq!(
        stdout,
        "{\"type\":\"error\",\"message\":\"not authorized: said the server\"}\n"
    );
    assert_eq!(stderr, "error: not authorized: said the server\n");
}

#[tokio::test]
async fn wrong_usage_is_exit_code_2_and_says_what_is_missing() {
    check_usage(&["ask", ""], "", "the prompt is empty").await;
    check_usage(&["ask", " \n"], "", "the prompt is empty").await;
    check_usage(&["ask", "-"], " \n", "the prompt is empty").await;
    check_usage(&["ask"], "", "<PROMPT>").await;
    check_usage(
        &["ask", "Why?", "--resume", SESSION],
        "",
        "cannot be used with",
    )
    .await;
    for option in ["--session-id", "--conversation", "--parent"] {
        check_usage(&["ask", "Why?", option, "xyz"], "", "expected a UUID").await;
    }
    check_usage(&["ask", "Why?", "--token", "jwt"], "", "--api-url").await;
    check_usage(
        &["ask", "Why?", "--api-url", "http://localhost:1/graphql"],
        "",
        "needs credentials",
    )
    .await;
    check_usage(
        &["ask", "Why?", "--model", "gpt"],
        "",
        "expected scripted, openai:URL#NAME or bedrock:MODEL_ID",
    )
    .await;
    check_usage(&["dev", "--model", "bedrock:m"], "", "AWS_ACCESS_KEY_ID").await;
    check_usage(&["dev", "--port", "70000"], "", "70000").await;
}

/// Starts a session whose first token is on stdout.
async fn begun(api: &mut FakeApi) -> (Child, Socket) {
    let mut child = ask(api, &["Why?"]);
    let socket = api.subscriber().await;
    api.call("StartStream").await;
    socket.tokens(1, &[(1, "Riv")]).await;
    let mut first = [0; 3];
    within(
        child
            .stdout
            .as_mut()
            .expect("a pipe")
            .read_exact(&mut first),
    )
    .await
    .expect("the first token");
    assert_eq!(&first, b"Riv");
    (child, socket)
}

#[cfg(unix)]
fn send_signal(child: &Child, signal: rustix::process::Signal) {
    let id = i32::try_from(child.id().expect("it runs")).expect("a process id");
    let process = rustix::process::Pid::from_raw(id).expect("a process id");
    rustix::process::kill_process(process, signal).expect("sent");
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_before_the_start_starts_nothing() {
    let mut api = FakeApi::start().await;
    let child = ask(&api, &["Why?"]);
    let mut socket = api.socket().await;
    socket.acknowledge(300_000).await;
    socket.take_start().await;
    send_signal(&child, rustix::process::Signal::INT);
    socket.gone().await;
    assert_eq!(api.any_call().await.operation, "StopStream");
    let (code, stdout, stderr) = finish(child).await;
    assert_eq!((code, stdout.as_str()), (130, ""));
    assert!(stderr.contains("stopped; 0 characters kept\n"), "{stderr}");
}

#[cfg(unix)]
async fn check_signal(signal: rustix::process::Signal, expected: i32) {
    let mut api = FakeApi::start().await;
    let (child, socket) = begun(&mut api).await;
    send_signal(&child, signal);
    api.call("StopStream").await;
    // Text that was on its way when the stop came is still part of the answer.
    socket.tokens(1, &[(2, "ers")]).await;
    socket.event(cancelled(1, 3)).await;
    let (code, stdout, stderr) = finish(child).await;
    assert_eq!((code, stdout.as_str()), (expected, "ers\n"));
    assert!(stderr.contains("stopped; 6 characters kept\n"), "{stderr}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_stops_the_session() {
    check_signal(rustix::process::Signal::INT, 130).await;
    check_signal(rustix::process::Signal::TERM, 143).await;
}

#[tokio::test]
async fn a_reader_who_has_had_enough_stops_the_session_quietly() {
    let mut api = FakeApi::start().await;
    let (mut child, socket) = begun(&mut api).await;
    drop(child.stdout.take());
    socket.tokens(1, &[(2, "ers")]).await;
    api.call("StopStream").await;
    let (code, _, stderr) = finish(child).await;
    assert_eq!((code, stderr.as_str()), (141, ""));
}

#[tokio::test]
async fn tokens_are_flushed_one_by_one() {
    let mut api = FakeApi::start().await;
    let mut child = ask(&api, &["Why?", "--json"]);
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let socket = api.subscriber().await;
    assert!(
        within(lines.next_line())
            .await
            .expect("read")
            .expect("a line")
            .contains("started")
    );
    for sequence in 1..=5 {
        socket.tokens(1, &[(sequence, "x")]).await;
        let line = within(lines.next_line())
            .await
            .expect("read")
            .expect("a line");
        assert!(line.contains(&format!("\"sequence\":{sequence}")), "{line}");
    }
    socket.event(completed(1, 6)).await;
    assert_eq!(finish(child).await.0, 0);
}

#[tokio::test]
async fn a_stack_that_cannot_start_is_exit_code_4_and_says_why() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let (code, _, stderr) = finish(
        tokencast(&["dev", "--port", &port])
            .spawn()
            .expect("it starts"),
    )
    .await;
    assert_eq!(code, 4);
    assert!(
        stderr.contains(&format!("port {port} is in use")),
        "{stderr}"
    );

    let dev = tokencast(&["dev", "--port", "0", "--functions-dir", "nowhere"])
        .spawn()
        .expect("it starts");
    let (code, _, stderr) = finish(dev).await;
    assert_eq!(code, 4);
    assert!(
        stderr.contains("there is no request function at nowhere/request/bootstrap"),
        "{stderr}"
    );
}

#[tokio::test]
async fn help_has_examples_and_exit_codes() {
    let (code, stdout, _) = finish(tokencast(&["ask", "--help"]).spawn().expect("it starts")).await;
    assert_eq!(code, 0);
    for part in [
        "--via <VIA>",
        "- websocket: An API Gateway WebSocket API",
        "Examples:",
        "Exit codes:",
        "130",
        "TOKENCAST_API_URL",
        "\"type\":\"restarted\"",
    ] {
        assert!(stdout.contains(part), "{part} in\n{stdout}");
    }
    assert!(!stdout.contains("jwt"), "no secret of the environment");
}
