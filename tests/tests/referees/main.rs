//! Runs independent clients from npm against the local stack.
//!
//! A referee is a file of `tests/referees/`, run by Node's own test runner. It gets a stack of its own, and the stack's
//! endpoints in the environment. It may also ask the stack for what no client can do, such as cutting its socket. For
//! that it writes a line that starts with `@stack ` to stdout, and reads the answer, a line of JSON, from stdin.

mod asks;
mod deliveries;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use local_stack::appsync::realtime::RealtimeLimits;
use local_stack::config::{ModelConfig, ScriptConfig};
use serde_json::json;
use tokencast::stack::{
    CONVERSATIONS_TABLE, DEAD_LETTER_QUEUE, Functions, QUEUE, RunningStack, StackInfo,
    StackOptions, TABLE,
};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

pub(crate) const NODE_MODULES: &str =
    "the referees are not installed: run `npm ci` in tests/referees (`cargo xtask test` does it)";

/// The start of each line that is meant for the stack.
const ASK: &str = "@stack ";

/// Each test of a file has a limit of its own. This limit is for a Node that hangs.
const LIMIT: Duration = Duration::from_mins(2);
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn amplify_signs_in_and_calls_the_api() {
    check("amplify.test.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn amplify_subscribes_and_reconnects() {
    check("amplify-realtime.test.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn amplify_and_apollo_sign_with_iam() {
    check("iam.test.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn apollo_subscribes_over_plain_text() {
    check("apollo.test.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn graphql_ws_subscribes() {
    check("graphql-ws.test.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ws_gets_answers() {
    check("websocket.test.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_for_sqs() {
    check("sqs.test.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_for_bedrock() {
    check("bedrock.test.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_for_dynamodb() {
    check("dynamodb.test.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_for_cognito() {
    check("cognito.test.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fetch_and_an_event_source_read_the_function_url() {
    check("function-url.test.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn openai_for_node() {
    check("openai.test.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ag_ui_s_http_agent() {
    check("ag-ui.test.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_client_skips_keep_alives() {
    check("keep-alives.test.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn aws_jwt_verify_decides_as_our_verifier() {
    check("forged-tokens.test.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_for_lambda() {
    check("lambda.test.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_of_the_sdk() {
    check("signature.test.mjs").await;
}

/// Runs one file. It passes if Node exits with success.
async fn check(file: &str) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("referees");
    assert!(directory.join("node_modules").is_dir(), "{NODE_MODULES}");
    let stack = RunningStack::start(options()).await.expect("a stack");
    let mut node = start_node(&directory, file, &stack.info);
    let run = tokio::time::timeout(LIMIT, converse(&mut node, &stack)).await;
    // Node ends before any assertion, so that nothing is left behind.
    let killed = run.is_err() && node.kill().await.is_ok();
    let status = node.wait().await.expect("Node's exit status");
    let ended = tokio::time::timeout(SHUTDOWN_LIMIT, stack.shutdown()).await;
    assert!(ended.is_ok(), "{file}: the stack doesn't end");
    let output = run.unwrap_or_else(|_| format!("no end after {LIMIT:?}"));
    assert!(status.success() && !killed, "{file}: {status}\n{output}");
}

fn options() -> StackOptions {
    StackOptions {
        model: ModelConfig::Scripted(ScriptConfig {
            time_to_first_token: Duration::from_millis(50),
            time_between_tokens: Duration::from_millis(5),
            ..ScriptConfig::default()
        }),
        functions: Functions::Executable {
            program: PathBuf::from(env!("CARGO_BIN_EXE_tokencast-under-test")),
            args: Vec::new(),
        },
        realtime: RealtimeLimits {
            // graphql-ws knows no other protocol.
            graphql_transport_ws: true,
            ..RealtimeLimits::default()
        },
        ..StackOptions::default()
    }
}

fn start_node(directory: &Path, file: &str, stack: &StackInfo) -> Child {
    let endpoints = &stack.endpoints;
    let users = stack.user_pool.users.iter();
    let users = users
        .map(|it| json!({ "username": it.username, "password": it.password, "email": it.email }));
    let described = json!({
        "users": users.collect::<Vec<_>>(),
        "url": endpoints.url(),
        "region": endpoints.region,
        "accountId": endpoints.account_id,
        "graphqlUrl": endpoints.graphql_url(),
        "streamUrl": stack.function_url,
        "webSocketUrl": stack.websocket_url,
        "userPoolId": stack.user_pool.pool_id,
        "userPoolClientId": stack.user_pool.client_id,
        "issuer": endpoints.issuer(&stack.user_pool.pool_id),
        "queueUrl": endpoints.queue_url(QUEUE),
        "deadLetterQueueUrl": endpoints.queue_url(DEAD_LETTER_QUEUE),
        "deadLetterQueueArn": endpoints.queue_arn(DEAD_LETTER_QUEUE),
        "table": TABLE,
        "conversationsTable": CONVERSATIONS_TABLE,
    });
    Command::new("node")
        // Amplify leaves timers behind that would keep the process alive for a quarter of a minute.
        .args(["--test-force-exit", file])
        .current_dir(directory)
        .env("STACK", described.to_string())
        .env("NODE_EXTRA_CA_CERTS", &stack.ca_file)
        // Every SDK needs a key in the environment: this is the stack's own.
        .env("AWS_ACCESS_KEY_ID", &stack.access_key.id)
        .env("AWS_SECRET_ACCESS_KEY", &stack.access_key.secret)
        .env("AWS_REGION", &endpoints.region)
        .env("AWS_ENDPOINT_URL", endpoints.url())
        .env_remove("AWS_PROFILE")
        .env_remove("AWS_SESSION_TOKEN")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("Node 20 or newer, as `node`")
}

/// Answers Node's requests until Node ends. Returns everything else that Node printed.
async fn converse(node: &mut Child, stack: &RunningStack) -> String {
    let mut stdin = node.stdin.take().expect("stdin is piped");
    let stdout = node.stdout.take().expect("stdout is piped");
    let mut stderr = node.stderr.take().expect("stderr is piped");
    let complaints = async {
        let mut text = String::new();
        stderr.read_to_string(&mut text).await.map(|_| text)
    };
    let answers = async {
        let mut lines = BufReader::new(stdout).lines();
        let mut output = String::new();
        while let Some(line) = lines.next_line().await? {
            let Some(ask) = line.strip_prefix(ASK) else {
                output.push_str(&line);
                output.push('\n');
                continue;
            };
            let answer = asks::answer(ask, stack).await;
            // A test that ran into its own limit no longer reads.
            let _ = stdin.write_all(format!("{answer}\n").as_bytes()).await;
        }
        Ok(output)
    };
    let (output, complaints) = tokio::try_join!(answers, complaints).expect("Node writes text");
    output + &complaints
}
