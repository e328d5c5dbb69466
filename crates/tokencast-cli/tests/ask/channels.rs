//! The Function URL and the WebSocket API give the same output, exit codes and signals as AppSync.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Child;

use crate::{SESSION, finish, tokencast};
use client_fakes::{FakeApi, FakeFunction, cancelled, completed, failed, joined, token, within};

fn over(via: &str, option: &str, url: &str, args: &[&str]) -> Child {
    let mut command = tokencast(&["ask", "--via", via, option, url, "--token", "jwt"]);
    command.args(args).spawn().expect("it starts")
}

fn over_url(function: &FakeFunction, args: &[&str]) -> Child {
    over("url", "--function-url", &function.url, args)
}

fn over_websocket(api: &FakeApi, args: &[&str]) -> Child {
    over("websocket", "--websocket-url", &api.web_socket_url, args)
}

/// Returns the outcome of a prompt that is answered with `events`, over each channel.
async fn answered(args: &[&str], events: &[Value]) -> [(i32, String, String); 2] {
    let mut function = FakeFunction::start().await;
    let child = over_url(&function, args);
    let mut body = function.request().await.stream().await;
    body.events(events).await;
    let url = finish(child).await;

    let mut api = FakeApi::start().await;
    let child = over_websocket(&api, args);
    let mut socket = api.socket().await;
    socket.started().await;
    socket.frames(events.to_vec()).await;
    [url, finish(child).await]
}

#[tokio::test]
async fn the_answer_its_summary_and_the_exit_code_are_the_same() {
    let events = [
        token(1, 1, "Rivers "),
        joined(1, 1, 2, "Rivers meander."),
        completed(1, 3),
    ];
    for (code, stdout, stderr) in answered(&["Why?", "--session-id", SESSION], &events).await {
        assert_eq!((code, stdout.as_str()), (0, "Rivers meander.\n"));
        let summary = format!("session {SESSION}, attempt 1, 4 tokens in 2 events, first after ");
        assert!(stderr.starts_with(&summary), "{stderr}");
        assert!(stderr.ends_with(", end_turn\n"), "{stderr}");
    }
    for (code, stdout, stderr) in answered(&["Why?"], &[token(1, 1, "Riv"), failed(1, 2)]).await {
        assert_eq!((code, stdout.as_str()), (1, "Riv\n"));
        assert!(stderr.contains("failed: MODEL_ERROR"), "{stderr}");
    }
    for (code, stdout, _) in answered(&["Why?"], &[token(1, 1, "Riv"), cancelled(1, 2)]).await {
        assert_eq!((code, stdout.as_str()), (5, "Riv\n"));
    }
}

#[tokio::test]
async fn json_is_the_same_but_for_the_sessions_id() {
    let events = [token(1, 1, "a\nb"), token(2, 1, "c"), completed(2, 2)];
    for (code, stdout, _) in answered(&["--json", "Why?", "--session-id", SESSION], &events).await {
        let lines: Vec<Value> = stdout
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert_eq!(code, 0);
        assert_eq!(
            lines,
            [
                json!({ "type": "started", "sessionId": SESSION }),
                json!({ "type": "text", "text": "a\nb", "blockIndex": 0, "sequence": 1, "attempt": 1 }),
                json!({ "type": "restarted", "attempt": 2 }),
                json!({ "type": "text", "text": "c", "blockIndex": 0, "sequence": 1, "attempt": 2 }),
                json!({ "type": "completed", "stopReason": "end_turn",
                    "usage": { "inputTokens": 3, "outputTokens": 4, "totalTokens": 7 }, "guardrail": null,
                    "reasoningMs": null, "hasText": true }),
            ]
        );
    }
}

#[tokio::test]
async fn a_session_is_resumed() {
    let mut function = FakeFunction::start().await;
    let child = over_url(&function, &["--resume", SESSION]);
    let request = function.request().await;
    assert_eq!((&*request.method, &*request.path), ("GET", SESSION));
    let mut body = request.stream().await;
    body.events(&[token(1, 1, "Rivers meander."), completed(1, 2)])
        .await;
    let (code, stdout, _) = finish(child).await;
    assert_eq!((code, stdout.as_str()), (0, "Rivers meander.\n"));

    let child = over_url(&function, &["--resume", SESSION]);
    function
        .request()
        .await
        .refuse(404, "INVALID_PROMPT", false)
        .await;
    let (code, _, stderr) = finish(child).await;
    assert_eq!(code, 3);
    assert!(stderr.contains("there is no session"), "{stderr}");

    let mut api = FakeApi::start().await;
    let child = over_websocket(&api, &["--resume", SESSION]);
    let mut socket = api.socket().await;
    assert_eq!(socket.resumed("COMPLETED").await, (0, 0));
    socket
        .frames([joined(1, 1, 4, "Rivers meander."), completed(1, 5)])
        .await;
    let (code, stdout, _) = finish(child).await;
    assert_eq!((code, stdout.as_str()), (0, "Rivers meander.\n"));
}

#[tokio::test]
async fn a_refused_caller_is_exit_code_3() {
    let mut function = FakeFunction::start().await;
    let child = over_url(&function, &["Why?"]);
    function
        .request()
        .await
        .refuse(401, "UNAUTHORIZED", false)
        .await;
    let (code, _, stderr) = finish(child).await;
    assert_eq!(
        (code, stderr.as_str()),
        (3, "error: not authorized: said the server\n")
    );

    let mut api = FakeApi::start().await;
    let child = over_websocket(&api, &["Why?"]);
    let mut socket = api.socket().await;
    socket.action("stream").await;
    socket.refuse("stream", "UNAUTHORIZED", false).await;
    let (code, _, stderr) = finish(child).await;
    assert_eq!(
        (code, stderr.as_str()),
        (3, "error: not authorized: said the server\n")
    );
}

#[tokio::test]
async fn the_file_of_amplify_says_where_to_ask() {
    let mut function = FakeFunction::start().await;
    let path = std::env::temp_dir().join(format!("outputs-{}.json", std::process::id()));
    let outputs = json!({ "version": "1.4", "custom": { "streamUrl": function.url } });
    std::fs::write(&path, outputs.to_string()).expect("written");
    let mut command = tokencast(&["ask", "-", "--via", "url", "--token", "jwt"]);
    command.arg("--amplify-outputs").arg(&path);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("it starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    pipe.write_all(b"Why?").await.expect("written");
    drop(pipe);
    let request = function.request().await;
    assert_eq!(request.body["prompt"], "Why?");
    let mut body = request.stream().await;
    body.events(&[token(1, 1, "a"), completed(1, 2)]).await;
    assert_eq!(finish(child).await.0, 0);
    std::fs::remove_file(&path).expect("removed");
}

/// Waits until the first token is on stdout.
async fn first_token(child: &mut Child) {
    let mut first = [0; 3];
    let stdout = child.stdout.as_mut().expect("a pipe");
    within(stdout.read_exact(&mut first))
        .await
        .expect("the first token");
    assert_eq!(&first, b"Riv");
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_stops_the_session() {
    use crate::send_signal;
    use rustix::process::Signal;

    let mut function = FakeFunction::start().await;
    let mut child = over_url(&function, &["Why?"]);
    let mut body = function.request().await.stream().await;
    body.events(&[token(1, 1, "Riv")]).await;
    first_token(&mut child).await;
    send_signal(&child, Signal::INT);
    let stop = function.request().await;
    assert_eq!(stop.method, "DELETE");
    stop.answer(200, "{}").await;
    body.events(&[token(1, 2, "ers"), cancelled(1, 3)]).await;
    let (code, stdout, stderr) = finish(child).await;
    assert_eq!((code, stdout.as_str()), (130, "ers\n"));
    assert!(stderr.contains("stopped; 6 characters kept\n"), "{stderr}");

    let mut api = FakeApi::start().await;
    let mut child = over_websocket(&api, &["Why?"]);
    let mut socket = api.socket().await;
    socket.started().await;
    socket.frames([token(1, 1, "Riv")]).await;
    first_token(&mut child).await;
    send_signal(&child, Signal::TERM);
    let mut stopping = api.socket().await;
    stopping.action("stop").await;
    stopping.answer("stopping", "STREAMING").await;
    socket.frames([token(1, 2, "ers"), cancelled(1, 3)]).await;
    let (code, stdout, stderr) = finish(child).await;
    assert_eq!((code, stdout.as_str()), (143, "ers\n"));
    assert!(stderr.contains("stopped; 6 characters kept\n"), "{stderr}");
}
