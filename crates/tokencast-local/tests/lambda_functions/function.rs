//! The function under test. It does what its event, or the body of its message, says.

use std::collections::BTreeMap;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

/// Started by the local Lambda with arguments that select this test alone; as a test of its own it has nothing to do.
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

/// Per message: `count` tells how many came together, `ok` is done, `bad` reports a failure, `hang` never ends at its first receive, `throw` fails the whole batch.
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
            _ => {}
        }
    }
    Ok(json!({ "batchItemFailures": failures }))
}
