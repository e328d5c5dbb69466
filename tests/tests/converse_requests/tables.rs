//! What botocore reads of the tables.

use serde_json::{Value, json};
use system_tests::conversations::Talk;
use system_tests::{TestStack, within};
use tokencast::stack::{CONVERSATIONS_TABLE, TABLE};
use tokio::process::Command;

use crate::referee::program;

/// Reads a conversation by botocore. Returns its items, and the records of its sessions.
async fn read(stack: &TestStack, conversation_id: &str) -> Value {
    let (endpoints, key) = (
        &stack.running.info.endpoints,
        &stack.running.info.access_key,
    );
    let (python, script) = program("tables.py");
    let output = Command::new(python)
        .arg(script)
        .args([CONVERSATIONS_TABLE, TABLE, conversation_id])
        .env("AWS_ENDPOINT_URL", endpoints.url())
        .env("AWS_REGION", &endpoints.region)
        .env("AWS_ACCESS_KEY_ID", &key.id)
        .env("AWS_SECRET_ACCESS_KEY", &key.secret)
        .env_remove("AWS_PROFILE")
        .env_remove("AWS_SESSION_TOKEN")
        .kill_on_drop(true)
        .output();
    let output = within("botocore", output).await.expect("Python");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs botocore from PyPI: see tests/tests/converse_requests/requirements.txt"]
async fn a_conversation_is_read_as_it_was_written() {
    let stack = TestStack::start().await;
    let talk = Talk::new(&stack);
    let prompt = "Why do rivers meander? \u{5ddd} \u{1f980}";
    let id = talk.ask(prompt, None).await;
    let answer = stack.get_stream("alice", &id).await;
    let read = read(&stack, &talk.id).await;
    let items = read["items"].as_array().expect("items");
    let item = |key: &str| {
        let found = items.iter().find(|item| item["item"]["S"] == key);
        found.unwrap_or_else(|| panic!("no {key} in {read}"))
    };
    assert_eq!(items.len(), 2, "{read}");
    let conversation = item("conversation");
    assert_eq!(conversation["title"], json!({ "S": prompt }));
    assert_eq!(conversation["lastSession"], json!({ "S": id }));
    assert_eq!(conversation["turnCount"], json!({ "N": "1" }));
    let turn = item(&format!("turn#{id}"));
    assert_eq!(turn["status"], json!({ "S": "COMPLETED" }));
    assert_eq!(turn["prompt"], json!({ "S": prompt }));
    let record = &read["records"][0];
    assert_eq!(record["sessionId"], json!({ "S": id }));
    assert_eq!(record["conversationId"], json!({ "S": talk.id }));
    assert_eq!(record["owner"], conversation["owner"]);
    let text = answer["text"].as_str().expect("a text");
    let last = record["text"]["S"].as_str().expect("a text");
    assert!(!last.is_empty() && text.ends_with(last), "{record}");
    stack.shutdown().await;
}
