//! Requests that Bedrock refuses, with Bedrock's messages.

mod bedrock_support;

use serde_json::{Value, json};

use bedrock_support::{MODEL, Server, fast};

struct Plain {
    server: Server,
    client: reqwest::Client,
}

impl Plain {
    async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .tls_certs_only([])
            .build()
            .expect("a client");
        Self {
            server: Server::scripted(fast(&["ok"])).await,
            client,
        }
    }

    async fn post(&self, path: &str, body: String) -> (u16, String, String) {
        let url = format!("{}/model/{path}", self.server.url);
        let response = self
            .client
            .post(url)
            .body(body)
            .send()
            .await
            .expect("a response");
        let status = response.status().as_u16();
        let header = |name| {
            response
                .headers()
                .get(name)
                .map_or("", |value| value.to_str().expect("text"))
                .to_owned()
        };
        assert!(!header("x-amzn-requestid").is_empty());
        let kind = header("x-amzn-errortype");
        let message = if status == 200 {
            String::new()
        } else {
            let body: Value = response.json().await.expect("JSON");
            body["message"].as_str().expect("a message").to_owned()
        };
        (status, kind, message)
    }

    async fn check(&self, path: &str, body: Value, expected: (u16, &str, &str)) {
        let (status, kind, message) = self.post(path, body.to_string()).await;
        assert_eq!(
            (status, kind.as_str()),
            (expected.0, expected.1),
            "{path} {body}: {message}"
        );
        assert!(message.contains(expected.2), "{body}: {message}");
    }
}

#[tokio::test]
async fn converse_refuses_what_bedrock_refuses() {
    let plain = Plain::start().await;
    let path = format!("{MODEL}/converse-stream");
    let user = json!({ "role": "user", "content": [{ "text": "Hi" }] });
    let assistant = json!({ "role": "assistant", "content": [{ "text": "Hello" }] });
    for (body, message) in [
        (json!({}), "at least one message"),
        (json!({ "messages": [] }), "at least one message"),
        (
            json!({ "messages": [assistant] }),
            "must start with a user message",
        ),
        (json!({ "messages": [user, user] }), "must alternate"),
        (
            json!({ "messages": [user, assistant, assistant] }),
            "must alternate",
        ),
        (
            json!({ "messages": [{ "role": "system", "content": [{ "text": "Hi" }] }] }),
            "enum value set: [user, assistant]",
        ),
        (
            json!({ "messages": [{ "content": [{ "text": "Hi" }] }] }),
            "Member must not be null",
        ),
        (
            json!({ "messages": [{ "role": "user" }] }),
            "Member must not be null",
        ),
        (
            json!({ "messages": [{ "role": "user", "content": [] }] }),
            "messages.0 is empty",
        ),
        (
            json!({ "messages": [{ "role": "user", "content": [{}] }] }),
            "must set one",
        ),
        (
            json!({ "messages": [{ "role": "user", "content": [{ "text": " \n" }] }] }),
            "messages.0.content.0 is blank",
        ),
        (
            json!({ "messages": [user], "system": [{ "text": "" }] }),
            "system.0 is blank",
        ),
        (
            json!({ "messages": [user], "inferenceConfig": { "maxTokens": 0 } }),
            "greater than or equal to 1",
        ),
        (
            json!({ "messages": [user], "inferenceConfig": { "maxTokens": -7 } }),
            "Value '-7'",
        ),
        (
            json!({ "messages": [user], "inferenceConfig": { "temperature": 1.5 } }),
            "less than or equal to 1",
        ),
        (
            json!({ "messages": [user], "inferenceConfig": { "temperature": -0.5 } }),
            "greater than or equal to 0",
        ),
        (
            json!({ "messages": [user], "inferenceConfig": { "topP": 2 } }),
            "inferenceConfig.topP",
        ),
    ] {
        plain
            .check(&path, body, (400, "ValidationException", message))
            .await;
    }
    for body in [
        "",
        "{",
        "[]",
        r#"{"messages":"Hi"}"#,
        r#"{"messages":[{"role":"user","content":[{"text":7}]}]}"#,
    ] {
        let (status, kind, _) = plain.post(&path, body.to_owned()).await;
        assert_eq!(
            (status, kind.as_str()),
            (400, "SerializationException"),
            "{body}"
        );
    }
    assert_eq!(plain.server.bedrock.calls(), []);
}

#[tokio::test]
async fn converse_takes_a_conversation_and_members_it_does_not_need() {
    let plain = Plain::start().await;
    let body = json!({
        "messages": [
            { "role": "user", "content": [{ "text": "Hi" }, { "cachePoint": { "type": "default" } }] },
            { "role": "assistant", "content": [{ "text": "Hello" }] },
            { "role": "user", "content": [{ "text": "And rivers?" }] },
        ],
        "system": [{ "text": "Be brief." }, { "cachePoint": { "type": "default" } }],
        "inferenceConfig": { "maxTokens": 1, "temperature": 0, "topP": 1 },
        "additionalModelRequestFields": { "top_k": 5 },
        "performanceConfig": { "latency": "standard" },
    });
    plain
        .check("us.amazon.nova-lite-v1:0/converse", body, (200, "", ""))
        .await;
    assert_eq!(plain.server.bedrock.calls()[0].prompt, "And rivers?");
}

#[tokio::test]
async fn invoke_refuses_what_anthropics_models_refuse() {
    let plain = Plain::start().await;
    let path = format!("{MODEL}/invoke-with-response-stream");
    let good = json!({
        "anthropic_version": "bedrock-2023-05-31", "max_tokens": 5,
        "messages": [{ "role": "user", "content": "Hi" }],
    });
    plain.check(&path, good.clone(), (200, "", "")).await;
    for (member, value, message) in [
        (
            "anthropic_version",
            Value::Null,
            "anthropic_version: Field required",
        ),
        ("max_tokens", Value::Null, "max_tokens: Field required"),
        ("max_tokens", json!(0), "greater than or equal to 1"),
        ("temperature", json!(2), "temperature"),
        ("messages", Value::Null, "messages: Field required"),
        ("messages", json!([]), "at least one message"),
        (
            "messages",
            json!([{ "role": "user", "content": "" }]),
            "must be non-empty",
        ),
        (
            "messages",
            json!([{ "role": "user", "content": [] }]),
            "at least one block",
        ),
        (
            "messages",
            json!([{ "role": "tool", "content": "Hi" }]),
            "'user' or 'assistant'",
        ),
        ("messages", json!("Hi"), "Malformed input request"),
    ] {
        let mut body = good.clone();
        body[member] = value;
        plain
            .check(&path, body, (400, "ValidationException", message))
            .await;
    }
}

#[tokio::test]
async fn unknown_models_and_operations_are_named_as_such() {
    let plain = Plain::start().await;
    let body = json!({ "messages": [{ "role": "user", "content": [{ "text": "Hi" }] }] });
    let invalid = (400, "ValidationException", "model identifier is invalid");
    plain
        .check("no-such-model/converse-stream", body.clone(), invalid)
        .await;
    let arn = "arn%3Aaws%3Abedrock%3Aus-east-1%3A%3Afoundation-model%2Famazon.nova-lite-v1%3A0";
    plain
        .check(
            &format!("{arn}/converse-stream"),
            body.clone(),
            (200, "", ""),
        )
        .await;
    plain
        .check(
            &format!("{MODEL}/count-tokens"),
            body,
            (404, "UnknownOperationException", ""),
        )
        .await;
}
