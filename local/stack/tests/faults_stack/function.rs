//! The function of these stacks, which does what its event says.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

/// The local Lambda starts this executable with arguments that select only this test. Run as a test, it does nothing.
#[test]
fn function_process() {
    if !std::env::vars().any(|(name, _)| name == "AWS_LAMBDA_RUNTIME_API") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let ended = runtime.block_on(lambda_runtime::run(service_fn(handle)));
    std::process::exit(i32::from(ended.is_err()));
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    match event.payload["do"].as_str() {
        Some("hang") => std::future::pending().await,
        Some("send") => send(&event.payload).await?,
        _ => {}
    }
    Ok(json!({ "pid": std::process::id() }))
}

/// Sends `1`, `2`, `3` … with the credentials of its role.
async fn send(event: &Value) -> Result<(), Error> {
    let variable = |name: &str| {
        let found = std::env::vars().find(|(key, _)| key == name);
        found.map(|(_, value)| value).unwrap_or_default()
    };
    let credentials = aws_credential_types::Credentials::new(
        variable("AWS_ACCESS_KEY_ID"),
        variable("AWS_SECRET_ACCESS_KEY"),
        Some(variable("AWS_SESSION_TOKEN")),
        None,
        "environment",
    );
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(aws_sdk_sqs::config::BehaviorVersion::latest())
        .region(aws_sdk_sqs::config::Region::from_static("us-east-1"))
        .credentials_provider(credentials)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(variable("AWS_ENDPOINT_URL"));
    let client = aws_sdk_sqs::Client::from_conf(config.build());
    for number in 1..=event["times"].as_u64().unwrap_or(1) {
        let send = client
            .send_message()
            .queue_url(event["queueUrl"].as_str().unwrap_or_default());
        send.message_body(number.to_string()).send().await?;
    }
    Ok(())
}
