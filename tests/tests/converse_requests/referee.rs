//! The referee, which is a program of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use system_tests::within;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

const PYTHON: &str = "../target/botocore/bin/python";

/// Python with botocore, and a script of this folder.
pub(crate) fn program(script: &str) -> (PathBuf, PathBuf) {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = package.join(PYTHON);
    assert!(
        python.is_file(),
        "botocore is not installed: `cargo xtask test` does it, or see requirements.txt"
    );
    let script = package.join("tests/converse_requests").join(script);
    (python, script)
}

pub(crate) struct Referee {
    process: Child,
    requests: ChildStdin,
    verdicts: Lines<BufReader<ChildStdout>>,
}

impl Referee {
    pub(crate) fn start() -> Self {
        let (python, script) = program("referee.py");
        let mut process = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("Python");
        Self {
            requests: process.stdin.take().expect("stdin is piped"),
            verdicts: BufReader::new(process.stdout.take().expect("stdout is piped")).lines(),
            process,
        }
    }

    /// What is wrong with a request.
    pub(crate) async fn of(&mut self, model_id: &str, body: &str) -> Vec<String> {
        let body: Value = serde_json::from_str(body).expect("a request's body is JSON");
        let line = format!("{}\n", json!({ "modelId": model_id, "body": body }));
        self.requests
            .write_all(line.as_bytes())
            .await
            .expect("the referee reads");
        let verdict = within("the referee's verdict", self.verdicts.next_line()).await;
        let verdict = verdict.expect("readable").expect("a verdict");
        serde_json::from_str(&verdict).expect("a list")
    }

    pub(crate) async fn end(self) {
        let Self {
            mut process,
            requests,
            verdicts: _verdicts,
        } = self;
        drop(requests);
        let status = within("the referee's end", process.wait()).await;
        assert!(status.expect("a status").success());
    }
}
