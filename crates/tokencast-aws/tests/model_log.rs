//! What a function's process writes when Bedrock refuses it. Such a process is this program, started again.

use std::process::Command;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use tokencast_aws::bedrock::{BedrockModel, ModelSettings};
use tokencast_aws::{sdk, telemetry};
use tokencast_core::assistant::Assistant;
use tokencast_core::ports::{Model as _, ModelRequest};
use tokio::net::TcpListener;

/// What an error may quote.
const PROMPT: &str = "a secret prompt";

/// The status, type and words of an error, and whether its words may be in a log.
const CASES: [(u16, &str, &str, bool); 5] = [
    (
        400,
        "ValidationException",
        "Invocation of model ID m with on-demand throughput isn\u{2019}t supported.",
        true,
    ),
    (
        403,
        "AccessDeniedException",
        "Model access is denied due to IAM user or service role is not authorized to perform aws-marketplace:Subscribe",
        true,
    ),
    (
        404,
        "ResourceNotFoundException",
        "Model use case details have not been submitted for this account.",
        true,
    ),
    (
        400,
        "ValidationException",
        "The model returned the following errors: a secret prompt",
        false,
    ),
    (
        424,
        "ModelErrorException",
        "it said: a secret prompt",
        false,
    ),
];

/// Which case, which address, and whether everything is logged.
const VARIABLE: &str = "MODEL_LOG_CASE";

#[tokio::test]
#[ignore = "it is the process that the other test looks at"]
async fn refused_process() {
    #[expect(
        clippy::disallowed_methods,
        reason = "how the other test tells this process"
    )]
    let case = std::env::var(VARIABLE).expect("set by the other test");
    let (url, log_errors) = case.rsplit_once(' ').expect("two words");
    telemetry::init(&|_| None).expect("no level is the default one");
    let sdk = sdk::load_for_endpoint(url, "us-east-1").await;
    let settings = ModelSettings {
        assistants: Assistant::only("m".to_owned(), 1).into(),
        log_errors: log_errors == "true",
    };
    let model = BedrockModel::new(&sdk, settings);
    assert!(model.start(&ModelRequest::of_prompt(PROMPT)).await.is_err());
}

/// A Bedrock that refuses everything, by its address.
async fn refusing(status: u16, error_type: &'static str, message: &'static str) -> String {
    let status = StatusCode::from_u16(status).expect("a status");
    let body = serde_json::json!({ "message": message }).to_string();
    let answer = move || async move { (status, [("x-amzn-errortype", error_type)], body) };
    let router = Router::new().route("/{*any}", post(answer));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await;
    let listener = listener.expect("loopback works");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(axum::serve(listener, router).into_future());
    format!("http://{address}")
}

async fn written(url: &str, log_errors: bool) -> String {
    let program = std::env::current_exe().expect("a test is a program");
    let mut command = Command::new(program);
    command
        .args(["--exact", "refused_process", "--ignored", "--nocapture"])
        .env(VARIABLE, format!("{url} {log_errors}"));
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output.expect("it ran").expect("it starts");
    let written = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{written}");
    written
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_has_where_and_why_and_quotes_a_prompt_only_if_it_is_told_to() {
    for (status, error_type, message, is_harmless) in CASES {
        let url = refusing(status, error_type, message).await;
        let quiet = written(&url, false).await;
        for expected in [&url, error_type, &status.to_string(), r#""model":"m""#] {
            assert!(quiet.contains(expected), "{expected}: {quiet}");
        }
        assert_eq!(quiet.contains(message), is_harmless, "{quiet}");
        assert!(!quiet.contains(PROMPT), "{quiet}");
        let told = written(&url, true).await;
        assert!(told.contains(message), "{told}");
    }
}
