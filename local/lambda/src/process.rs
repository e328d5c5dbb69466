//! Starts a function's process, with its environment variables and its output, and ends it.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::serve::ListenerExt as _;
use chrono::DateTime;
use local_iam::Principal;
use local_kit::clock::Clock;
use local_kit::endpoints::Endpoints;
use local_kit::private_listener::private_listener;
use local_kit::process::Process as _;
use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio_util::task::TaskTracker;

use super::environment::Environment;
use super::runtime_api;
use crate::config::FunctionConfig;

/// The variables that a function inherits. `HOME` isn't one: an SDK would find the developer's AWS profile there.
const INHERITED: [&str; 4] = ["PATH", "TMPDIR", "RUST_BACKTRACE", "RUST_LOG"];

/// How many milliseconds the stack's clock was advanced, for functions that keep to it. Lambda has no such variable.
pub(crate) const CLOCK_OFFSET_VARIABLE: &str = "TOKENCAST_CLOCK_OFFSET_MS";

/// A longer line of output is logged in pieces.
const MAX_LINE_BYTES: u64 = 64 * 1024;

/// How many lines of standard error are repeated when a process fails to start.
const LAST_LINES: usize = 20;

/// Everything that a function's processes are started with.
#[derive(Debug)]
pub(crate) struct Template {
    pub config: FunctionConfig,
    pub endpoints: Endpoints,
    pub clock: Clock,
}

/// The last lines of a process's standard error.
#[derive(Clone, Debug, Default)]
pub(crate) struct LastLines(Arc<Mutex<VecDeque<String>>>);

/// Starts a process and its Runtime API. A task of `tracker` watches both until the process ends, then calls `ended`.
pub(crate) fn start(
    template: &Template,
    principal: &Principal,
    tracker: &TaskTracker,
    ended: impl FnOnce() + Send + 'static,
) -> io::Result<(Arc<Environment>, LastLines)> {
    let config = &template.config;
    let listener = private_listener()?;
    let address = listener.local_addr()?;
    let listener = tokio::net::TcpListener::from_std(listener)?.tap_io(|stream| {
        // Without it, a small frame may wait for the acknowledgement of the previous one.
        let _ = stream.set_nodelay(true);
    });
    let program = std::fs::canonicalize(&config.program)?;
    let clock_offset_ms = template.clock.offset_ms();
    let task_root = program.parent().unwrap_or(Path::new("/")).to_owned();
    let mut child = Command::new(&program)
        .args(&config.args)
        .env_clear()
        .envs(
            std::env::vars_os()
                .filter(|(name, _)| INHERITED.iter().any(|inherited| name == inherited)),
        )
        .envs(variables(
            template,
            principal,
            address,
            &task_root,
            clock_offset_ms,
        ))
        .current_dir(&task_root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A process group of its own, so that a signal reaches the process's children, and the terminal's Ctrl-C
        // doesn't reach it.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    let pid = child
        .id()
        .ok_or_else(|| io::Error::other("ended at once"))?;
    let environment = Arc::new(Environment::new(
        pid,
        principal.access_key_id.clone(),
        clock_offset_ms,
    ));
    let api = runtime_api::router(
        Arc::clone(&environment),
        template.endpoints.function_arn(&config.name),
    );
    let last_lines = LastLines::default();
    let output = (
        child
            .stdout
            .take()
            .map(|out| tracker.spawn(log(out, config.name.clone(), pid, LastLines::default()))),
        child
            .stderr
            .take()
            .map(|err| tracker.spawn(log(err, config.name.clone(), pid, last_lines.clone()))),
    );
    tracker.spawn({
        let environment = Arc::clone(&environment);
        async move {
            let status = tokio::select! {
                status = exit(&mut child) => status,
                // Ends only with an error of the listener.
                _ = axum::serve(listener, api).into_future() => None,
            };
            environment.signal(Signal::KILL);
            // Waits for the last output, unless a child of the process keeps the pipes open.
            let drained = async {
                for task in [output.0, output.1].into_iter().flatten() {
                    let _ = task.await;
                }
            };
            let _ = tokio::time::timeout(Duration::from_millis(500), drained).await;
            environment.ended(status);
            ended();
        }
    });
    Ok((environment, last_lines))
}

async fn exit(child: &mut Child) -> Option<std::process::ExitStatus> {
    child.wait().await.ok()
}

/// As on AWS, the `Reserved environment variables` win over the function's own, except for the endpoint.
fn variables(
    template: &Template,
    principal: &Principal,
    runtime_api: SocketAddr,
    task_root: &Path,
    clock_offset_ms: i64,
) -> BTreeMap<String, String> {
    let Template {
        config,
        endpoints,
        clock,
    } = template;
    let mut all = BTreeMap::from([
        ("AWS_ENDPOINT_URL".to_owned(), endpoints.url()),
        ("LANG".to_owned(), "en_US.UTF-8".to_owned()),
        ("TZ".to_owned(), ":UTC".to_owned()),
    ]);
    all.extend(config.environment.clone());
    let mut reserved = vec![
        ("AWS_LAMBDA_RUNTIME_API", runtime_api.to_string()),
        ("AWS_LAMBDA_FUNCTION_NAME", config.name.clone()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        (
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            config.memory_mb.to_string(),
        ),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        (
            "AWS_LAMBDA_LOG_GROUP_NAME",
            format!("/aws/lambda/{}", config.name),
        ),
        ("AWS_LAMBDA_LOG_STREAM_NAME", log_stream(clock)),
        ("AWS_REGION", endpoints.region.clone()),
        ("AWS_DEFAULT_REGION", endpoints.region.clone()),
        ("AWS_ACCESS_KEY_ID", principal.access_key_id.clone()),
        ("AWS_SECRET_ACCESS_KEY", principal.secret_access_key.clone()),
        ("LAMBDA_TASK_ROOT", task_root.display().to_string()),
        ("_HANDLER", "bootstrap".to_owned()),
    ];
    if clock_offset_ms != 0 {
        reserved.push((CLOCK_OFFSET_VARIABLE, clock_offset_ms.to_string()));
    }
    if let Some(token) = &principal.session_token {
        reserved.push(("AWS_SESSION_TOKEN", token.clone()));
    }
    all.extend(
        reserved
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value)),
    );
    all
}

/// The log stream's name: `2026/01/31/[$LATEST]…`.
fn log_stream(clock: &Clock) -> String {
    let day = DateTime::from_timestamp_millis(clock.now_ms())
        .unwrap_or_default()
        .format("%Y/%m/%d");
    format!("{day}/[$LATEST]{:032x}", fastrand::u128(..))
}

/// Logs the output line by line, fast enough that the process never waits.
async fn log(stream: impl AsyncRead + Unpin, function: String, pid: u32, last_lines: LastLines) {
    let mut lines = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut lines)
            .take(MAX_LINE_BYTES)
            .read_until(b'\n', &mut line)
            .await
        {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        tracing::info!(target: "lambda", function, pid, "{text}");
        last_lines.push(text);
    }
}

impl LastLines {
    fn push(&self, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LAST_LINES {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    }

    pub(crate) fn text(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("\n")
    }
}
