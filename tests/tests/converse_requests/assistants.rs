//! Every option of an assistant, in each family of models.

use std::io::Write as _;

use serde_json::{Value, json};
use system_tests::{TestStack, collect};
use tempfile::NamedTempFile;
use tokencast_client::Prompt;
use uuid::Uuid;

use crate::referee::Referee;
use crate::{CACHING, NOT_CACHING};

/// Each assistant, and what its requests have besides messages.
fn cases() -> Vec<(&'static str, Value, Value)> {
    let guardrail =
        |mode: &str| json!({ "id": "abcd1234", "version": "DRAFT", "streamProcessing": mode });
    let guarded = |mode: &str| {
        json!({
            "guardrailIdentifier": "abcd1234", "guardrailVersion": "DRAFT",
            "streamProcessingMode": mode, "trace": "enabled"
        })
    };
    let prompt = || json!([{ "text": "Be brief." }]);
    vec![
        (
            "plain",
            json!({ "model": NOT_CACHING }),
            json!({ "inferenceConfig": { "maxTokens": 4096 } }),
        ),
        (
            "budget",
            json!({
                "model": CACHING, "systemPrompt": "Be brief.", "maxTokens": 5000, "temperature": 0.5,
                "reasoning": { "budgetTokens": 4000 }, "guardrail": guardrail("sync")
            }),
            json!({
                "system": prompt(),
                "inferenceConfig": { "maxTokens": 5000 },
                "additionalModelRequestFields": {
                    "thinking": { "type": "enabled", "budget_tokens": 4000 }
                },
                "guardrailConfig": guarded("sync"),
            }),
        ),
        (
            "adaptive",
            json!({
                "model": "global.anthropic.claude-opus-4-7", "maxTokens": 64000, "temperature": 0.5,
                "reasoning": { "budgetTokens": 20000 }, "promptCaching": false
            }),
            json!({
                "inferenceConfig": { "maxTokens": 64000 },
                "additionalModelRequestFields": {
                    "thinking": { "type": "adaptive" }, "output_config": { "effort": "high" }
                },
            }),
        ),
        (
            "nova",
            json!({
                "model": "us.amazon.nova-2-lite-v1:0", "temperature": 0.5, "maxTokens": 5000,
                "reasoning": { "budgetTokens": 2048 }, "guardrail": guardrail("async")
            }),
            json!({
                "inferenceConfig": { "maxTokens": 5000, "temperature": 0.5 },
                "additionalModelRequestFields": {
                    "reasoningConfig": { "type": "enabled", "maxReasoningEffort": "low" }
                },
                "guardrailConfig": guarded("async"),
            }),
        ),
        (
            "oss",
            json!({
                "model": "openai.gpt-oss-120b-1:0", "maxTokens": 9000, "reasoning": { "budgetTokens": 8000 }
            }),
            json!({
                "inferenceConfig": { "maxTokens": 9000 },
                "additionalModelRequestFields": { "reasoning_effort": "medium" },
            }),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs botocore from PyPI: see tests/tests/converse_requests/requirements.txt"]
async fn aws_allows_every_option_of_an_assistant() {
    let mut referee = Referee::start();
    let assistants: serde_json::Map<_, _> = cases()
        .into_iter()
        .map(|(name, assistant, _)| (name.to_owned(), assistant))
        .collect();
    let file = json!({ "version": 1, "default": "plain", "assistants": assistants });
    let mut written = NamedTempFile::new().expect("a file");
    write!(written, "{file}").expect("written");
    let stack = TestStack::start_with(|options| {
        options.stack.assistants = Some(written.path().to_owned());
    })
    .await;
    let client = stack.client("alice");
    for (name, assistant, expected) in cases() {
        let conversation = Uuid::new_v4();
        for question in ["One?", "Two?"] {
            let prompt = Prompt::new(question).in_conversation(conversation);
            let answer = collect(client.stream(prompt.to_assistant(name))).await;
            assert!(answer.expect("an answer").is_completed(), "{name}");
            let calls = stack.running.local.bedrock().calls();
            let call = calls.last().expect("a call");
            assert_eq!(json!(call.model_id), assistant["model"], "{name}");
            let wrong = referee.of(&call.model_id, &call.body).await;
            assert_eq!(wrong, Vec::<String>::new(), "{name}: {}", call.body);
            let mut body: Value = serde_json::from_str(&call.body).expect("JSON");
            let fields = body.as_object_mut().expect("an object");
            fields.remove("messages");
            // With a history, the system prompt ends with a cache point where the model has a cache.
            if let Some(system) = fields.get_mut("system").and_then(Value::as_array_mut) {
                assert_eq!(
                    system.len(),
                    if question == "One?" { 1 } else { 2 },
                    "{name}"
                );
                system.truncate(1);
            }
            assert_eq!(body, expected, "{name}");
        }
    }
    stack.shutdown().await;
    referee.end().await;
}
