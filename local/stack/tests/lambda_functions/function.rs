//! The function under test, which does what its event or its message's body says.

use std::collections::BTreeMap;

use aws_credential_types::Credentials;
use aws_sdk_sqs::config::{BehaviorVersion, Region};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

/// The local Lambda starts this executable with arguments that select only this test. Run as a test, it does nothing.
#[test]
fn function_process() {
    let variables: Vec<(String, String)> = std::env::vars().collect();
    let value = |name: &str| {
        variables
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    };
    if value("AWS_LAMBDA_RUNTIME_API").is_none() {
        return;
    }
    if value("START").as_deref() == Some("fail") {
        eprintln!("`MODEL_ID` is missing");
        std::process::exit(3);
    }
    if value("START").as_deref() == Some("hang") {
        loop {
            std::thread::park();
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let ended = runtime.block_on(lambda_runtime::run(service_fn(handle)));
    std::process::exit(i32::from(ended.is_err()));
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let (event, context) = event.into_parts();
    if let Some(records) = event["Records"].as_array() {
        if records.iter().any(|record| record["body"] == "loop") {
            return send_again().await;
        }
        return batch(records).await;
    }
    match event["do"].as_str() {
        Some("print") => println!("{}", event["text"].as_str().unwrap_or_default()),
        Some("fail") => return Err("as asked".into()),
        Some("exit") => std::process::exit(7),
        Some("hang") => std::future::pending().await,
        Some("environment") => return Ok(json!(std::env::vars().collect::<BTreeMap<_, _>>())),
        _ => {}
    }
    Ok(json!({
        "pid": std::process::id(),
        "event": event,
        "requestId": context.request_id,
        "deadlineMs": context.deadline,
        "arn": context.invoked_function_arn,
    }))
}

/// Sends to the queue that invoked it, with the invocation's X-Ray header, as an SDK in a function does.
async fn send_again() -> Result<Value, Error> {
    println!("one more hop");
    let value = |name: &str| {
        std::env::vars()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    };
    let url = value("QUEUE").unwrap_or_default();
    let credentials = Credentials::new("AKIATEST", "secret", None, None, "test");
    let endpoint = url.rsplitn(3, '/').last().unwrap_or_default();
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(credentials)
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    let sqs = aws_sdk_sqs::Client::from_conf(config.build());
    let send = sqs.send_message().queue_url(&url).message_body("loop");
    send.message_group_id("owner").send().await?;
    Ok(json!({}))
}

/// What each message does: `count` returns the number of messages in the batch, `ok` succeeds, `bad` reports a failure,
/// `hang` never ends at its first receive, `throw` fails the whole batch.
async fn batch(records: &[Value]) -> Result<Value, Error> {
    let mut failures = Vec::new();
    if records.iter().all(|record| record["body"] == "count") {
        println!("a batch of {}", records.len());
    }
    for record in records {
        let first = record["attributes"]["ApproximateReceiveCount"] == "1";
        match record["body"].as_str() {
            Some("bad") => failures.push(json!({ "itemIdentifier": record["messageId"] })),
            Some("throw") => return Err("as asked".into()),
            Some("hang") if first => std::future::pending().await,
            Some("print") => println!("{record}"),
            Some("count receives") => {
                let receives = &record["attributes"]["ApproximateReceiveCount"];
                println!("received {} times", receives.as_str().unwrap_or_default());
            }
            _ => {}
        }
    }
    Ok(json!({ "batchItemFailures": failures }))
}
