//! Assistants through the public interfaces, over each channel.

mod choice;
mod costs;
mod file;
mod guardrails;

use std::io::Write as _;

use serde_json::{Value, json};
use system_tests::{Channel, TestStack};
use tempfile::NamedTempFile;

/// A model that has a prompt cache, and reasons by a budget.
const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

/// The assistants of these tests. `general` is the default.
fn assistants() -> Value {
    let guarded = |mode: &str| {
        let guardrail = json!({ "id": "abcd1234", "version": "1", "streamProcessing": mode });
        json!({ "model": "tokencast.scripted-v1:0", "guardrail": guardrail })
    };
    json!({
        "version": 1,
        "default": "general",
        "assistants": {
            "general": {
                "title": "General", "model": "tokencast.scripted-v1:0",
                "systemPrompt": "A secret of the general assistant."
            },
            "law": {
                "description": "Knows the law.", "model": CLAUDE, "temperature": 0.5, "maxTokens": 5000,
                "systemPrompt": "A secret of the law's.", "reasoning": { "budgetTokens": 2048 }
            },
            "guarded": guarded("sync"),
            "watched": guarded("async"),
        },
    })
}

fn written(file: &Value) -> NamedTempFile {
    let mut written = NamedTempFile::new().expect("a file");
    write!(written, "{file}").expect("written");
    written
}

/// A stack with these assistants, whose model says `tokens`.
async fn stack(channel: Channel, tokens: &[&str]) -> TestStack {
    let file = written(&assistants());
    let tokens: Vec<String> = tokens.iter().map(ToString::to_string).collect();
    let stack = TestStack::start_over(channel, |options| {
        options.stack.assistants = Some(file.path().to_owned());
        options.script.tokens = Some(tokens);
    })
    .await;
    // Every function has read the file once it is warm.
    stack.running.warm().await;
    // The file must outlive processes that start later.
    let (_, path) = file.keep().expect("kept");
    drop(path);
    stack
}
