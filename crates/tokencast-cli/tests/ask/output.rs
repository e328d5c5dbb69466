//! Where the answer goes: files, slow readers, full disks, terminals. Also answers without text.

use serde_json::Value;

use crate::{answered, finish, tokencast};
use client_fakes::{FakeApi, completed, token};

#[tokio::test]
async fn an_answer_without_text_is_exit_code_6() {
    for stop_reason in [
        "end_turn",
        "max_tokens",
        "content_filtered",
        "stop_sequence",
    ] {
        for texts in [&[][..], &[" ", "\n\t"][..]] {
            let mut events: Vec<_> = (1..)
                .zip(texts)
                .map(|(at, text)| token(1, at, text))
                .collect();
            let mut end = completed(1, texts.len() as u64 + 1);
            end["stopReason"] = stop_reason.into();
            events.push(end);

            let (code, _, stderr) = answered(&["Why?"], events.clone()).await;
            let expected = format!("the answer has no text (stop reason: {stop_reason})\n");
            assert_eq!(code, 6, "{stderr}");
            assert!(stderr.contains(&expected), "{stderr}");

            let (code, stdout, _) = answered(&["--json", "Why?"], events).await;
            let last = stdout.lines().last().expect("a line");
            let last: Value = serde_json::from_str(last).expect("JSON");
            assert_eq!((code, &last["hasText"]), (6, &false.into()), "{last}");
            assert_eq!(last["stopReason"], stop_reason);
        }
    }
}

const SEQUENCES: &str = "\u{1b}[2K\u{1b}]52;c;aGk=\u{7}\u{9b}31m\rdone";

#[tokio::test]
async fn a_pipe_gets_the_bytes_as_they_are() {
    let events = vec![token(1, 1, SEQUENCES), completed(1, 2)];
    let (code, stdout, stderr) = answered(&["Why?"], events).await;
    assert_eq!((code, stdout.as_str()), (0, &*format!("{SEQUENCES}\n")));
    assert!(!stderr.contains('\u{1b}'), "{stderr:?}");
}

/// Runs the command on a terminal, by util-linux's `script`, if it is installed.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_terminal_is_shown_control_characters() {
    use client_fakes::failed;

    const SCRIPT: &str = "/usr/bin/script";
    if !std::path::Path::new(SCRIPT).exists() {
        eprintln!("skipped: there is no {SCRIPT}");
        return;
    }
    let mut api = FakeApi::start().await;
    let program = env!("CARGO_BIN_EXE_tokencast");
    let command = format!("exec {program} ask Why? --api-url {} --token jwt", api.url);
    let mut script = tokio::process::Command::new(SCRIPT);
    script.args(["-q", "-e", "-c", &command, "/dev/null"]);
    script.stdin(std::process::Stdio::null());
    script
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true);
    let child = script.spawn().expect("it starts");
    let socket = api.subscriber().await;
    api.call("StartStream").await;
    // The escape sequence comes in two tokens.
    let (left, right) = SEQUENCES.split_at(1);
    socket.tokens(1, &[(1, left), (2, right)]).await;
    let mut end = failed(1, 3);
    end["error"]["message"] = "The model\u{1b}[2J failed.".into();
    socket.event(end).await;
    let (code, shown, _) = finish(child).await;
    assert_eq!(code, 1, "{shown}");
    let obeyed = |character: char| character.is_control() && !"\r\n".contains(character);
    assert!(!shown.contains(obeyed), "{shown:?}");
    let expected = "\\u001b[2K\\u001b]52;c;aGk=\\u0007\\u009b31m\\u000ddone";
    assert!(shown.contains(expected), "{shown:?}");
    assert!(shown.contains("The model\\u001b[2J failed."), "{shown:?}");
}

/// Stdout is a pipe that another program made non-blocking. The reader starts once the pipe is full.
#[cfg(unix)]
#[tokio::test]
async fn a_slow_reader_of_a_stream_that_does_not_block_gets_all() {
    use std::io::Read;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    const PIECE: usize = 8_192;
    const PIECES: usize = 128;
    let (mut reader, writer) = UnixStream::pair().expect("a pair");
    writer.set_nonblocking(true).expect("it doesn't block");
    let mut api = FakeApi::start().await;
    let mut command = tokencast(&["ask", "Why?", "--token", "jwt", "--api-url", &api.url]);
    let child = command
        .stdout(OwnedFd::from(writer))
        .spawn()
        .expect("it starts");
    // The command holds its own copy of the other end.
    drop(command);
    let mut socket = api.subscriber().await;
    api.call("StartStream").await;
    let piece = "x".repeat(PIECE);
    for sequence in (1..).take(PIECES) {
        socket.tokens(1, &[(sequence, &piece)]).await;
    }
    socket.event(completed(1, PIECES as u64 + 1)).await;
    let read = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).map(|_| text)
    });
    let text = read.await.expect("no panic").expect("readable");
    let (code, _, stderr) = finish(child).await;
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(text.len(), PIECE * PIECES + 1);
    socket.gone().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_exit_code_7() {
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("it is there");
    let mut api = FakeApi::start().await;
    let mut command = tokencast(&["ask", "Why?", "--token", "jwt", "--api-url", &api.url]);
    let child = command.stdout(full).spawn().expect("it starts");
    let socket = api.subscriber().await;
    api.call("StartStream").await;
    socket.tokens(1, &[(1, "Riv")]).await;
    api.call("StopStream").await;
    let (code, _, stderr) = finish(child).await;
    assert_eq!(code, 7, "{stderr}");
    let expected = "error: cannot write the answer: No space left on device";
    assert!(stderr.starts_with(expected), "{stderr}");
    assert!(stderr.contains("stopped; 3 characters kept\n"), "{stderr}");
}

#[tokio::test]
async fn a_socket_that_a_proxy_is_in_the_way_of_says_so() {
    // An address of this machine that isn't loopback. Nothing listens there.
    for (via, option, url) in [
        ("appsync", "--api-url", "https://0.0.0.0:1/graphql"),
        ("websocket", "--websocket-url", "wss://0.0.0.0:1/dev"),
    ] {
        let mut command = tokencast(&["ask", "Why?", "--via", via, option, url, "--token", "jwt"]);
        let child = command
            .env("HTTPS_PROXY", "http://127.0.0.1:1")
            .spawn()
            .expect("it starts");
        let (code, _, stderr) = finish(child).await;
        assert_eq!(code, 3, "{stderr}");
        let expected = "WebSockets do not go through the proxy that HTTPS_PROXY names: use --via url, which does\n";
        assert!(stderr.contains(expected), "{stderr}");
    }
}

#[tokio::test]
async fn logs_in_a_pipe_have_no_colours() {
    let mut api = FakeApi::start().await;
    let mut command = tokencast(&["ask", "-v", "Why?", "--token", "jwt", "--api-url", &api.url]);
    let child = command.spawn().expect("it starts");
    drop(api.subscriber().await);
    let socket = api.subscriber().await;
    socket.tokens(1, &[(1, "a")]).await;
    socket.event(completed(1, 2)).await;
    let (code, _, stderr) = finish(child).await;
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("connection lost"), "{stderr}");
    assert!(!stderr.contains('\u{1b}'), "{stderr:?}");
}
