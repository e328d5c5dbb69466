//! The command as somebody uses it whose deployment, tokens or outputs aren't as they should be.

use std::path::PathBuf;

use serde_json::{Value, json};
use system_tests::{TestStack, within};

use crate::scene::stack;

/// Nothing listens there.
const NOBODY: &str = "http://127.0.0.1:1/";

/// A stack's outputs in a file, with changes.
struct Outputs {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

impl Outputs {
    async fn of(stack: &TestStack, change: impl FnOnce(&mut Value)) -> Self {
        let url = format!(
            "{}/amplify_outputs.json",
            stack.running.info.endpoints.url()
        );
        let outputs = stack.http().get(url).send().await.expect("a response");
        let mut outputs: Value = outputs.json().await.expect("JSON");
        change(&mut outputs);
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("outputs.json");
        std::fs::write(&path, outputs.to_string()).expect("written");
        Self {
            _directory: directory,
            path,
        }
    }

    fn path(&self) -> &str {
        self.path.to_str().expect("UTF-8")
    }
}

/// What is different in a file of outputs.
type Change = fn(&mut Value);

/// What the command said, and its exit code.
struct Said {
    code: Option<i32>,
    out: String,
    error: String,
}

impl Said {
    #[track_caller]
    fn has(&self, code: i32, parts: &[&str]) {
        let Self {
            code: got,
            out,
            error,
        } = self;
        assert_eq!(*got, Some(code), "{out}{error}");
        for part in parts {
            assert!(
                out.contains(part) || error.contains(part),
                "{part}: {out}{error}"
            );
        }
    }

    #[track_caller]
    fn has_not(&self, part: &str) {
        assert!(!self.out.contains(part), "{part}: {}", self.out);
    }
}

async fn doctor(stack: &TestStack, arguments: &[&str]) -> Said {
    let output = stack.command(&[&["doctor"], arguments].concat()).await;
    Said {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        error: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A token with the signature of another.
fn forged(stack: &TestStack, user: &str, other: &str) -> String {
    let (token, other) = (stack.access_token(user), stack.access_token(other));
    let (claims, _) = token.rsplit_once('.').expect("a signature");
    let (_, signature) = other.rsplit_once('.').expect("a signature");
    format!("{claims}.{signature}")
}

#[tokio::test]
async fn what_kept_a_probe_from_being_tried_is_in_the_report_and_in_the_exit_code() {
    let stack = stack(|_| {}).await;
    let token = stack.access_token("alice");
    let run = async |outputs: &Outputs, token: &str, only: &str| {
        let from = ["--amplify-outputs", outputs.path(), "--token", token];
        doctor(&stack, &[&from[..], &["--yes", "--only", only]].concat()).await
    };

    let outputs = Outputs::of(&stack, |outputs| outputs["data"]["url"] = json!(NOBODY)).await;
    let said = run(&outputs, &token, "errors,delivery,conversations,deployed").await;
    said.has(
        1,
        &["failed      access.sign-in", "No AppSync API answers there"],
    );
    said.has(1, &["it comes after `access.sign-in`, which failed"]);
    said.has_not("ok          ");

    let outputs = Outputs::of(&stack, |outputs| {
        outputs["custom"]["streamUrl"] = json!(NOBODY);
        outputs["custom"]["webSocketUrl"] = json!("ws://127.0.0.1:1/");
    });
    let outputs = outputs.await;
    let said = run(
        &outputs,
        &token,
        "url.answers,websocket.answers,websocket.no-token",
    )
    .await;
    said.has(1, &["failed      url.no-token", "Nothing answers there"]);
    said.has(1, &["failed      websocket.token-in-query"]);
    said.has_not("anybody can ask");
    let said = run(&outputs, &token, "websocket.stops").await;
    said.has(1, &["failed      websocket.stops", "no connection"]);

    // A token that the API refuses shows in one place.
    let outputs = Outputs::of(&stack, |_| {}).await;
    let said = run(&outputs, &forged(&stack, "alice", "bob"), "errors,sessions").await;
    said.has(1, &["0 ok, 1 failed", "failed      access.sign-in", "401"]);
    stack.shutdown().await;
}

#[tokio::test]
async fn a_second_user_who_is_none_is_no_leak() {
    let stack = stack(|_| {}).await;
    let port = stack.running.info.endpoints.address.port().to_string();
    let first = stack.access_token("alice");
    let forged = forged(&stack, "bob", "alice");
    let only = ["--only", "access.stranger-reads,access.stranger-subscribes"];
    let local = ["--local", &port, "--token", &first, "--second-token"];
    let said = doctor(&stack, &[&local[..], &[&first], &only].concat()).await;
    said.has(2, &["the second user is the first one"]);
    let said = doctor(&stack, &[&local[..], &[&forged], &only].concat()).await;
    said.has(
        1,
        &[
            "failed      access.sign-in",
            "not probed  access.stranger-reads",
        ],
    );
    said.has_not("Take the API offline");

    // Whoever names one of the stack's users has the other as the second.
    let named = ["--username", "bob", "--password", "Tokencast-bob-1"];
    let arguments = [
        &["--local", &port][..],
        &named,
        &["--only", "access.sign-in"],
    ];
    let said = doctor(&stack, &arguments.concat()).await;
    said.has(0, &["both users have signed in"]);
    stack.shutdown().await;
}

#[tokio::test]
async fn outputs_and_arguments_that_make_no_sense_are_named() {
    let stack = TestStack::start().await;
    let user = ["--username", "alice", "--password", "x", "--yes"];
    let cases: [(Change, &str); 5] = [
        (
            |outputs| outputs["data"]["url"] = json!("not a url"),
            "`data.url` of",
        ),
        (
            |outputs| outputs["auth"]["user_pool_id"] = json!("garbage"),
            "is `garbage`, expected a user pool's id",
        ),
        (
            |outputs| outputs["custom"]["streamUrl"] = json!(5),
            "`custom.streamUrl` of",
        ),
        (
            |outputs| outputs["custom"]["webSocketUrl"] = json!("https://there"),
            "expected a URL that begins with wss://",
        ),
        (
            |outputs| outputs["auth"] = Value::Null,
            "expected `auth.user_pool_id` and `auth.user_pool_client_id`",
        ),
    ];
    for (change, part) in cases {
        let outputs = Outputs::of(&stack, change).await;
        let arguments = [&["--amplify-outputs", outputs.path()][..], &user];
        doctor(&stack, &arguments.concat()).await.has(2, &[part]);
    }
    let both = ["--local", "--token", "x", "--username", "alice"];
    doctor(&stack, &both).await.has(2, &["exclude each other"]);
    doctor(&stack, &["--local", "0"]).await.has(2, &["0"]);
    let port = stack.running.info.endpoints.address.port().to_string();
    let said = doctor(&stack, &["--local", &port, "--only", "unseen.mail"]).await;
    said.has(
        0,
        &["not probed  unseen.mail", "0 ok, 0 failed, 1 not probed"],
    );
    stack.shutdown().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_report_that_cannot_be_written_is_exit_code_7() {
    let stack = TestStack::start().await;
    let port = stack.running.info.endpoints.address.port().to_string();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    let mut command = tokio::process::Command::new(system_tests::stack::function_host());
    let command = command
        .args(["doctor", "--local", &port, "--only", "access.sign-in"])
        .stdout(full.expect("it is there"))
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true);
    let child = command.spawn().expect("it starts");
    let output = within("the command's end", child.wait_with_output()).await;
    let output = output.expect("it ends");
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(7), "{error}");
    assert!(error.contains("cannot write the report"), "{error}");
    stack.shutdown().await;
}

/// `script` gives the command a terminal, on which Ctrl-C is a key.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn ctrl_c_ends_the_question_whether_to_begin() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    const SCRIPT: &str = "/usr/bin/script";
    if !std::path::Path::new(SCRIPT).exists() {
        eprintln!("skipped: there is no {SCRIPT}");
        return;
    }
    let stack = TestStack::start().await;
    let outputs = Outputs::of(&stack, |_| {}).await;
    let program = system_tests::stack::function_host();
    let command = format!(
        "exec '{}' doctor --amplify-outputs '{}' --token {}",
        program.display(),
        outputs.path(),
        stack.access_token("alice")
    );
    let mut child = tokio::process::Command::new(SCRIPT)
        .args(["-q", "-e", "-c", &command, "/dev/null"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("it starts");
    let mut out = child.stdout.take().expect("a pipe");
    let asked = async {
        let mut shown = Vec::new();
        while !String::from_utf8_lossy(&shown).contains("Begin? [y/N]") {
            let mut buffer = [0; 1024];
            let read = out.read(&mut buffer).await.expect("readable");
            assert!(read > 0, "{}", String::from_utf8_lossy(&shown));
            shown.extend_from_slice(&buffer[..read]);
        }
    };
    within("the question", asked).await;
    let mut keys = child.stdin.take().expect("a pipe");
    keys.write_all(b"\x03").await.expect("typed");
    let status = within("the end", child.wait()).await.expect("it ends");
    assert_eq!(status.code(), Some(130));
    stack.shutdown().await;
}
