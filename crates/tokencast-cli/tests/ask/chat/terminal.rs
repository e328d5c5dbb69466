//! A chat on a terminal.

#![cfg(target_os = "linux")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use client_fakes::{FakeApi, cancelled, completed, piece, snapshot, within};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::ID;
use super::conversations::whole;

/// A chat on a terminal, by util-linux's `script`. `None` where that isn't installed.
struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: ChildStdout,
    /// What the screen has shown so far, and up to where a test has looked.
    shown: String,
    seen: usize,
    home: PathBuf,
}

impl Terminal {
    fn open(api: &FakeApi, arguments: &str) -> Option<Self> {
        Self::open_as("xterm", api, arguments)
    }

    fn open_as(kind: &str, api: &FakeApi, arguments: &str) -> Option<Self> {
        const SCRIPT: &str = "/usr/bin/script";
        if !Path::new(SCRIPT).exists() {
            eprintln!("skipped: there is no {SCRIPT}");
            return None;
        }
        let home = std::env::temp_dir().join(format!("chat-{}", uuid::Uuid::new_v4()));
        let mut command = Command::new(SCRIPT);
        // Without `exec`, some shells stay between the two, and Ctrl-C ends the shell as well.
        let chat = format!("exec {} chat {arguments}", env!("CARGO_BIN_EXE_tokencast"));
        command
            .args(["-qec", &chat, "/dev/null"])
            .env("TOKENCAST_API_URL", &api.url)
            .env("TOKENCAST_TOKEN", "jwt")
            .env("XDG_STATE_HOME", &home)
            .env("TERM", kind)
            .env_remove("NO_COLOR")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().expect("it starts");
        Some(Self {
            keys: child.stdin.take().expect("a pipe"),
            screen: child.stdout.take().expect("a pipe"),
            child,
            shown: String::new(),
            seen: 0,
            home,
        })
    }

    /// A chat at its first prompt.
    async fn ready(api: &FakeApi) -> Option<Self> {
        let mut terminal = Self::open(api, "")?;
        terminal.shows("> ").await;
        Some(terminal)
    }

    async fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).await.expect("typed");
    }

    /// Reads on until the screen shows this, behind what a test has seen.
    async fn shows(&mut self, what: &str) {
        loop {
            if let Some(at) = self.shown[self.seen..].find(what) {
                self.seen += at + what.len();
                return;
            }
            let mut bytes = vec![0; 4096];
            let count = within(self.screen.read(&mut bytes)).await.expect("read");
            assert!(count > 0, "no {what:?} in {:?}", self.shown);
            let text = String::from_utf8_lossy(&bytes[..count]);
            self.shown.push_str(&text);
        }
    }

    /// Ends the chat at its prompt. Returns its history.
    async fn end(mut self) -> String {
        self.press("\x04").await;
        self.ended().await
    }

    /// Waits for the end of the chat. Returns its history.
    async fn ended(mut self) -> String {
        let status = within(self.child.wait()).await.expect("it ends");
        assert_eq!(status.code(), Some(0), "{:?}", self.shown);
        let history = self.home.join("tokencast/chat_history");
        let text = std::fs::read_to_string(&history).expect("a history");
        let metadata = history.metadata().expect("it is there");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        std::fs::remove_dir_all(&self.home).expect("removed");
        text
    }
}

#[tokio::test]
async fn on_a_terminal_ctrl_c_stops_the_answer_and_not_the_chat() {
    let mut api = FakeApi::start().await;
    let Some(mut terminal) = Terminal::open(&api, "") else {
        return;
    };
    terminal.shows("> ").await;
    terminal.press("Why?\r").await;
    let socket = api.subscriber().await;
    api.call("StartStream").await;
    socket.tokens(1, &[(1, "It is **bo"), (2, "ld**")]).await;
    terminal.shows("\u{1b}[1mbold\u{1b}[0m").await;
    terminal.press("\x03").await;
    api.call("StopStream").await;
    socket.event(cancelled(1, 3)).await;
    terminal.shows("stopped; 14 characters kept").await;
    terminal.shows("> ").await;
    // At the prompt it ends nothing, either.
    terminal.press("abc\x03").await;
    terminal.shows("Ctrl-D or /quit ends").await;
    terminal.shows("> ").await;
    let history = terminal.end().await;
    assert!(history.contains("Why?"), "{history}");
}

#[tokio::test]
async fn ctrl_d_during_an_answer_ends_the_chat_after_it() {
    let mut api = FakeApi::start().await;
    let Some(mut terminal) = Terminal::open(&api, "") else {
        return;
    };
    terminal.shows("> ").await;
    terminal.press("Why?\r").await;
    let socket = api.subscriber().await;
    api.call("StartStream").await;
    socket.tokens(1, &[(1, "Because")]).await;
    terminal.shows("Because").await;
    // The terminal shows no Ctrl-D, but what is typed behind it, and taken away again.
    terminal.press("\x04z\x7f").await;
    terminal.shows("z").await;
    socket.tokens(1, &[(2, " of sand")]).await;
    socket.event(completed(1, 3)).await;
    terminal.shows(" of sand").await;
    terminal.ended().await;
}

#[tokio::test]
async fn without_a_line_editor_ctrl_c_drops_the_line_as_well() {
    let mut api = FakeApi::start().await;
    let Some(mut terminal) = Terminal::open_as("dumb", &api, "") else {
        return;
    };
    terminal.shows("> ").await;
    terminal.press("abc\x03").await;
    terminal.shows("Ctrl-D or /quit ends").await;
    terminal.shows("> ").await;
    terminal.press("Why?\r").await;
    let socket = api.subscriber().await;
    assert_eq!(api.call("StartStream").await.variables["prompt"], "Why?");
    socket.event(completed(1, 1)).await;
    terminal.shows("> ").await;
    terminal.end().await;
}

#[tokio::test]
async fn what_a_terminal_would_obey_is_shown_in_titles_and_questions() {
    let mut conversation = whole(snapshot("COMPLETED", 1, 2, "\u{202e}Sand."));
    conversation["conversation"]["title"] = "Ri\u{2066}vers".into();
    conversation["conversation"]["turns"][0]["prompt"] = "W\u{1b}[2Khy\u{202e}?".into();
    let api = FakeApi::start().await;
    api.replies(|replies| replies.answer("GetConversation", [conversation]));
    let Some(mut terminal) = Terminal::open(&api, &format!("--conversation {ID}")) else {
        return;
    };
    terminal.shows("Ri\\u2066vers").await;
    terminal.shows("W\\u001b[2Khy\\u202e?").await;
    terminal.shows("\\u202eSand.").await;
    terminal.shows("> ").await;
    terminal.press("/edit\r").await;
    terminal.shows("edit> ").await;
    terminal.shows("W\\u001b[2Khy\\u202e?").await;
    terminal.press("\x03").await;
    terminal.shows("> ").await;
    terminal.end().await;
}

/// Opens a chat of a conversation that has an answer. `None` where there is no terminal.
async fn open_answered(api: &FakeApi) -> Option<Terminal> {
    api.replies(|replies| {
        let turn = snapshot("COMPLETED", 1, 2, "Because.");
        replies.answer("GetConversation", [whole(turn)]);
    });
    let mut terminal = Terminal::open(api, &format!("--conversation {ID}"))?;
    terminal.shows("Because.").await;
    terminal.shows("> ").await;
    Some(terminal)
}

#[tokio::test]
async fn a_deletion_takes_yes_for_an_answer() {
    let mut api = FakeApi::start().await;
    api.replies(|replies| {
        let deleted = json!({ "conversationId": ID, "timestamp": "2026-01-01T00:00:00Z" });
        replies.answer(
            "DeleteConversation",
            [json!({ "deleteConversation": deleted })],
        );
    });
    let Some(mut terminal) = open_answered(&api).await else {
        return;
    };
    terminal.press("/delete\r").await;
    terminal.shows("[y/N] ").await;
    terminal.press("Yes\r").await;
    api.call("DeleteConversation").await;
    terminal.shows("deleted; ").await;
    terminal.shows("> ").await;
    terminal.end().await;
}

#[tokio::test]
async fn on_a_terminal_a_question_of_several_lines_is_edited_as_it_was() {
    let mut api = FakeApi::start().await;
    let Some(mut terminal) = open_answered(&api).await else {
        return;
    };
    terminal.press("/edit\r").await;
    terminal.shows("edit> ").await;
    terminal.press(" Please.\r").await;
    let socket = api.subscriber().await;
    let asked = api.call("StartStream").await.variables;
    assert_eq!(asked["prompt"], "Why?\nSay it. Please.");
    socket.event(completed(1, 1)).await;
    terminal.shows("> ").await;
    terminal.end().await;
}

#[tokio::test]
async fn an_answer_to_the_commands_own_question_is_not_kept() {
    let api = FakeApi::start().await;
    let Some(mut terminal) = open_answered(&api).await else {
        return;
    };
    terminal.press("/delete\r").await;
    terminal.shows("[y/N] ").await;
    terminal.press("never\r").await;
    terminal.shows("it is kept").await;
    terminal.shows("> ").await;
    let history = terminal.end().await;
    assert!(history.contains("/delete"), "{history}");
    assert!(!history.contains("never"), "{history}");
}

/// Answers the next questions, which must be these.
async fn check_asked(api: &mut FakeApi, questions: &[&str]) {
    for question in questions {
        let socket = api.subscriber().await;
        let asked = api.call("StartStream").await.variables;
        assert_eq!(asked["prompt"], **question);
        socket.tokens(1, &[(1, "Because.")]).await;
        socket.event(completed(1, 2)).await;
    }
}

#[tokio::test]
async fn lines_that_arrive_together_are_taken_one_after_the_other() {
    let mut api = FakeApi::start().await;
    let Some(mut terminal) = Terminal::ready(&api).await else {
        return;
    };
    terminal.press("one\rtwo\r/reasoning on\rthr").await;
    check_asked(&mut api, &["one", "two"]).await;
    terminal.shows("reasoning is shown").await;
    // What is left of the line can be edited.
    terminal.shows("thr").await;
    terminal.press("ough\x7f\x7f\x7f\x7fee\rfour\r").await;
    check_asked(&mut api, &["three", "four"]).await;
    // A pasted line is no end of the question.
    terminal
        .press("\x1b[200~five\rsix\x1b[201~\rseven\r\x04")
        .await;
    check_asked(&mut api, &["five\nsix", "seven"]).await;
    let history = terminal.ended().await;
    assert!(history.contains("seven"), "{history}");
}

#[tokio::test]
async fn lines_that_are_typed_during_an_answer_are_taken_after_it() {
    let mut api = FakeApi::start().await;
    let Some(mut terminal) = Terminal::ready(&api).await else {
        return;
    };
    terminal.press("one\r").await;
    let socket = api.subscriber().await;
    api.call("StartStream").await;
    socket.tokens(1, &[(1, "Because.")]).await;
    terminal.shows("Because.").await;
    terminal.press("two\rthree\r\x04").await;
    // The terminal shows them as they are typed.
    terminal.shows("three").await;
    socket.event(completed(1, 2)).await;
    check_asked(&mut api, &["two", "three"]).await;
    terminal.ended().await;
}

#[tokio::test]
async fn a_ctrl_c_that_came_with_a_line_stops_its_answer() {
    let api = FakeApi::start().await;
    let Some(mut terminal) = Terminal::ready(&api).await else {
        return;
    };
    terminal.press("one\r\x03").await;
    terminal.shows("stopped").await;
    terminal.shows("> ").await;
    let history = terminal.end().await;
    assert!(history.contains("one"), "{history}");
}

#[tokio::test]
async fn a_stop_that_could_not_be_sent_is_sent_again_before_the_next_question() {
    let mut api = FakeApi::start().await;
    let Some(mut terminal) = Terminal::ready(&api).await else {
        return;
    };
    terminal.press("Why?\r").await;
    let socket = api.subscriber().await;
    let first = api.call("StartStream").await.variables;
    socket.tokens(1, &[(1, "Be")]).await;
    terminal.shows("Be").await;
    let mut stop = (403, json!({}));
    api.replies(|replies| std::mem::swap(&mut replies.stop, &mut stop));
    terminal.press("\x03").await;
    terminal.shows("not stopped: ").await;
    terminal.shows("> ").await;
    terminal.press("And?\r").await;
    terminal
        .shows("the last answer could not be stopped: ")
        .await;
    terminal.shows("/retry asks it").await;
    terminal.shows("> ").await;
    api.replies(|replies| {
        replies.stop = stop;
        replies.snapshot = snapshot("CANCELLED", 1, 2, "Be");
    });
    terminal.press("/retry\r").await;
    let socket = api.subscriber().await;
    let asked = api.call("StartStream").await.variables;
    assert_eq!(asked["prompt"], "And?");
    assert_eq!(asked["parentId"], first["sessionId"]);
    socket.event(completed(1, 1)).await;
    terminal.shows("> ").await;
    terminal.end().await;
}

#[tokio::test]
async fn a_terminal_says_for_how_long_the_model_thought() {
    for arguments in ["", "--show-reasoning"] {
        let mut api = FakeApi::start().await;
        let Some(mut terminal) = Terminal::open(&api, arguments) else {
            return;
        };
        terminal.shows("> ").await;
        terminal.press("Why?\r").await;
        let socket = api.subscriber().await;
        api.call("StartStream").await;
        let thought = json!("Let me think.");
        socket
            .event(piece(1, 0, "REASONING", "reasoning", thought))
            .await;
        let mut text = piece(2, 1, "TEXT", "reasoning", serde_json::Value::Null);
        text["token"] = "Because.".into();
        socket.event(text).await;
        terminal.shows("[thought for ").await;
        terminal.shows("Because.").await;
        socket.event(completed(1, 3)).await;
        terminal.shows("> ").await;
        terminal.end().await;
    }
}
