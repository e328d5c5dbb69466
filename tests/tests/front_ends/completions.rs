//! Completions and models that succeed, and requests that are refused.

use std::time::Duration;

use local_stack::config::ScriptConfig;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use system_tests::stack::{script, text, text_of as said};
use system_tests::{TestStack, eventually};

use crate::stream::{End, at_once, blocks, completion, place, sent, stream, streamed, text_of};

const TOKENS: usize = 60;

async fn slow() -> TestStack {
    TestStack::start_with(|options| options.script = script(TOKENS, Duration::from_millis(10)))
        .await
}

#[tokio::test]
async fn a_streamed_completion_has_its_role_first_and_one_reason() {
    let stack = slow().await;
    let options = json!({ "stream": true, "stream_options": { "include_usage": true } });
    let asked = completion(
        &stack,
        &json!([{ "role": "user", "content": "Why?" }]),
        &options,
    );
    let mut stream = stream(asked).await;
    let id = stream.session_id();
    let (chunks, end) = stream.rest().await;
    assert_eq!((end, chunks.last()), (End::Whole, Some(&json!("[DONE]"))));
    assert_eq!(text_of(&chunks), text(TOKENS));
    let chunks = &chunks[..chunks.len() - 1];
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    for chunk in chunks {
        assert_eq!(chunk["id"], format!("chatcmpl-{id}"));
        assert_eq!(chunk["object"], "chat.completion.chunk");
    }
    let reasons = chunks
        .iter()
        .map(|chunk| &chunk["choices"][0]["finish_reason"]);
    let reasons: Vec<_> = reasons.filter(|reason| !reason.is_null()).collect();
    assert_eq!(reasons, ["stop"]);
    let usage = &chunks[chunks.len() - 1]["usage"];
    let count = |name: &str| usage[name].as_u64().expect("a number");
    assert_eq!(
        count("total_tokens"),
        count("prompt_tokens") + count("completion_tokens")
    );
    assert!(chunks.len() > 10, "the tokens come as the model says them");
    // The session is one like any other, outside of conversations.
    let session = stack.get_stream("alice", &id).await;
    assert_eq!(session["status"], "COMPLETED");
    assert_eq!(place(&stack, &id).await["conversationId"], Value::Null);
    stack.shutdown().await;
}

#[tokio::test]
async fn a_completion_that_is_not_streamed_comes_at_once() {
    let stack = TestStack::start_with(|options| {
        options.script = ScriptConfig {
            blocks: Some(blocks()),
            ..ScriptConfig::default()
        };
    })
    .await;
    let response = sent(at_once(&stack)).await;
    assert_eq!(response.status().as_u16(), 200);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(
        response.headers()["x-request-id"],
        response.headers()["x-tokencast-session-id"]
    );
    let whole: Value = response.json().await.expect("JSON");
    assert_eq!(
        (&whole["object"], &whole["model"]),
        (&json!("chat.completion"), &json!("default"))
    );
    let choice = &whole["choices"][0];
    assert_eq!(choice["message"]["content"], "Rivers bend.");
    assert_eq!(
        (&choice["message"]["role"], &choice["finish_reason"]),
        (&json!("assistant"), &json!("stop"))
    );
    assert!(whole["usage"]["total_tokens"].as_u64().expect("a number") > 0);
    stack.shutdown().await;
}

#[tokio::test]
async fn the_model_gets_the_history_and_the_limits_within_its_own() {
    let stack = TestStack::start_with(|options| {
        options.script = script(1, Duration::ZERO);
        options.function_url_variable("CLIENT_SYSTEM_PROMPT", "taken");
        options.function_url_variable("SYSTEM_PROMPT", "Be kind.");
        options.function_url_variable("MAX_TOKENS", "300");
        options.function_url_variable("TEMPERATURE", "0.5");
    })
    .await;
    let messages = json!([
        { "role": "developer", "content": "Be brief." },
        { "role": "user", "content": "One" },
        { "role": "assistant", "content": "Two" },
        { "role": "user", "content": [{ "type": "text", "text": "Three" }, { "type": "text", "text": "Four" }] },
    ]);
    for (limits, expected) in [
        (json!({}), (300, 0.5)),
        (
            json!({ "max_tokens": 100, "temperature": 0.25 }),
            (100, 0.25),
        ),
        (
            json!({ "max_completion_tokens": 9999, "temperature": 2 }),
            (300, 0.5),
        ),
    ] {
        let response = sent(completion(&stack, &messages, &limits)).await;
        assert_eq!(response.status().as_u16(), 200);
        assert_eq!(stack.told(), ["One", "Two", "Three\n\nFour"]);
        let calls = stack.running.local.bedrock().calls();
        let body: Value = serde_json::from_str(&calls.last().expect("a call").body).expect("JSON");
        let system: Vec<_> = body["system"].as_array().expect("some").iter().collect();
        let texts: Vec<_> = system
            .iter()
            .filter_map(|block| block["text"].as_str())
            .collect();
        assert_eq!(texts, ["Be kind.", "Be brief."]);
        let inference = &body["inferenceConfig"];
        let got = (
            inference["maxTokens"].as_u64(),
            inference["temperature"].as_f64(),
        );
        assert_eq!(got, (Some(expected.0), Some(expected.1)), "{limits}");
    }
    stack.shutdown().await;
}

#[tokio::test]
async fn assistants_are_models() {
    let stack = TestStack::start().await;
    let get = async |path: &str| {
        let response = sent(stack.url(Method::GET, path, "alice")).await;
        let status = response.status().as_u16();
        (status, response.json::<Value>().await.expect("JSON"))
    };
    for path in ["v1/models", "v1/models/"] {
        let (status, list) = get(path).await;
        assert_eq!((status, &list["object"]), (200, &json!("list")), "{path}");
        assert_eq!(list["data"][0]["id"], "default");
    }
    let (status, model) = get("v1/models/default").await;
    assert_eq!(
        (status, &model["object"], &model["id"]),
        (200, &json!("model"), &json!("default"))
    );
    let (status, error) = get("v1/models/gpt-4").await;
    assert_eq!(
        (status, &error["error"]["code"]),
        (404, &json!("model_not_found"))
    );
    let head = sent(stack.url(Method::HEAD, "v1/models", "alice")).await;
    assert_eq!(
        (
            head.status().as_u16(),
            head.text().await.expect("a body").as_str()
        ),
        (200, "")
    );
    stack.shutdown().await;
}

#[tokio::test]
async fn a_refusal_has_openais_shape() {
    let stack = TestStack::start_with(|options| {
        options.function_url_variable("MAX_HISTORY_TOKENS", "10");
        let environment = &mut options.stack.function_url_environment;
        environment.insert("MAX_PROMPT_BYTES".to_owned(), "100".to_owned());
    })
    .await;
    let hello = |content: &str| json!([{ "role": "user", "content": content }]);
    let with = |fields: Value| completion(&stack, &hello("Hi"), &fields);
    let check = async |request: RequestBuilder, status: u16, param: Value, code: &str| {
        let response = sent(request).await;
        let got = response.status().as_u16();
        let should_retry = response.headers().get("x-should-retry").cloned();
        let error: Value = response.json().await.expect("JSON");
        let error = &error["error"];
        assert_eq!(
            (got, &error["param"], &error["code"]),
            (status, &param, &json!(code))
        );
        assert_eq!(error["type"], "invalid_request_error");
        assert!(!error["message"].as_str().expect("a text").is_empty());
        assert_eq!(should_retry.expect("one"), "false");
    };
    let path = "v1/chat/completions";
    check(
        stack.url_anonymous(Method::POST, path),
        401,
        Value::Null,
        "invalid_api_key",
    )
    .await;
    check(
        with(json!({ "model": "gpt-4" })),
        404,
        json!("model"),
        "model_not_found",
    )
    .await;
    check(
        with(json!({ "n": 2 })),
        400,
        json!("n"),
        "unsupported_value",
    )
    .await;
    check(
        with(json!({ "foo": 1 })),
        400,
        json!("foo"),
        "unknown_parameter",
    )
    .await;
    let messages = |messages: Value| completion(&stack, &messages, &json!({}));
    check(
        messages(hello(" ")),
        400,
        json!("messages"),
        "invalid_prompt",
    )
    .await;
    check(
        messages(hello(&"x".repeat(101))),
        413,
        json!("messages"),
        "invalid_prompt",
    )
    .await;
    let system =
        json!([{ "role": "system", "content": "Be brief." }, { "role": "user", "content": "Hi" }]);
    check(messages(system), 400, json!("messages"), "INVALID_ARGUMENT").await;
    let long =
        json!([{ "role": "user", "content": "x".repeat(31) }, { "role": "user", "content": "Hi" }]);
    check(
        messages(long),
        400,
        json!("messages"),
        "context_length_exceeded",
    )
    .await;
    check(
        stack.url(Method::GET, path, "alice"),
        405,
        Value::Null,
        "invalid_prompt",
    )
    .await;
    check(
        stack.url(Method::POST, "v1/responses", "alice"),
        404,
        Value::Null,
        "invalid_prompt",
    )
    .await;
    assert_eq!(stack.running.local.bedrock().calls().len(), 0);
    stack.shutdown().await;
}

#[tokio::test]
async fn a_client_that_leaves_stops_nothing_and_a_key_makes_a_repeat_the_same() {
    let stack = slow().await;
    let keyed = || streamed(&stack).header("idempotency-key", "once");
    let mut first = stream(keyed()).await;
    let id = first.session_id();
    first.next().await.expect("a chunk");
    drop(first);
    let mut again = stream(keyed()).await;
    assert_eq!(again.session_id(), id);
    let (chunks, end) = again.rest().await;
    assert_eq!((end, text_of(&chunks)), (End::Whole, text(TOKENS)));
    // Without a key, the same request is another answer, which goes on without its client, too.
    let left = stream(streamed(&stack)).await;
    let other = left.session_id();
    drop(left);
    assert_ne!(other, id);
    let session = eventually("the end of the answer", || async {
        let session = stack.get_stream("alice", &other).await;
        (session["status"] == "COMPLETED").then_some(session)
    })
    .await;
    assert_eq!(session["text"], said(2, TOKENS));
    assert_eq!(stack.running.local.bedrock().calls().len(), 2);
    stack.shutdown().await;
}
