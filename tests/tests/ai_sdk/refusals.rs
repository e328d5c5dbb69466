//! What is refused over the Function URL, and in which words.

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use system_tests::TestStack;
use system_tests::ai_sdk::{answer, user};

/// A refusal that the AI SDK reads: a chat shows the body as its error's message.
async fn check(request: RequestBuilder, status: u16, code: &str, message: &str) {
    let response = request.send().await.expect("sent");
    let header = |name: &str| {
        let value = response.headers().get(name);
        value.and_then(|it| it.to_str().ok()).map(str::to_owned)
    };
    let (found, content_type) = (header("x-tokencast-error-code"), header("content-type"));
    let found_status = response.status().as_u16();
    let body = response.text().await.expect("a body");
    assert_eq!(
        (found_status, found.as_deref()),
        (status, Some(code)),
        "{body}"
    );
    assert_eq!(content_type.as_deref(), Some("text/plain; charset=utf-8"));
    assert!(body.starts_with(message), "{body}");
}

#[tokio::test]
async fn what_is_wrong_is_said_in_words_that_a_chat_shows() {
    let stack = TestStack::start_with(|options| {
        options
            .stack
            .function_url_environment
            .insert("MAX_PROMPT_BYTES".to_owned(), "100".to_owned());
    })
    .await;
    let post = |body: Value| stack.url(Method::POST, "ai-sdk", "alice").json(&body);
    let asked = |message: Value| post(json!({"id": "c", "messages": [message]}));
    let anonymous = stack.url_anonymous(Method::POST, "ai-sdk");
    check(anonymous, 401, "UNAUTHORIZED", "").await;
    let anonymous = stack.url_anonymous(Method::GET, "ai-sdk/c/stream");
    check(anonymous, 401, "UNAUTHORIZED", "").await;
    check(
        post(json!("Hi")),
        400,
        "INVALID_ARGUMENT",
        "the body is no JSON object",
    )
    .await;
    check(
        post(json!({"messages": []})),
        400,
        "INVALID_ARGUMENT",
        "id is missing",
    )
    .await;
    let file = json!({"id": "m", "role": "user", "parts": [{"type": "file", "mediaType": "image/png", "url": "data:"}]});
    let refused = "messages[0].parts[0] is of the type `file`, which is not supported";
    check(asked(file), 400, "INVALID_PROMPT", refused).await;
    let refused = "the last message is not the user's";
    check(asked(answer("x", "Hi")), 400, "INVALID_PROMPT", refused).await;
    check(
        asked(user("m", " ")),
        400,
        "INVALID_PROMPT",
        "prompt is empty",
    )
    .await;
    let long = user("m", &"x".repeat(101));
    check(asked(long), 413, "INVALID_PROMPT", "prompt has 101 bytes").await;
    let system =
        json!({"id": "s", "role": "system", "parts": [{"type": "text", "text": "Be brief."}]});
    let brought = post(json!({"id": "c", "messages": [system, user("m", "Hi")]}));
    check(
        brought,
        400,
        "INVALID_ARGUMENT",
        "a system prompt came with the prompt",
    )
    .await;
    let nobody = post(json!({"id": "", "messages": [user("m", "Hi")]}));
    check(nobody, 400, "INVALID_ARGUMENT", "id is empty").await;
    let trigger = post(json!({"id": "c", "trigger": 5, "messages": [user("m", "Hi")]}));
    check(trigger, 400, "INVALID_ARGUMENT", "trigger is malformed").await;
    // What a page asks for itself is refused in the same way.
    let method = stack
        .url(Method::PUT, "ai-sdk/c/stream", "alice")
        .send()
        .await;
    let method = method.expect("sent");
    assert_eq!(method.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(method.headers()["allow"], "GET, HEAD, DELETE");
    let unknown = stack.url(Method::DELETE, "ai-sdk/none", "alice");
    check(unknown, 404, "CONVERSATION_NOT_FOUND", "").await;
    // No chat's id is empty: this is not the chat `stream`.
    let empty = stack.url(Method::DELETE, "ai-sdk//stream", "alice");
    check(empty, 404, "INVALID_PROMPT", "").await;
    assert_eq!(stack.running.local.bedrock().calls().len(), 0);
    stack.shutdown().await;
}

#[tokio::test]
async fn paths_may_end_with_a_slash_and_head_is_answered_without_content() {
    let stack = TestStack::start().await;
    let body = json!({"id": "c", "messages": [user("m1", "One")]});
    let response = stack.url(Method::POST, "ai-sdk/", "alice").json(&body);
    let mut chunks = stack.chat_of(response).await;
    chunks.whole().await;
    for path in ["ai-sdk/c/messages/", "conversations/", "conversations"] {
        let response = stack.url(Method::HEAD, path, "alice").send().await;
        let response = response.expect("sent");
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(response.text().await.expect("a body"), "", "{path}");
    }
    stack.shutdown().await;
}
