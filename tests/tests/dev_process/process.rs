//! A running `tokencast dev`.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_sqs::config::{BehaviorVersion, Region};
use serde_json::{Value, json};
use system_tests::stack::function_host;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// Nothing takes this long, on any machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) struct Dev {
    pub(crate) child: Child,
    /// The line that it printed once it was ready.
    pub(crate) ready: Value,
    pub(crate) http: reqwest::Client,
}

/// Returns the command `tokencast dev`, with its temporary files below `temporary`.
pub(crate) fn command(temporary: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(function_host());
    prepare(&mut command, temporary);
    command.args(["dev", "--json"]).args(args);
    if !args.contains(&"--port") {
        command.args(["--port", "0"]);
    }
    command
}

pub(crate) fn prepare(command: &mut Command, temporary: &Path) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    command
        .env("TMPDIR", temporary)
        .env("XDG_RUNTIME_DIR", temporary)
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
}

impl Dev {
    pub(crate) async fn start(mut command: Command) -> Self {
        let mut child = command.spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let line = within(lines.next_line()).await.expect("readable");
        let ready = serde_json::from_str(&line.expect("a line")).expect("JSON");
        Self {
            child,
            ready,
            http: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client"),
        }
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.ready[name].as_str().expect("a text")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.text(name).into()
    }

    /// Makes a request to the control endpoint.
    pub(crate) async fn control(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}{path}", self.text("controlUrl"));
        let method = method.parse().expect("a method");
        let mut request = self.http.request(method, url);
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let answer = within(request.send()).await.expect("answered");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        within(answer.json()).await.expect("JSON")
    }

    /// Starts an answer as the first user.
    pub(crate) async fn start_stream(&self) {
        let user = &self.ready["users"][0];
        let sign_in = json!({
            "AuthFlow": "USER_PASSWORD_AUTH",
            "ClientId": self.ready["userPoolClientId"],
            "AuthParameters": { "USERNAME": user["username"], "PASSWORD": user["password"] },
        });
        let request = self
            .http
            .post(self.text("cognitoEndpoint"))
            .header(
                "x-amz-target",
                "AWSCognitoIdentityProviderService.InitiateAuth",
            )
            .header("content-type", "application/x-amz-json-1.1")
            .body(sign_in.to_string());
        let answer = within(request.send()).await.expect("answered");
        let tokens: Value = within(answer.json()).await.expect("JSON");
        let token = tokens["AuthenticationResult"]["AccessToken"].as_str();
        let query = r#"mutation { startStream(prompt: "Why?") { status } }"#;
        let request = self
            .http
            .post(self.text("graphqlUrl"))
            .header("authorization", token.expect("a token"))
            .json(&json!({ "query": query }));
        let answer = within(request.send()).await.expect("answered");
        let answer: Value = within(answer.json()).await.expect("JSON");
        let status = &answer["data"]["startStream"]["status"];
        assert_eq!(status, "streaming_started", "{answer}");
    }

    /// Returns the key that the stack printed.
    pub(crate) fn credentials(&self) -> Credentials {
        let (id, secret) = (self.text("accessKeyId"), self.text("secretAccessKey"));
        Credentials::new(id, secret, None, None, "printed")
    }

    pub(crate) fn sqs(&self) -> aws_sdk_sqs::Client {
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.text("region").to_owned()))
            .endpoint_url(self.text("url"))
            .credentials_provider(self.credentials())
            .retry_config(aws_sdk_sqs::config::retry::RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http());
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    pub(crate) fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
            .region(aws_sdk_dynamodb::config::Region::new(
                self.text("region").to_owned(),
            ))
            .endpoint_url(self.text("url"))
            .credentials_provider(self.credentials())
            .retry_config(aws_sdk_dynamodb::config::retry::RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http());
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    /// Sends Ctrl-C, and waits for the end. Returns the exit code and stderr.
    pub(crate) async fn interrupt(self) -> (Option<i32>, String) {
        let pid = i32::try_from(self.child.id().expect("it runs")).expect("a pid");
        let pid = rustix::process::Pid::from_raw(pid).expect("not zero");
        rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("sent");
        self.end().await
    }

    /// Waits until the process ends by itself.
    pub(crate) async fn end(mut self) -> (Option<i32>, String) {
        let mut stderr = self.child.stderr.take().expect("piped");
        let mut said = String::new();
        within(stderr.read_to_string(&mut said))
            .await
            .expect("text");
        let status = within(self.child.wait()).await.expect("it ends");
        (status.code(), said)
    }
}

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("in time")
}

/// Looks until there is a result.
pub(crate) async fn eventually<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    within(async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
}

/// Whether a process runs. A zombie, which nobody may have reaped, doesn't count.
pub(crate) fn runs(pid: u64) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}
