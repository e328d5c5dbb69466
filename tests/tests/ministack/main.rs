//! The synthesized stacks and the functions' own binaries on an independent AWS emulator: ministack, which verifies
//! signatures and enforces policies. The API, queue, event source, table and user pool are the emulator's. The model is
//! ours, because the emulator's asks for an action that Bedrock doesn't have.
//!
//! `requirements.txt` lists what to install into `target/ministack`.

mod deployment;
mod doctor;
mod emulator;

use std::time::Duration;

use deployment::{Deployment, deploy};
use emulator::{Emulator, REGION};
use local_stack::bedrock::Bedrock;
use local_stack::clock::Clock;
use local_stack::config::ModelConfig;
use reqwest::Method;
use serde_json::{Value, json};
use system_tests::eventually;
use system_tests::stack::{script, text};
use tokencast_client::cognito::{UserPool, sign_in};
use tokio::net::TcpListener;
use uuid::Uuid;

const USER: &str = "river@example.com";
const PASSWORD: &str = "A-long-enough-1-password";

#[tokio::test]
#[ignore = "needs ministack, an emulator from PyPI: see tests/tests/ministack/requirements.txt"]
async fn a_prompt_is_answered_on_an_independent_emulator() {
    // The test's own clients need a TLS provider and install none.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let model_url = model().await;
    let emulator = Emulator::start().await;
    let deployed = deploy(&emulator).await;
    point_the_worker(&emulator, &deployed, &model_url).await;
    let token = user(&emulator, &deployed).await;
    let session_id = Uuid::new_v4().to_string();

    // The queue's policy demands TLS, and there is none here. The refusal shows that the policy is in force.
    let refused = start(&emulator, &deployed, &token, &session_id).await;
    assert!(refused["data"]["startStream"].is_null(), "{refused}");
    assert_eq!(
        record(&emulator, &deployed, &session_id).await["status"]["S"],
        "CLAIMED"
    );
    let lifted = json!({"QueueUrl": deployed.queue_url, "Attributes": {"Policy": ""}});
    emulator
        .call("sqs", "AmazonSQS.SetQueueAttributes", lifted)
        .await;

    let started = start(&emulator, &deployed, &token, &session_id).await;
    assert_eq!(
        started["data"]["startStream"]["status"], "streaming_started",
        "{started}"
    );
    let record = eventually("a session that has ended", || async {
        let record = record(&emulator, &deployed, &session_id).await;
        let ended = ["COMPLETED", "FAILED", "CANCELLED"];
        let status = record["status"]["S"].as_str().unwrap_or_default();
        ended.contains(&status).then_some(record)
    })
    .await;
    assert_eq!(record["status"]["S"], "COMPLETED", "{record}");
    assert_eq!(record["text"]["S"], text(100));
    assert!(record["expiresAt"]["N"].is_string(), "{record}");

    // The job was acknowledged, and no attempt had failed.
    eventually("an empty queue", || async {
        (messages(&emulator, &deployed.queue_url).await == 0).then_some(())
    })
    .await;
    assert_eq!(
        messages(&emulator, &deployed.dead_letter_queue_url).await,
        0
    );
    assert_eq!(record["attempt"]["N"], "1", "{record}");

    // The session is read through the API, as a page does after a reload.
    let query = "query($id: String!) { getStream(sessionId: $id) { status text } }";
    let read = graphql(
        &emulator,
        &deployed,
        &token,
        query,
        json!({"id": session_id}),
    )
    .await;
    assert_eq!(
        read["data"]["getStream"],
        json!({"status": "COMPLETED", "text": text(100)})
    );

    refuse(&emulator, &deployed, &token, &session_id).await;
    doctor::examine(&emulator, &deployed).await;

    // The shutdown comes last. If an assertion above fails, the emulator and the functions end with this process.
    emulator.shutdown().await;
}

/// Checks the shipped resolver on another runtime: refusals are GraphQL errors with our types and messages.
async fn refuse(emulator: &Emulator, deployed: &Deployment, token: &str, session_id: &str) {
    let foreign = Uuid::new_v4().to_string();
    let item = json!({"sessionId": {"S": foreign}, "owner": {"S": "somebody else"}});
    let mut copied = record(emulator, deployed, session_id).await;
    for (name, value) in item.as_object().expect("an object") {
        copied[name] = value.clone();
    }
    let input = json!({"TableName": deployed.table, "Item": copied});
    emulator
        .call("dynamodb", "DynamoDB_20120810.PutItem", input)
        .await;
    let theirs = ("UNAUTHORIZED", "the session belongs to someone else");
    let no_uuid = (
        "INVALID_PROMPT",
        "sessionId is not a UUID: expected the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
    );
    for (query, id, expected) in [
        (
            "mutation($id: String!) { stopStream(sessionId: $id) { status } }",
            foreign.as_str(),
            theirs,
        ),
        (
            "mutation($id: String!) { startStream(prompt: \"Mine now\", sessionId: $id) { status } }",
            &foreign,
            theirs,
        ),
        (
            "query($id: String!) { getStreamStatus(sessionId: $id) { status } }",
            "mine",
            no_uuid,
        ),
    ] {
        let answer = graphql(emulator, deployed, token, query, json!({ "id": id })).await;
        let error = &answer["errors"][0];
        let got = error["errorType"].as_str().zip(error["message"].as_str());
        assert_eq!(got, Some(expected), "{query}: {answer}");
    }
    // A read doesn't tell whether another user has the id.
    for id in [Uuid::new_v4().to_string(), foreign] {
        let query = "query($id: String!) { getStream(sessionId: $id) { text } }";
        let answer = graphql(emulator, deployed, token, query, json!({ "id": id })).await;
        assert!(answer.get("errors").is_none(), "{answer}");
        assert!(answer["data"]["getStream"].is_null(), "{answer}");
    }
}

/// Serves our model alone. The worker signs with the emulator's keys, which a local stack of ours doesn't know.
async fn model() -> String {
    let bedrock = Bedrock::new(
        ModelConfig::Scripted(script(100, Duration::ZERO)),
        Clock::system(),
    );
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bound");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, bedrock.router()).await });
    url
}

/// Replaces the two addresses that are wrong in the emulator's deployment: the API's URL, which is AWS's, and the
/// model's.
async fn point_the_worker(emulator: &Emulator, deployed: &Deployment, model_url: &str) {
    let path = format!("/2015-03-31/functions/{}/configuration", deployed.worker);
    let text = emulator.rest(Method::GET, "lambda", &path, "").await;
    let configuration: Value = serde_json::from_str(&text).expect("JSON");
    let mut environment = configuration["Environment"].clone();
    environment["Variables"]["APPSYNC_API_URL"] = json!(deployed.graphql_url);
    environment["Variables"]["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"] = json!(model_url);
    let body = json!({ "Environment": environment }).to_string();
    emulator.rest(Method::PUT, "lambda", &path, body).await;
}

/// Makes a user as an operator does, and signs in with SRP as a page does. Returns the access token.
async fn user(emulator: &Emulator, deployed: &Deployment) -> String {
    let pool_id = &deployed.user_pool_id;
    create_user(emulator, deployed).await;
    let pool = UserPool {
        endpoint: format!("{}/", emulator.url),
        client_id: deployed.user_pool_client_id.clone(),
        pool_id: Some(pool_id.clone()),
    };
    assert!(pool_id.starts_with(REGION));
    let tokens = sign_in(&emulator.http, &pool, USER, PASSWORD).await;
    tokens.expect("signed in").access_token
}

/// Runs `npm run user` of the CDK app.
async fn create_user(emulator: &Emulator, deployed: &Deployment) {
    let outputs = json!({"Streaming": {"Region": REGION, "GraphqlUrl": deployed.graphql_url,
        "UserPoolId": deployed.user_pool_id, "UserPoolClientId": deployed.user_pool_client_id}});
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("outputs.json");
    std::fs::write(&file, outputs.to_string()).expect("written");
    let cdk = concat!(env!("CARGO_MANIFEST_DIR"), "/../cdk");
    for expected in ["created", "updated"] {
        let mut npm = tokio::process::Command::new("npm");
        npm.args(["run", "--silent", "user", "--", USER, "--outputs-file"])
            .arg(&file)
            .current_dir(cdk)
            .env("TOKENCAST_PASSWORD", PASSWORD)
            .env("AWS_ENDPOINT_URL", &emulator.url)
            // The credentials are the root user's.
            .envs([
                ("AWS_ACCESS_KEY_ID", "test"),
                ("AWS_SECRET_ACCESS_KEY", "test"),
            ]);
        let output = npm.kill_on_drop(true).output().await.expect("npm runs");
        let (out, error) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(
            output.status.success() && out.contains(expected),
            "{out}{error}"
        );
    }
}

async fn start(emulator: &Emulator, deployed: &Deployment, token: &str, session_id: &str) -> Value {
    let mutation = "mutation($prompt: String!, $id: String) { startStream(prompt: $prompt, sessionId: $id) { sessionId status } }";
    let variables = json!({"prompt": "Why do rivers meander?", "id": session_id});
    graphql(emulator, deployed, token, mutation, variables).await
}

async fn graphql(
    emulator: &Emulator,
    deployed: &Deployment,
    token: &str,
    query: &str,
    variables: Value,
) -> Value {
    let request = emulator
        .http
        .post(&deployed.graphql_url)
        .header("authorization", token)
        .json(&json!({"query": query, "variables": variables}));
    let answer = request.send().await.expect("an answer");
    answer.json().await.expect("JSON")
}

/// Returns a session as the table holds it.
async fn record(emulator: &Emulator, deployed: &Deployment, session_id: &str) -> Value {
    let input = json!({"TableName": deployed.table, "Key": {"sessionId": {"S": session_id}}, "ConsistentRead": true});
    let found = emulator
        .call("dynamodb", "DynamoDB_20120810.GetItem", input)
        .await;
    found["Item"].clone()
}

/// Counts the messages in a queue, including hidden ones.
async fn messages(emulator: &Emulator, queue_url: &str) -> u64 {
    let counts = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
    ];
    let input = json!({"QueueUrl": queue_url, "AttributeNames": counts});
    let found = emulator
        .call("sqs", "AmazonSQS.GetQueueAttributes", input)
        .await;
    let number = |name: &str| found["Attributes"][name].as_str()?.parse::<u64>().ok();
    counts
        .into_iter()
        .map(|name| number(name).expect("a count"))
        .sum()
}
