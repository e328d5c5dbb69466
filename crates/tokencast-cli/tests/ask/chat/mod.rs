//! `tokencast chat` and `tokencast export`, against a fake API.

mod conversations;
mod failures;
mod terminal;

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin};

use crate::{finish, tokencast};
use client_fakes::{FakeApi, Socket, completed, failed, snapshot};

const ID: &str = "6a0f3a52-2f0c-4b8e-8f0e-52f6f4a5f1aa";
const TURN: &str = "3f1c3b5e-7a39-4b8e-9f0a-0d8a1f6f6b11";

/// A chat whose lines come from a pipe.
struct Chat {
    api: FakeApi,
    child: Child,
    lines: Option<ChildStdin>,
}

impl Chat {
    fn start(api: FakeApi, args: &[&str]) -> Self {
        let mut command = tokencast(&["chat"]);
        command
            .args(args)
            .stdin(Stdio::piped())
            .env("TOKENCAST_API_URL", &api.url)
            .env("TOKENCAST_TOKEN", "jwt");
        let mut child = command.spawn().expect("it starts");
        let lines = child.stdin.take();
        Self { api, child, lines }
    }

    async fn line(&mut self, line: &str) {
        let lines = self.lines.as_mut().expect("a pipe");
        let line = format!("{line}\n");
        lines.write_all(line.as_bytes()).await.expect("written");
    }

    /// Takes the next start. Returns its variables.
    async fn asked(&mut self) -> (Value, Socket) {
        let socket = self.api.subscriber().await;
        let call = self.api.call("StartStream").await;
        (call.variables, socket)
    }

    /// Answers the next start. Returns its variables.
    async fn answer(&mut self, text: &str) -> Value {
        let (variables, socket) = self.asked().await;
        socket.tokens(1, &[(1, text)]).await;
        socket.event(completed(1, 2)).await;
        variables
    }

    async fn end(mut self) -> (i32, String, String) {
        drop(self.lines.take());
        finish(self.child).await
    }
}

#[tokio::test]
async fn each_line_is_a_question_of_one_conversation() {
    let mut chat = Chat::start(FakeApi::start().await, &[]);
    chat.line("Why do rivers meander?").await;
    let first = chat.answer("**Because.**").await;
    chat.line("").await;
    chat.line("And glaciers?").await;
    let second = chat.answer("They flow.\n").await;
    let (code, stdout, stderr) = chat.end().await;
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(stdout, "**Because.**\nThey flow.\n");
    assert_eq!(stderr, "");
    assert_eq!(first["prompt"], "Why do rivers meander?");
    assert!(first["conversationId"].is_string());
    assert!(first["parentId"].is_null());
    assert_eq!(second["conversationId"], first["conversationId"]);
    assert_eq!(second["parentId"], first["sessionId"]);
}

#[tokio::test]
async fn a_question_is_edited_and_asked_again_beside_the_one_before() {
    let mut chat = Chat::start(FakeApi::start().await, &[]);
    chat.line("One").await;
    let first = chat.answer("1").await;
    chat.line("/edit One!").await;
    let edited = chat.answer("1!").await;
    chat.line("Two").await;
    let second = chat.answer("2").await;
    chat.line("/retry").await;
    let again = chat.answer("2, again").await;
    chat.line("/new").await;
    chat.line("//slash").await;
    let other = chat.answer("3").await;
    let (code, stdout, stderr) = chat.end().await;
    assert_eq!((code, &*stdout), (0, "1\n1!\n2\n2, again\n3\n"), "{stderr}");
    let id = &first["conversationId"];
    // Beside the first turn: the conversation begins anew.
    assert_eq!(
        (&edited["prompt"], &edited["parentId"]),
        (&json!("One!"), id)
    );
    assert_eq!(second["parentId"], edited["sessionId"]);
    assert_eq!(
        (&again["prompt"], &again["parentId"]),
        (&json!("Two"), &edited["sessionId"])
    );
    assert_ne!(again["sessionId"], second["sessionId"]);
    assert_eq!(other["prompt"], "/slash");
    assert_ne!(&other["conversationId"], id);
    assert!(other["parentId"].is_null());
}

#[tokio::test]
async fn what_fails_is_told_and_the_next_line_is_taken() {
    let mut chat = Chat::start(FakeApi::start().await, &[]);
    for line in [
        "/nwe",
        "/retry",
        "/edit x",
        "/open 1",
        "/title My rivers",
        "/list maybe",
    ] {
        chat.line(line).await;
    }
    chat.line("One").await;
    let (first, socket) = chat.asked().await;
    socket.event(failed(1, 1)).await;
    chat.line("Two").await;
    let second = chat.answer("2").await;
    // A turn that failed is over, and can be continued.
    assert_eq!(second["parentId"], first["sessionId"]);
    let (code, stdout, stderr) = chat.end().await;
    assert_eq!((code, &*stdout), (1, "2\n"));
    for expected in [
        "error: there is no command /nwe; /help lists them",
        "error: there is no question yet",
        "error: there is no 1 in the last /list",
        "error: this conversation has no turn yet",
        "error: /list maybe: expected /list or /list more",
        "failed: MODEL_ERROR: The model failed.",
    ] {
        assert!(stderr.contains(expected), "{expected} in\n{stderr}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_ends_a_chat_in_a_pipe() {
    let mut chat = Chat::start(FakeApi::start().await, &[]);
    chat.line("Why?").await;
    let (_, socket) = chat.asked().await;
    socket.tokens(1, &[(1, "Be")]).await;
    // The next line waits in the pipe.
    chat.line("And glaciers?").await;
    let mut first = [0; 2];
    let stdout = chat.child.stdout.as_mut().expect("a pipe");
    let read = tokio::io::AsyncReadExt::read_exact(stdout, &mut first);
    client_fakes::within(read).await.expect("the first token");
    crate::send_signal(&chat.child, rustix::process::Signal::INT);
    chat.api.call("StopStream").await;
    socket.event(client_fakes::cancelled(1, 2)).await;
    let (code, _, stderr) = chat.end().await;
    assert_eq!(code, 130, "{stderr}");
    assert_eq!(stderr, "stopped; 2 characters kept\n");
}

#[tokio::test]
async fn an_answer_that_somebody_else_stops_says_so() {
    let mut chat = Chat::start(FakeApi::start().await, &[]);
    chat.line("Why?").await;
    let (_, socket) = chat.asked().await;
    chat.api
        .replies(|replies| replies.snapshot = snapshot("CANCELLED", 1, 2, "Be"));
    socket.tokens(1, &[(1, "Be")]).await;
    socket.event(client_fakes::cancelled(1, 2)).await;
    let (code, stdout, stderr) = chat.end().await;
    assert_eq!((code, &*stdout), (5, "Be\n"), "{stderr}");
    assert_eq!(stderr, "stopped by somebody else after 2 characters\n");
}
