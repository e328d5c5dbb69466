//! `tokencast ask --model openai:…` against servers as they are in use. Each case gives what the server sends, and
//! checks stdout, the terminal and the exit code. It runs the command, which starts a whole local stack.

mod causes;
mod replay;
mod shapes;
mod waiting;

use std::process::Stdio;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use replay::Replay;
use serde_json::Value;
use tokio::process::Command;

/// No step takes this long, even on a busy machine.
const PATIENCE: Duration = Duration::from_mins(3);

/// The number of stacks at once.
const AT_ONCE: usize = 2;

/// A text that only the model may read. Some servers repeat it in their errors.
const PROMPT: &str = "Why do zebras wear canary-yellow stripes?";

/// The outcome of the command.
#[derive(Debug)]
struct Asked {
    code: Option<i32>,
    stdout: String,
    stderr: String,
    /// The requests that the server got.
    requests: Vec<Value>,
}

/// Returns the command, without the variables of the test's own environment.
fn tokencast(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tokencast"));
    for variable in [
        "TOKENCAST_API_URL",
        "TOKENCAST_TOKEN",
        "TOKENCAST_PASSWORD",
        "RUST_LOG",
        "OPENAI_API_KEY",
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
    ] {
        command.env_remove(variable);
    }
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

fn ask(model: &str) -> Command {
    tokencast(&["ask", "--model", model, PROMPT])
}

async fn finish(mut command: Command) -> Asked {
    let output = tokio::time::timeout(PATIENCE, command.output()).await;
    let output = output.expect("in time").expect("it ran");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Asked {
        code: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
        requests: Vec::new(),
    }
}

/// Asks a server that gives these answers in turn, and repeats the last one.
async fn ask_of(answers: Vec<Vec<u8>>, arguments: &[&str], key: Option<&str>) -> Asked {
    let server = Replay::start(answers).await;
    let mut command = ask(&format!("openai:{}/v1#m", server.url));
    command.args(arguments);
    command.envs(key.map(|key| ("OPENAI_API_KEY", key)));
    let asked = finish(command).await;
    Asked {
        requests: server.requests(),
        ..asked
    }
}

/// Runs the cases, a few at a time.
async fn each<T>(cases: Vec<T>, check: impl AsyncFn(T)) {
    stream::iter(cases)
        .for_each_concurrent(AT_ONCE, |case| check(case))
        .await;
}
