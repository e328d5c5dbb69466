//! Requests that are refused, and how.

use reqwest::Method;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};
use system_tests::TestStack;
use system_tests::forged::{Pool, rows};
use tempfile::TempDir;
use tokencast_aws::clock::SystemClock;
use tokencast_core::ports::Clock as _;
use uuid::Uuid;

/// Returns the code of an error body, which must be complete.
fn code(body: &Value) -> &str {
    let error = body["error"].as_object().expect("an error");
    let names: Vec<_> = error.keys().collect();
    assert_eq!(names, ["code", "message", "retryable"]);
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| !text.is_empty())
    );
    assert!(error["retryable"].is_boolean());
    error["code"].as_str().expect("a code")
}

#[tokio::test]
async fn forged_tokens_are_refused_here_and_by_appsync() {
    let directory = TempDir::new().expect("a directory");
    let stack = TestStack::start_with(|options| {
        options.stack.state_dir = Some(directory.path().to_owned());
    })
    .await;
    let pool = Pool::of(&stack, directory.path());
    let id = Uuid::new_v4().to_string();
    for row in rows(&pool, SystemClock.now().as_secs()) {
        // Not every row is valid in a header.
        let authorization = format!("Bearer {}", row.token);
        let request = stack.url_anonymous(Method::GET, &id);
        let response = request.header(AUTHORIZATION, &authorization).send().await;
        let response = response.expect("a response");
        let status = response.status().as_u16();
        let challenge = response.headers().get("www-authenticate").cloned();
        let body: Value = response.json().await.expect("JSON");
        if row.is_taken_by("our verifier") {
            assert_eq!(
                (status, code(&body)),
                (404, "INVALID_PROMPT"),
                "{}",
                row.name
            );
        } else {
            assert_eq!((status, code(&body)), (401, "UNAUTHORIZED"), "{}", row.name);
            let challenge = challenge.expect("a challenge");
            assert_eq!(challenge, "Bearer error=\"invalid_token\"", "{}", row.name);
            let said = body.to_string();
            for secret in [&pool.issuer, &pool.client_id, &pool.key_id] {
                assert!(!said.contains(secret.as_str()), "{}: {said}", row.name);
            }
        }
        let status = stack.graphql_status(&row.token, "{ __typename }").await;
        let expected = if row.is_taken_by("AppSync") { 200 } else { 401 };
        assert_eq!(status, expected, "AppSync: {}", row.name);
    }
    assert_eq!(stack.sessions().await, 0);
    stack.shutdown().await;
}

#[tokio::test]
async fn a_token_is_given_once_here_and_to_appsync() {
    let stack = TestStack::start().await;
    let token = stack.access_token("alice");
    let id = Uuid::new_v4().to_string();
    for (times, status, graphql_status) in [(1, 404, 200), (2, 401, 401)] {
        let endpoints = &stack.running.info.endpoints;
        let mut request = stack.url_anonymous(Method::GET, &id);
        let mut graphql = reqwest::Client::new()
            .post(endpoints.graphql_url())
            .json(&json!({ "query": "{ __typename }" }));
        for _ in 0..times {
            request = request.header(AUTHORIZATION, &token);
            graphql = graphql.header(AUTHORIZATION, &token);
        }
        let answers = (request.send().await, graphql.send().await);
        let got = (
            answers.0.expect("answered").status(),
            answers.1.expect("answered").status(),
        );
        let got = (got.0.as_u16(), got.1.as_u16());
        assert_eq!(got, (status, graphql_status), "{times} times");
    }
    stack.shutdown().await;
}

/// Sends a request as `alice` that must be refused with a status, and with a message that names something.
async fn check(stack: &TestStack, request: (Method, &str), body: &str, status: u16, about: &str) {
    let (method, path) = request;
    let what = format!("{method} {path} {body}");
    let request = stack.url(method, path, "alice").body(body.to_owned());
    let response = request.send().await.expect("a response");
    assert_eq!(response.status().as_u16(), status, "{what}");
    assert_eq!(response.headers()["content-type"], "application/json");
    let allow = response.headers().contains_key("allow");
    assert_eq!(allow, status == 405, "{what}");
    let said: Value = response.json().await.expect("JSON");
    assert_eq!(code(&said), "INVALID_PROMPT", "{what}");
    let message = said["error"]["message"].as_str().expect("a message");
    assert!(message.contains(about), "{what}: {message}");
}

#[tokio::test]
async fn what_is_asked_wrongly_is_refused_with_what_was_expected() {
    let stack = TestStack::start_with(|options| {
        options.function_url_variable("MAX_PROMPT_BYTES", "100");
    })
    .await;
    let start = || (Method::POST, "");
    check(&stack, start(), "", 400, "JSON").await;
    check(&stack, start(), "prompt", 400, "JSON").await;
    check(&stack, start(), r#"["x"]"#, 400, "no JSON object").await;
    let missing = "prompt is missing: expected a string";
    check(&stack, start(), "{}", 400, missing).await;
    check(&stack, start(), r#"{"prompt":null}"#, 400, missing).await;
    let malformed = "prompt is malformed: expected a string";
    check(&stack, start(), r#"{"prompt":7}"#, 400, malformed).await;
    let malformed = "sessionId is malformed: expected a string";
    let named = r#"{"prompt":"x","sessionId":5}"#;
    check(&stack, start(), named, 400, malformed).await;
    check(&stack, start(), r#"{"prompt":" \n"}"#, 400, "empty").await;
    let long = json!({ "prompt": "x".repeat(101) }).to_string();
    check(&stack, start(), &long, 413, "at most 100").await;
    let named = r#"{"prompt":"x","sessionId":"mine"}"#;
    check(&stack, start(), named, 400, "UUID").await;
    check(&stack, (Method::GET, "mine"), "", 400, "UUID").await;
    check(&stack, (Method::DELETE, "mine"), "", 400, "UUID").await;
    let id = Uuid::new_v4().to_string();
    check(&stack, (Method::GET, &id), "", 404, "no such session").await;
    check(
        &stack,
        (Method::GET, &format!("{id}/{id}")),
        "",
        404,
        "path",
    )
    .await;
    check(&stack, (Method::GET, ""), "", 405, "POST").await;
    check(&stack, (Method::PUT, ""), "", 405, "POST").await;
    check(&stack, (Method::POST, &id), "", 405, "GET, HEAD, DELETE").await;
    check(&stack, (Method::POST, "usage"), "", 405, "GET, HEAD").await;
    assert_eq!(stack.sessions().await, 0);
    stack.queue_is_empty().await;
    stack.shutdown().await;
}

#[tokio::test]
async fn an_id_that_is_no_events_is_refused() {
    let stack = TestStack::start().await;
    let mut events = stack.url_ask(None).await;
    let id = events.session_id();
    events.rest().await;
    for last in ["x", "1.2.3", "-1"] {
        let request = stack.url(Method::GET, &id, "alice");
        let response = request.header("last-event-id", last).send().await;
        let response = response.expect("a response");
        assert_eq!(response.status().as_u16(), 400, "{last}");
        let body = response.json().await.expect("JSON");
        assert_eq!(code(&body), "INVALID_PROMPT");
    }
    stack.shutdown().await;
}

#[tokio::test]
async fn somebody_elses_session_is_nobodys_business() {
    let stack = TestStack::start().await;
    let mut events = stack.url_ask(None).await;
    let id = events.session_id();
    events.rest().await;
    let question = json!({ "prompt": "What did she ask?", "sessionId": id });
    // A read doesn't tell whether another user has the id.
    let read = async |id: &str| {
        let response = stack.url(Method::GET, id, "bob").send().await;
        let response = response.expect("a response");
        (response.status(), response.text().await.expect("a body"))
    };
    let unknown = read(&Uuid::new_v4().to_string()).await;
    assert_eq!(unknown.0.as_u16(), 404);
    assert_eq!(read(&id).await, unknown);
    for request in [
        stack.url(Method::DELETE, &id, "bob"),
        stack.url(Method::POST, "", "bob").json(&question),
    ] {
        let response = request.send().await.expect("a response");
        assert_eq!(response.status().as_u16(), 403);
        let body = response.json().await.expect("JSON");
        assert_eq!(code(&body), "UNAUTHORIZED");
    }
    assert_eq!(stack.running.local.bedrock().calls().len(), 1);
    stack.shutdown().await;
}

#[tokio::test]
async fn keys_that_cannot_be_fetched_are_no_refusal() {
    let stack = TestStack::start_with(|options| {
        // Nothing answers at this address.
        let environment = &mut options.stack.function_url_environment;
        environment.insert("COGNITO_ISSUER".into(), "http://127.0.0.1:9/pool".into());
    })
    .await;
    let request = stack.url(Method::GET, &Uuid::new_v4().to_string(), "alice");
    let response = request.send().await.expect("a response");
    assert_eq!(response.status().as_u16(), 503);
    let body: Value = response.json().await.expect("JSON");
    assert_eq!(code(&body), "INTERNAL");
    assert_eq!(body["error"]["retryable"], true);
    stack.shutdown().await;
}
