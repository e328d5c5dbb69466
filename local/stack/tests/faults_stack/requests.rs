//! Faults of requests: errors in each service's shape, delays, hangs, resets, lost responses.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::types::AttributeValue;
use local_faults::{Fault, FaultPlan, FaultService};
use serde_json::{Value, json};

use crate::stack::{Stack, rule, within};

async fn put(stack: &Stack, id: &str) -> Result<(), aws_sdk_dynamodb::Error> {
    let put = stack.dynamodb().put_item().table_name("things");
    put.item("id", AttributeValue::S(id.to_owned()))
        .send()
        .await?;
    Ok(())
}

async fn exists(stack: &Stack, id: &str) -> bool {
    let get = stack.dynamodb().get_item().table_name("things");
    let got = get.key("id", AttributeValue::S(id.to_owned())).send().await;
    got.expect("an answer").item.is_some()
}

#[tokio::test]
async fn nothing_goes_wrong_without_a_plan() {
    let stack = Stack::start().await;
    put(&stack, "a").await.expect("put");
    stack.send("a").await.expect("sent");
    assert_eq!(stack.local.faults().report(), []);
    let control = stack.http.get(format!("{}/_tokencast/health", stack.url));
    let answer = control.send().await.expect("answered");
    assert_eq!(answer.status(), 404, "the control endpoint is off");
    stack.stop().await;
}

#[tokio::test]
async fn dynamodbs_errors_are_what_its_sdk_expects() {
    for (name, status) in [
        ("ThrottlingException", 400),
        ("ProvisionedThroughputExceededException", 400),
        ("InternalServerError", 500),
        ("SomethingElse", 400),
    ] {
        let fault = Fault::error(name);
        let stack = Stack::with(rule(FaultService::DynamoDb, "PutItem", fault)).await;
        let put = stack.dynamodb().put_item().table_name("things");
        let error = put.send().await.expect_err(name);
        let response = error.raw_response().expect("a response");
        assert_eq!(response.status().as_u16(), status, "{name}");
        assert_eq!(error.code(), Some(name));
        assert!(
            !exists(&stack, "a").await,
            "another operation, and no effect"
        );
        stack.stop().await;
    }
}

#[tokio::test]
async fn sqs_is_throttled_as_often_as_planned() {
    let fault = Fault::Error {
        error_type: "RequestThrottled".to_owned(),
        status: None,
        message: Some("slower".to_owned()),
    };
    let throttled = rule(FaultService::Sqs, "SendMessage", fault);
    let stack = Stack::with(throttled.after(1).times(2).containing("mine")).await;
    for (body, is_refused) in [
        ("mine", false),
        ("yours", false),
        ("mine", true),
        ("yours", false),
        ("mine", true),
        ("mine", false),
    ] {
        let sent = stack.send(body).await;
        assert_eq!(sent.is_err(), is_refused, "{body}: {sent:?}");
        if let Err(error) = sent {
            assert!(
                matches!(&error, aws_sdk_sqs::Error::RequestThrottled(_)),
                "{error:?}"
            );
            assert_eq!(error.message(), Some("slower"));
        }
    }
    assert_eq!(stack.counts(), [4, 2]);
    stack.stop().await;
}

#[tokio::test]
async fn appsync_refuses_in_its_two_ways() {
    let stack = Stack::start().await;
    let token = stack.token().await;
    let other = json!({ "query": "mutation { other(token: \"x\") { token } }" });
    for (error_type, status) in [
        ("ThrottlingException", 429),
        ("InternalFailure", 500),
        ("ServiceUnavailableException", 503),
        ("UnauthorizedException", 401),
    ] {
        stack.set(rule(
            FaultService::AppSync,
            "other",
            Fault::error(error_type),
        ));
        let answer = stack.graphql(&token, &other).await.expect("answered");
        assert_eq!(answer.status(), status, "{error_type}");
        assert_eq!(answer.headers()["x-amzn-errortype"], error_type);
        let body: Value = answer.json().await.expect("JSON");
        assert_eq!(body["errors"][0]["errorType"], error_type);
        let published = stack.publish(&token, "x").await;
        assert_eq!(published["data"]["publish"]["token"], "x", "{published}");
    }
    let fault = Fault::GraphqlError {
        error_type: "Lambda:Unhandled".to_owned(),
        message: Some("oops".to_owned()),
    };
    stack.set(rule(FaultService::AppSync, "other", fault));
    let answer = stack.graphql(&token, &other).await.expect("answered");
    assert_eq!(answer.status(), 200);
    let body: Value = answer.json().await.expect("JSON");
    let error = &body["errors"][0];
    assert_eq!(error["path"], json!(["other"]));
    assert_eq!(error["message"], "oops");
    assert_eq!(error["errorType"], "Lambda:Unhandled");
    assert!(body["data"].is_null());
    stack.stop().await;
}

#[tokio::test]
async fn bedrock_and_cognito_refuse_in_their_shapes() {
    let plan = FaultPlan::seeded(0)
        .with(rule(
            FaultService::Bedrock,
            "ConverseStream",
            Fault::error("ThrottlingException"),
        ))
        .with(rule(
            FaultService::Cognito,
            "InitiateAuth",
            Fault::error("TooManyRequestsException"),
        ));
    let stack = Stack::start_with(plan, false).await;
    let refused = stack
        .bedrock()
        .converse_stream()
        .model_id("us.anthropic.claude-3-haiku-20240307-v1:0")
        .send()
        .await;
    let error = refused.expect_err("refused");
    assert_eq!(
        error.raw_response().expect("a response").status().as_u16(),
        429
    );
    let error = aws_sdk_bedrockruntime::Error::from(error);
    assert!(
        matches!(error, aws_sdk_bedrockruntime::Error::ThrottlingException(_)),
        "{error:?}"
    );
    let request = stack
        .http
        .post(&stack.url)
        .header(
            "x-amz-target",
            "AWSCognitoIdentityProviderService.InitiateAuth",
        )
        .header("origin", "http://localhost:3000")
        .body("{}");
    let answer = request.send().await.expect("answered");
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    let body: Value = answer.json().await.expect("JSON");
    assert_eq!(body["__type"], "TooManyRequestsException");
    stack.stop().await;
}

#[tokio::test]
async fn delays_add_up_and_what_they_delay_is_done() {
    let slow = rule(FaultService::DynamoDb, "*", Fault::Delay { ms: 60 });
    let plan = FaultPlan::seeded(0)
        .with(slow.clone().times(1))
        .with(slow.times(1));
    let stack = Stack::start_with(plan, false).await;
    let started = Instant::now();
    put(&stack, "a").await.expect("put");
    assert!(started.elapsed() >= Duration::from_millis(120));
    assert!(exists(&stack, "a").await);
    stack.stop().await;
}

#[tokio::test]
async fn a_hang_ends_with_the_client_and_holds_up_no_shutdown() {
    let stack = Stack::with(rule(FaultService::Sqs, "SendMessage", Fault::Hang)).await;
    let gave_up = tokio::time::timeout(Duration::from_millis(100), stack.send("a")).await;
    gave_up.expect_err("no answer");
    let client = stack.sqs();
    let queue_url = stack.queue_url.clone();
    let hanging = tokio::spawn(async move {
        let send = client.send_message().queue_url(queue_url);
        send.message_body("b").send().await
    });
    crate::stack::eventually(async || (stack.counts() == [2, 2]).then_some(())).await;
    within(stack.stop()).await;
    within(hanging).await.expect("no panic").expect_err("cut");
}

#[tokio::test]
async fn a_reset_has_no_effect_and_a_lost_answer_has() {
    for (fault, has_effect) in [(Fault::Reset, false), (Fault::LostAnswer, true)] {
        let rule = rule(FaultService::DynamoDb, "PutItem", fault.clone());
        let stack = Stack::with(rule.times(1)).await;
        let error = put(&stack, "a").await.expect_err("no answer");
        assert_eq!(
            error.code(),
            None,
            "not an answer of the service: {error:?}"
        );
        assert_eq!(exists(&stack, "a").await, has_effect, "{fault:?}");
        put(&stack, "b").await.expect("once only");
        stack.stop().await;
    }
}

#[tokio::test]
async fn a_seed_repeats_the_same_faults() {
    async fn pattern(seed: u64) -> Vec<bool> {
        let half = rule(
            FaultService::Sqs,
            "SendMessage",
            Fault::error("RequestThrottled"),
        );
        let plan = FaultPlan::seeded(seed).with(half.with_probability(0.5));
        let stack = Stack::start_with(plan, false).await;
        let mut refused = Vec::new();
        for _ in 0..24 {
            refused.push(stack.send("a").await.is_err());
        }
        stack.stop().await;
        refused
    }
    let first = pattern(7).await;
    assert_eq!(first, pattern(7).await);
    assert_ne!(first, pattern(8).await);
}
