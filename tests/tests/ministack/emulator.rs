//! One run of ministack: its process, and calls of AWS's APIs by its root user.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Stdio;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use system_tests::{eventually, templates, within};
use tempfile::TempDir;
use tokio::process::{Child, Command};

const HOW: &str = "python3 -m venv target/ministack && \
     target/ministack/bin/pip install -r tests/tests/ministack/requirements.txt";

/// The emulator's own region and account.
pub(crate) const REGION: &str = "us-east-1";
pub(crate) const ACCOUNT: &str = "000000000000";

pub(crate) struct Emulator {
    process: Child,
    pub(crate) url: String,
    pub(crate) http: reqwest::Client,
    /// The directory for the emulator's files, the functions' code among them.
    _files: TempDir,
}

impl Emulator {
    /// Starts the emulator on loopback. It checks signatures and policies.
    pub(crate) async fn start() -> Self {
        let program = templates::root().join("target/ministack/bin/ministack");
        assert!(program.is_file(), "there is no ministack: {HOW}");
        let files = tempfile::tempdir().expect("a directory");
        let port = free_port();
        let url = format!("http://127.0.0.1:{port}");
        let log = std::fs::File::create(files.path().join("log")).expect("a log");
        let process = Command::new(program)
            .env_clear()
            .envs([
                ("AUTH", "true"),
                ("AWS_ENDPOINT_URL", &url),
                ("BIND_HOST", "127.0.0.1"),
                ("GATEWAY_PORT", &port.to_string()),
                ("IOT_MTLS_ENABLED", "0"),
                ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ])
            .env("HOME", files.path())
            .env("TMPDIR", files.path())
            .current_dir(files.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .expect("it starts");
        let http = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client");
        let health = format!("{url}/_ministack/health");
        eventually("ministack", || async {
            let answer = http.get(&health).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
        Self {
            process,
            url,
            http,
            _files: files,
        }
    }

    /// Ends the emulator and its functions' processes.
    pub(crate) async fn shutdown(mut self) {
        let pid = self.process.id().and_then(|pid| i32::try_from(pid).ok());
        if let Some(pid) = pid.and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM).expect("it is our process");
        }
        within("ministack's end", self.process.wait())
            .await
            .expect("it ends");
    }

    /// Makes a call over a JSON protocol. `target` is the value of `X-Amz-Target`.
    pub(crate) async fn call(&self, service: &str, target: &str, input: Value) -> Value {
        let request = self
            .request(Method::POST, service, "/")
            .header("x-amz-target", target)
            .header("content-type", "application/x-amz-json-1.0");
        let (status, text) = answer(request.body(input.to_string())).await;
        assert!(status.is_success(), "{target}: {status}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Makes a call over the Query protocol, whose response is XML.
    pub(crate) async fn query(&self, service: &str, fields: &[(&str, &str)]) -> String {
        let request = self
            .request(Method::POST, service, "/")
            .header("content-type", "application/x-www-form-urlencoded");
        let (status, text) = answer(request.body(form(fields))).await;
        assert!(status.is_success(), "{fields:?}: {status}: {text}");
        text
    }

    /// Makes a call over a REST protocol.
    pub(crate) async fn rest(
        &self,
        method: Method,
        service: &str,
        path: &str,
        body: impl Into<reqwest::Body>,
    ) -> String {
        let request = self.request(method, service, path);
        let (status, text) = answer(request.body(body)).await;
        assert!(status.is_success(), "{path}: {status}: {text}");
        text
    }

    /// Calls as the root user, whose signature isn't checked. The call claims to be over TLS, which the queues'
    /// policies ask for.
    fn request(&self, method: Method, service: &str, path: &str) -> reqwest::RequestBuilder {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/{service}/aws4_request, \
             SignedHeaders=host, Signature=0"
        );
        self.http
            .request(method, format!("{}{path}", self.url))
            .timeout(Duration::from_mins(2))
            .header("authorization", authorization)
            .header("x-amz-date", "20260101T000000Z")
            .header("x-forwarded-proto", "https")
    }
}

async fn answer(request: reqwest::RequestBuilder) -> (StatusCode, String) {
    let answer = request.send().await.expect("an answer");
    let status = answer.status();
    (status, answer.text().await.expect("a text"))
}

fn form(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                    char::from(byte).to_string()
                }
                byte => format!("%{byte:02X}"),
            })
            .collect()
    };
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    pairs.join("&")
}

/// Returns a port that was free a moment ago. ministack can't tell which port it took.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}
