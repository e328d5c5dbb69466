//! Asks over each channel against a running `tokencast dev`.

use std::path::PathBuf;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use crate::tokencast;

const VIA: [&str; 3] = ["appsync", "url", "websocket"];

/// No step takes this long, even on a busy machine.
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(2);

struct Dev {
    _child: Child,
    ready: Value,
    outputs: PathBuf,
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.outputs);
    }
}

impl Dev {
    async fn start() -> Self {
        let name = format!("amplify-{}.json", uuid::Uuid::new_v4());
        let outputs = std::env::temp_dir().join(name);
        let mut command = tokencast(&["dev", "--port", "0", "--json", "--amplify-outputs"]);
        let mut child = command.arg(&outputs).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let line = line.expect("in time").expect("readable").expect("a line");
        Self {
            _child: child,
            ready: serde_json::from_str(&line).expect("JSON"),
            outputs,
        }
    }

    /// Returns the exit code, stdout and stderr.
    async fn ask(&self, user: usize, via: &str, args: &[&str]) -> (i32, String, String) {
        let mut command = tokencast(&["ask", "--via", via, "--amplify-outputs"]);
        let user = &self.ready["users"][user];
        let word = |name: &str| user[name].as_str().expect("text");
        command.arg(&self.outputs).args(args);
        command.args([
            "--username",
            word("username"),
            "--password",
            word("password"),
        ]);
        let output = tokio::time::timeout(PATIENCE, command.output()).await;
        let output = output.expect("in time").expect("it ran");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        let code = output.status.code().expect("no signal");
        (code, text(output.stdout), text(output.stderr))
    }
}

#[tokio::test]
async fn an_answer_is_the_same_over_each_channel_and_to_be_had_over_any_other() {
    let dev = Dev::start().await;
    let mut texts = Vec::new();
    for via in VIA {
        let session = uuid::Uuid::new_v4().to_string();
        let (code, text, stderr) = dev.ask(0, via, &["Why?", "--session-id", &session]).await;
        assert_eq!(code, 0, "{via}: {stderr}");
        for other in VIA {
            let (code, again, stderr) = dev.ask(0, other, &["--resume", &session]).await;
            assert_eq!((code, &again), (0, &text), "{via}, then {other}: {stderr}");
            let (code, _, stderr) = dev.ask(1, other, &["--resume", &session]).await;
            assert_eq!(code, 3, "another user, {other}: {stderr}");
            // A read doesn't tell whether another user has the id.
            let refused = format!("there is no session {session}");
            assert!(stderr.contains(&refused), "{other}: {stderr}");
        }
        texts.push(text);
    }
    assert!(texts[0].len() > 100, "{}", texts[0]);
    assert!(texts.iter().all(|text| *text == texts[0]));
}

#[tokio::test]
async fn reasoning_and_sources_come_over_each_channel() {
    let dev = Dev::start().await;
    let mut answers = Vec::new();
    for via in VIA {
        let ask = async |option| {
            let args = [option, "Think about rivers"];
            let (code, stdout, stderr) = dev.ask(0, via, &args).await;
            assert_eq!(code, 0, "{via}: {stderr}");
            (stdout, stderr)
        };
        let (text, beside) = ask("--show-reasoning").await;
        let (reasoning, rest) = beside.split_once("\n[1] ").expect("a source");
        assert!(reasoning.len() > 20, "{via}: {reasoning}");
        assert!(rest.contains("\nsession "), "{via}: {rest}");

        let (lines, _) = ask("--json").await;
        let lines: Vec<Value> = lines
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        let joined = |kind: &str| -> String {
            let of_kind = lines.iter().filter(|line| line["type"] == kind);
            of_kind
                .map(|line| line["text"].as_str().expect("text"))
                .collect()
        };
        assert_eq!(joined("text").trim_end(), text.trim_end(), "{via}");
        assert_eq!(joined("reasoning"), reasoning, "{via}");
        let citations = lines.iter().filter(|line| line["type"] == "citation");
        assert_eq!(citations.count(), 1, "{via}");
        answers.push((text, reasoning.to_owned()));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[tokio::test]
async fn a_healthy_run_says_nothing_but_its_summary() {
    for via in VIA {
        let mut command = tokencast(&["ask", "--via", via, "Why?"]);
        let output = tokio::time::timeout(PATIENCE, command.output()).await;
        let output = output.expect("in time").expect("it ran");
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(0), "{via}: {stderr}");
        let unexpected =
            |line: &&str| !line.starts_with("session ") && *line != "starting the local stack …";
        assert_eq!(stderr.lines().find(unexpected), None, "{via}");
    }
}

#[tokio::test]
async fn what_is_refused_is_refused_over_each_channel() {
    let dev = Dev::start().await;
    let nobody = uuid::Uuid::new_v4().to_string();
    for via in VIA {
        let (code, _, stderr) = dev.ask(0, via, &["--resume", &nobody]).await;
        assert_eq!(code, 3, "{via}: {stderr}");
        let missing = format!("there is no session {nobody}");
        // The WebSocket API has claimed the id for this user meanwhile. A read still returns nothing.
        assert!(stderr.contains(&missing), "{via}: {stderr}");

        let mut command = tokencast(&["ask", "Why?", "--via", via, "--token", "forged"]);
        command.arg("--amplify-outputs").arg(&dev.outputs);
        let output = tokio::time::timeout(PATIENCE, command.output()).await;
        let output = output.expect("in time").expect("it ran");
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(3), "{via}: {stderr}");
        assert!(stderr.contains("not authorized"), "{via}: {stderr}");
    }
}

#[tokio::test]
async fn an_operator_hears_when_nothing_is_known_of_a_user() {
    let dev = Dev::start().await;
    let word = |name: &str| dev.ready[name].as_str().expect("text");
    let port = dev.ready["port"].to_string();
    for arguments in [
        &["forget", "--owner", "zz top"][..],
        &["quota", "set", "--user", "nobody", "--starts-per-day", "3"],
        &["quota", "reset", "--user", "no one", "--json"],
    ] {
        let mut command = tokencast(arguments);
        command
            .args(["--local", &port])
            .env("AWS_ACCESS_KEY_ID", word("accessKeyId"))
            .env("AWS_SECRET_ACCESS_KEY", word("secretAccessKey"));
        let output = tokio::time::timeout(PATIENCE, command.output()).await;
        let output = output.expect("in time").expect("it ran");
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {stderr}");
        let expected =
            "Nothing is known of this user: expected the `sub` of one who has started a session.\n";
        assert_eq!(stderr, expected, "{arguments:?}");
    }
}
