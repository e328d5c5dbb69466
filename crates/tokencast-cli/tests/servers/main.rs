//! `tokencast ask --model openai:…` against servers as they are: what they send, what is on stdout, what the terminal says,
//! and how it ends. Each case runs the command, which starts a whole local stack.

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

/// No step takes this long, be the machine ever so busy.
const PATIENCE: Duration = Duration::from_mins(3);

/// So many stacks at once.
const AT_ONCE: usize = 2;

/// What nobody may read but the model. Some servers repeat it.
const PROMPT: &str = "Why do zebras wear canary-yellow stripes?";

/// How the command went.
#[derive(Debug)]
struct Asked {
    code: Option<i32>,
    stdout: String,
    stderr: String,
    /// The requests that the server got.
    requests: Vec<Value>,
}

/// The command, without what the environment of the test may have.
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

/// Asks a server whose n-th answer is the n-th of these, and the last from then on.
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
