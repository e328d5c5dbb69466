//! The Invoke API on the wire.

use serde_json::{Value, json};

use crate::stack::{Stack, eventually, logged, worker};

async fn check(
    stack: &Stack,
    name: &str,
    kind: &str,
    body: String,
    status: u16,
    header: (&str, &str),
) -> Value {
    let url = format!(
        "{}/2015-03-31/functions/{name}/invocations",
        stack.endpoints.url()
    );
    let request = local_sqs::testing::http()
        .post(url)
        .header("x-amz-invocation-type", kind)
        .body(body);
    let response = request.send().await.expect("an answer");
    assert_eq!(response.status(), status, "{name} {kind}");
    assert!(response.headers().contains_key("x-amzn-requestid"));
    let value = response
        .headers()
        .get(header.0)
        .map(|value| value.to_str().expect("text"));
    assert_eq!(value, Some(header.1), "{name} {kind}");
    serde_json::from_slice(&response.bytes().await.expect("a body")).unwrap_or_default()
}

#[tokio::test]
async fn an_invocation_answers_as_aws_does() {
    let stack = Stack::start(worker()).await;
    let version = ("x-amz-executed-version", "$LATEST");
    let error = "x-amzn-errortype";
    let answer = check(
        &stack,
        "worker",
        "RequestResponse",
        "{\"n\":1}".to_owned(),
        200,
        version,
    )
    .await;
    assert_eq!(answer["event"], json!({ "n": 1 }));
    let arn = stack.endpoints.function_arn("worker");
    check(&stack, &arn, "RequestResponse", String::new(), 200, version).await;
    let failed = json!({ "do": "fail" }).to_string();
    let answer = check(
        &stack,
        "worker",
        "RequestResponse",
        failed,
        200,
        ("x-amz-function-error", "Unhandled"),
    )
    .await;
    assert_eq!(answer["errorMessage"], "as asked");
    let missing = (error, "ResourceNotFoundException");
    check(
        &stack,
        "missing",
        "RequestResponse",
        "{}".to_owned(),
        404,
        missing,
    )
    .await;
    let content = (error, "InvalidRequestContentException");
    check(
        &stack,
        "worker",
        "RequestResponse",
        "{".to_owned(),
        400,
        content,
    )
    .await;
    let large = format!("\"{}\"", "x".repeat(1_048_576));
    check(
        &stack,
        "worker",
        "Event",
        large,
        413,
        (error, "RequestTooLargeException"),
    )
    .await;
    check(
        &stack,
        "worker",
        "Other",
        "{}".to_owned(),
        400,
        (error, "InvalidParameterValueException"),
    )
    .await;

    let printing = json!({ "do": "print", "text": "asynchronously" }).to_string();
    let url = format!(
        "{}/2015-03-31/functions/worker/invocations",
        stack.endpoints.url()
    );
    let request = local_sqs::testing::http()
        .post(url)
        .header("x-amz-invocation-type", "Event")
        .body(printing);
    assert_eq!(request.send().await.expect("an answer").status(), 202);
    eventually("it runs", async || {
        logged().contains("asynchronously").then_some(())
    })
    .await;
    stack.stop().await;
}
