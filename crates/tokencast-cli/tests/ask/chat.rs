//! `tokencast chat` and `tokencast export`, against a fake API.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin};

use crate::{check_usage, finish, tokencast};
use client_fakes::{FakeApi, FakeFunction, Socket, completed, failed, snapshot, token};

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

#[tokio::test]
async fn a_question_that_is_refused_is_no_turn() {
    let mut chat = Chat::start(FakeApi::start().await, &[]);
    chat.api
        .replies(|replies| replies.refuse_start("INVALID_PROMPT"));
    chat.line("One").await;
    let (first, _socket) = chat.asked().await;
    chat.api.replies(client_fakes::Replies::accept_start);
    // The fake has read the answer to the first start by the time that it gets another.
    chat.line("Two").await;
    let second = chat.answer("2").await;
    assert_eq!(second["conversationId"], first["conversationId"]);
    assert!(second["parentId"].is_null());
    let (code, stdout, stderr) = chat.end().await;
    assert_eq!((code, &*stdout), (3, "2\n"));
    assert!(
        stderr.contains("error: INVALID_PROMPT: said the server"),
        "{stderr}"
    );
}

fn head(title: &str) -> Value {
    json!({
        "conversationId": ID, "title": title, "lastSessionId": TURN, "turnCount": 1,
        "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:01:00Z",
    })
}

#[expect(clippy::needless_pass_by_value, reason = "`json!` makes values")]
fn whole(stream: Value) -> Value {
    let mut conversation = head("Rivers");
    conversation["turns"] = json!([{
        "sessionId": TURN, "parentId": null, "prompt": "Why?\nSay it.", "createdAt": "2026-01-01T00:00:00Z",
        "stream": stream,
    }]);
    json!({ "conversation": conversation })
}

#[tokio::test]
async fn conversations_are_listed_opened_renamed_exported_and_deleted() {
    let api = FakeApi::start().await;
    api.replies(|replies| {
        let page =
            |next| json!({ "conversations": { "items": [head("Rivers")], "nextToken": next } });
        replies.answer("Conversations", [page(json!("bmV4dA")), page(Value::Null)]);
        let turn = snapshot("COMPLETED", 1, 2, "Because.");
        replies.answer("GetConversation", [whole(turn)]);
        replies.answer(
            "RenameConversation",
            [json!({ "renameConversation": head("Streams") })],
        );
        let exported = json!({ "content": "# Rivers\n", "nextToken": null });
        replies.answer(
            "ExportConversation",
            [json!({ "exportConversation": exported })],
        );
        let deleted = json!({ "conversationId": ID, "timestamp": "2026-01-01T00:00:00Z" });
        replies.answer(
            "DeleteConversation",
            [json!({ "deleteConversation": deleted })],
        );
    });
    let mut chat = Chat::start(api, &[]);
    for line in [
        "/list",
        "/list more",
        "/list more",
        "/open 1",
        "/title",
        "/export",
    ] {
        chat.line(line).await;
    }
    chat.line("And glaciers?").await;
    let asked = chat.answer("They flow.").await;
    assert_eq!(
        (&asked["conversationId"], &asked["parentId"]),
        (&json!(ID), &json!(TURN))
    );
    chat.line("/title Streams").await;
    assert_eq!(
        chat.api.call("RenameConversation").await.variables,
        json!({ "id": ID, "title": "Streams" })
    );
    let file = std::env::temp_dir().join(format!("export-{}.json", uuid::Uuid::new_v4()));
    chat.line(&format!("/export json {}", file.display())).await;
    let exported = chat.api.call("ExportConversation").await.variables;
    assert_eq!(exported, json!({ "id": ID, "format": "JSON" }));
    chat.line("/delete").await;
    assert_eq!(
        chat.api.call("DeleteConversation").await.variables,
        json!({ "id": ID })
    );
    chat.line("/title").await;
    chat.line("/quit").await;
    let (code, stdout, stderr) = chat.end().await;
    let listed = |number| format!("   {number}  Rivers  (1 turn, 2026-01-01T00:01:00Z)  {ID}\n");
    let expected = format!(
        "{}{}> Why?\n> Say it.\nBecause.\nRivers\n# Rivers\nThey flow.\n",
        listed(1),
        listed(2)
    );
    assert!(stdout.starts_with(&expected), "{stdout}\n{stderr}");
    assert_eq!(code, 2, "the list had no more: {stderr}");
    assert_eq!(
        std::fs::read_to_string(&file).expect("written"),
        "# Rivers\n"
    );
    std::fs::remove_file(&file).expect("removed");
    for part in [
        "/list more goes on\n",
        "error: the list has no more\n",
        "the title is now: Streams\n",
    ] {
        assert!(stderr.contains(part), "{part} in\n{stderr}");
    }
}

#[tokio::test]
async fn a_conversation_is_gone_on_with_and_a_running_answer_followed() {
    let api = FakeApi::start().await;
    api.replies(|replies| {
        replies.answer(
            "GetConversation",
            [whole(snapshot("STREAMING", 1, 1, "Be"))],
        );
        replies.snapshot = snapshot("COMPLETED", 1, 2, "Because.");
    });
    let mut chat = Chat::start(api, &["--conversation", ID]);
    chat.line("And glaciers?").await;
    assert_eq!(
        chat.api.call("GetStream").await.variables,
        json!({ "sessionId": TURN })
    );
    assert_eq!(chat.answer("They flow.").await["parentId"], TURN);
    let (code, stdout, stderr) = chat.end().await;
    assert_eq!(
        (code, &*stdout),
        (0, "> Why?\n> Say it.\nBecause.\nThey flow.\n")
    );
    assert_eq!(stderr, "Rivers\n");
}

#[tokio::test]
async fn a_conversation_that_is_not_there_begins() {
    let api = FakeApi::start().await;
    api.replies(|replies| replies.answer("GetConversation", [json!({ "conversation": null })]));
    let mut chat = Chat::start(api, &["--conversation", ID]);
    chat.line("Why?").await;
    assert_eq!(chat.answer("Because.").await["conversationId"], ID);
    assert_eq!(chat.end().await.0, 0);
}

#[tokio::test]
async fn answers_come_over_another_channel_and_conversations_over_graphql() {
    let mut function = FakeFunction::start().await;
    let api = FakeApi::start().await;
    api.replies(|replies| {
        let list = json!({ "items": [head("Rivers")], "nextToken": null });
        replies.answer("Conversations", [json!({ "conversations": list })]);
    });
    let url = function.url.clone();
    let mut chat = Chat::start(api, &["--via", "url", "--function-url", &url]);
    chat.line("Why?").await;
    let request = function.request().await;
    assert!(request.body["conversationId"].is_string());
    let mut body = request.stream().await;
    body.events(&[token(1, 1, "Because."), completed(1, 2)])
        .await;
    chat.line("/list").await;
    chat.api.call("Conversations").await;
    let (code, stdout, stderr) = chat.end().await;
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.starts_with("Because.\n   1  Rivers"), "{stdout}");
    let args = [
        "chat",
        "--via",
        "url",
        "--function-url",
        &*url,
        "--token",
        "jwt",
    ];
    check_usage(
        &args,
        "",
        "--via url needs --api-url (TOKENCAST_API_URL) as well",
    )
    .await;
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
}

#[tokio::test]
async fn a_conversation_is_exported() {
    let mut api = FakeApi::start().await;
    let piece =
        |content, next| json!({ "exportConversation": { "content": content, "nextToken": next } });
    let pieces = [
        piece("{\"title\":", json!("bmV4dA")),
        piece("1}", Value::Null),
    ];
    api.replies(|replies| replies.answer("ExportConversation", pieces));
    let export = |api: &FakeApi, args: &[&str]| {
        let mut command = tokencast(&["export", ID, "--token", "jwt", "--api-url", &api.url]);
        command.args(args).spawn().expect("it starts")
    };
    let (code, stdout, stderr) = finish(export(&api, &["--format", "json"])).await;
    assert_eq!((code, &*stdout, &*stderr), (0, "{\"title\":1}", ""));
    let call = api.call("ExportConversation").await;
    assert_eq!(call.variables, json!({ "id": ID, "format": "JSON" }));

    let file: PathBuf = std::env::temp_dir().join(format!("export-{}.md", uuid::Uuid::new_v4()));
    let path = file.display().to_string();
    let (code, stdout, _) = finish(export(&api, &["--output", &path])).await;
    assert_eq!((code, &*stdout), (0, ""));
    assert_eq!(std::fs::read_to_string(&file).expect("written"), "1}");
    std::fs::remove_file(&file).expect("removed");

    let (code, _, stderr) = finish(export(&api, &["--output", "/nowhere/x.md"])).await;
    assert_eq!(code, 7);
    assert!(stderr.contains("cannot write /nowhere/x.md"), "{stderr}");

    api.replies(|replies| {
        replies.answer(
            "ExportConversation",
            [json!({ "exportConversation": null })],
        );
    });
    let (code, _, stderr) = finish(export(&api, &[])).await;
    assert_eq!(code, 3);
    assert!(
        stderr.contains(&format!("there is no conversation {ID}")),
        "{stderr}"
    );

    check_usage(&["export", ID], "", "an export needs --api-url").await;
    check_usage(&["export", "x"], "", "UUID").await;
}

/// On a terminal, by util-linux's `script`, if it is installed.
#[cfg(target_os = "linux")]
#[expect(
    clippy::items_after_statements,
    reason = "what reads the screen belongs to this test alone"
)]
#[tokio::test]
async fn on_a_terminal_ctrl_c_stops_the_answer_and_not_the_chat() {
    use std::os::unix::fs::PermissionsExt as _;

    use client_fakes::{cancelled, within};
    use tokio::io::AsyncReadExt;

    const SCRIPT: &str = "/usr/bin/script";
    if !std::path::Path::new(SCRIPT).exists() {
        eprintln!("skipped: there is no {SCRIPT}");
        return;
    }
    let mut api = FakeApi::start().await;
    let home = std::env::temp_dir().join(format!("chat-{}", uuid::Uuid::new_v4()));
    let mut command = tokio::process::Command::new(SCRIPT);
    let chat = format!("{} chat", env!("CARGO_BIN_EXE_tokencast"));
    command
        .args(["-qec", &chat, "/dev/null"])
        .env("TOKENCAST_API_URL", &api.url)
        .env("TOKENCAST_TOKEN", "jwt")
        .env("XDG_STATE_HOME", &home)
        .env("TERM", "xterm")
        .env_remove("NO_COLOR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().expect("it starts");
    let mut keys = child.stdin.take().expect("a pipe");
    let mut screen = child.stdout.take().expect("a pipe");
    let mut shown = String::new();
    /// Reads on until the screen has shown this since `from`. Returns where that ends.
    async fn until(
        screen: &mut (impl tokio::io::AsyncRead + Unpin),
        shown: &mut String,
        from: usize,
        what: &str,
    ) -> usize {
        loop {
            if let Some(at) = shown[from..].find(what) {
                return from + at + what.len();
            }
            let mut bytes = vec![0; 4096];
            let count = within(screen.read(&mut bytes)).await.expect("read");
            assert!(count > 0, "no {what:?} in {shown:?}");
            shown.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    }
    let at = until(&mut screen, &mut shown, 0, "> ").await;
    keys.write_all(b"Why?\r").await.expect("typed");
    let socket = api.subscriber().await;
    api.call("StartStream").await;
    socket.tokens(1, &[(1, "It is **bo"), (2, "ld**")]).await;
    let at = until(&mut screen, &mut shown, at, "\u{1b}[1mbold\u{1b}[0m").await;
    keys.write_all(b"\x03").await.expect("typed");
    api.call("StopStream").await;
    socket.event(cancelled(1, 3)).await;
    let at = until(&mut screen, &mut shown, at, "stopped; 14 characters kept").await;
    let at = until(&mut screen, &mut shown, at, "> ").await;
    // At the prompt it ends nothing, either.
    keys.write_all(b"abc\x03").await.expect("typed");
    let at = until(&mut screen, &mut shown, at, "Ctrl-D or /quit ends").await;
    until(&mut screen, &mut shown, at, "> ").await;
    keys.write_all(b"\x04").await.expect("typed");
    let status = within(child.wait()).await.expect("it ends");
    assert_eq!(status.code(), Some(0), "{shown:?}");
    let history = home.join("tokencast/chat_history");
    let text = std::fs::read_to_string(&history).expect("a history");
    assert!(text.contains("Why?"), "{text}");
    let mode = history
        .metadata()
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::remove_dir_all(&home).expect("removed");
}
