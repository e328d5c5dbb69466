//! Assistants, in OpenAI's words.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::TestStack;
use system_tests::stack::script;

use crate::stream::{completion, sent};

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
