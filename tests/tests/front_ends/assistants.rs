//! Assistants, in OpenAI's words.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use system_tests::TestStack;
use system_tests::ai_sdk::user;
use system_tests::stack::script;
use tempfile::TempDir;

use crate::stream::{completion, message, run, sent};

#[tokio::test]
async fn each_assistant_is_a_model() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("assistants.json");
    let model = "tokencast.scripted-v1:0";
    let assistants = json!({
        "version": 1,
        "default": "general",
        "assistants": {
            "general": { "title": "General", "model": model },
            "brief": { "title": "Brief", "model": model, "systemPrompt": "Be brief.", "clientSystemPrompt": true },
        },
    });
    std::fs::write(&file, assistants.to_string()).expect("written");
    let stack = TestStack::start_with(|options| {
        options.script = script(1, Duration::ZERO);
        options.stack.assistants = Some(file.clone());
    })
    .await;
    let list = sent(stack.url(Method::GET, "v1/models", "alice")).await;
    let list: Value = list.json().await.expect("JSON");
    let names = list["data"].as_array().expect("some").iter();
    let names: Vec<_> = names.filter_map(|model| model["id"].as_str()).collect();
    assert_eq!(names, ["brief", "general"]);
    let messages = json!([
        { "role": "system", "content": "In French." },
        { "role": "user", "content": "Hello" },
    ]);
    for (model, status) in [("brief", 200), ("general", 400), ("default", 404)] {
        let asked = completion(&stack, &messages, &json!({ "model": model }));
        let response = sent(asked).await;
        assert_eq!(response.status().as_u16(), status, "{model}");
        let body: Value = response.json().await.expect("JSON");
        match status {
            200 => assert_eq!(body["model"], model),
            404 => assert!(
                body["error"]["message"]
                    .to_string()
                    .contains("`brief` or `general`")
            ),
            _ => assert_eq!(body["error"]["param"], "messages"),
        }
    }
    let calls = stack.running.local.bedrock().calls();
    let input: Value = serde_json::from_str(&calls[0].input).expect("JSON");
    let system = input["system"].as_array().expect("some").iter();
    let system: Vec<_> = system.filter_map(|block| block["text"].as_str()).collect();
    assert_eq!(system, ["Be brief.", "In French."]);
    assert_eq!(calls.len(), 1);
    stack.shutdown().await;
}

/// A stack with an assistant that takes a client's system prompt, and with little room for it.
async fn instructed() -> (TempDir, TestStack) {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("assistants.json");
    let only = json!({ "model": "tokencast.scripted-v1:0", "clientSystemPrompt": true });
    let assistants =
        json!({ "version": 1, "default": "default", "assistants": { "default": only } });
    std::fs::write(&file, assistants.to_string()).expect("written");
    let stack = TestStack::start_with(|options| {
        options.script = script(1, Duration::ZERO);
        options.stack.assistants = Some(file.clone());
        options.function_url_variable("MAX_HISTORY_TOKENS", "10");
    })
    .await;
    (directory, stack)
}

/// The request for an answer to `Hello` behind a system prompt, in each protocol.
fn behind(stack: &TestStack, system: &str) -> [RequestBuilder; 3] {
    let openai = json!([
        { "role": "system", "content": system },
        { "role": "user", "content": "Hello" },
    ]);
    let chat =
        json!({ "id": "s", "role": "system", "parts": [{ "type": "text", "text": system }] });
    let run_messages = [
        message("s", "system", system),
        message("m", "user", "Hello"),
    ];
    [
        completion(stack, &openai, &json!({})),
        stack.chat_request("c", "submit-message", &[chat, user("m", "Hello")]),
        run(stack, "t", "r", &run_messages),
    ]
}

#[tokio::test]
async fn a_system_prompt_is_bound_as_the_history_is() {
    let (_directory, stack) = instructed().await;
    let [openai, chat, agent] = behind(&stack, &"x".repeat(31));
    let response = sent(openai).await;
    assert_eq!(response.status().as_u16(), 400);
    let refused: Value = response.json().await.expect("JSON");
    assert_eq!(refused["error"]["code"], "context_length_exceeded");
    let expected = "the system prompt that came with the prompt has about 11 tokens, by its bytes: expected at most 10";
    let response = sent(chat).await;
    assert_eq!(response.status().as_u16(), 413);
    assert_eq!(response.text().await.expect("a body"), expected);
    let response = sent(agent).await;
    assert_eq!(response.status().as_u16(), 413);
    let refused: Value = response.json().await.expect("JSON");
    assert_eq!(refused["error"]["message"], expected);
    assert_eq!(stack.running.local.bedrock().calls().len(), 0);
    for request in behind(&stack, &"x".repeat(30)) {
        assert_eq!(sent(request).await.status().as_u16(), 200);
    }
    stack.shutdown().await;
}

#[tokio::test]
async fn a_blank_system_prompt_is_none_whether_one_is_taken_or_not() {
    let (_directory, open) = instructed().await;
    let closed = TestStack::start_with(|options| options.script = script(1, Duration::ZERO)).await;
    for stack in [open, closed] {
        for request in behind(&stack, " \n") {
            let response = sent(request).await;
            assert_eq!(response.status().as_u16(), 200);
            assert!(response.text().await.is_ok());
        }
        let calls = stack.running.local.bedrock().calls();
        assert_eq!(calls.len(), 3);
        for call in calls {
            let input: Value = serde_json::from_str(&call.input).expect("JSON");
            assert_eq!(input.get("system"), None);
        }
        stack.shutdown().await;
    }
}
