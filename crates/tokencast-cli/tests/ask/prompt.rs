//! Prompts from stdin: how much of stdin is read, and in which encodings.

use std::process::Stdio;

use tokio::io::AsyncWriteExt;

use crate::{finish, tokencast};
use client_fakes::{FakeApi, completed};

/// Returns how `ask -` ends that gets `stdin`.
async fn refused(stdin: &[u8]) -> String {
    let mut child = tokencast(&["ask", "-", "--api-url", "http://localhost:1/graphql"])
        .args(["--token", "jwt"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    // The command may end before it reads all.
    let _ = pipe.write_all(stdin).await;
    drop(pipe);
    let (code, _, stderr) = finish(child).await;
    assert_eq!(code, 2, "{stderr}");
    stderr
}

#[tokio::test]
async fn what_is_no_prompt_is_refused_with_its_reason() {
    for (stdin, expected) in [
        (b"cut \xed\xa0\xbd".as_slice(), "not UTF-8 at byte 4"),
        (
            b"W\0h\0y\0?\0",
            "looks like UTF-16LE without a byte order mark",
        ),
        (b"\xef\xbb\xbf \n", "the prompt is empty"),
    ] {
        let stderr = refused(stdin).await;
        assert!(stderr.contains(expected), "{stderr}");
    }
}

#[tokio::test]
async fn an_endless_prompt_is_refused_soon() {
    let piece = vec![b'x'; 65_536];
    let mut child = tokencast(&["ask", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    let mut taken = 0;
    // Writes until the command reads no more.
    while let Ok(count) = pipe.write(&piece).await {
        taken += count;
        assert!(taken < 4_000_000, "it reads on and on");
    }
    let (code, _, stderr) = finish(child).await;
    assert_eq!(code, 2);
    assert!(stderr.contains("has more than 500000 bytes"), "{stderr}");
}

#[tokio::test]
async fn a_byte_order_mark_is_no_part_of_the_prompt() {
    let mut api = FakeApi::start().await;
    let mut command = tokencast(&["ask", "-", "--token", "jwt", "--api-url", &api.url]);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("it starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    let utf_16 = "\u{feff}Why? 🌊".encode_utf16().flat_map(u16::to_le_bytes);
    let bytes: Vec<u8> = utf_16.collect();
    pipe.write_all(&bytes).await.expect("written");
    drop(pipe);
    let socket = api.subscriber().await;
    assert_eq!(api.call("StartStream").await.variables["prompt"], "Why? 🌊");
    socket.tokens(1, &[(1, "a")]).await;
    socket.event(completed(1, 2)).await;
    assert_eq!(finish(child).await.0, 0);
}
