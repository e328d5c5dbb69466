//! The file: what a stack says of a wrong one, and where assistants' models come from.

use serde_json::json;
use system_tests::TestStack;
use tokencast::stack::{RunningStack, StackError, StackOptions};

use super::written;

#[tokio::test]
async fn a_wrong_file_is_refused_with_every_error() {
    let file = written(&json!({
        "version": 1,
        "default": "general",
        "assistants": { "general": { "model": "m", "maxTokens": 0 }, "law": {} },
    }));
    let options = StackOptions {
        assistants: Some(file.path().to_owned()),
        ..StackOptions::default()
    };
    let Err(StackError::Assistants { source, .. }) = RunningStack::start(options).await else {
        panic!("the file is wrong")
    };
    assert_eq!(
        source.to_string(),
        "assistants.general.maxTokens: is 0, expected 1 to 200000; \
         assistants.law.model: is missing, expected the id of a model or inference profile"
    );
    let options = StackOptions {
        assistants: Some("/there/is/no/such/file.json".into()),
        ..StackOptions::default()
    };
    let Err(StackError::Assistants { source, .. }) = RunningStack::start(options).await else {
        panic!("there is no file")
    };
    assert!(
        source.to_string().starts_with("the file can't be read"),
        "{source}"
    );
}

#[tokio::test]
async fn without_a_file_there_is_one_assistant_of_the_settings() {
    let stack = TestStack::start().await;
    let answer = stack
        .graphql(
            "alice",
            "mutation { startStream(prompt: \"Hi\", assistant: \"default\") { assistant } }",
            json!({}),
        )
        .await;
    assert_eq!(
        answer["data"]["startStream"]["assistant"], "default",
        "{answer}"
    );
    let answer = stack
        .graphql(
            "alice",
            "mutation { startStream(prompt: \"Hi\", assistant: \"other\") { assistant } }",
            json!({}),
        )
        .await;
    let (error_type, message) = system_tests::graphql::only_error(&answer);
    let expected = "assistant: there is no assistant `other`: expected `default`";
    assert_eq!((error_type, message), ("INVALID_ARGUMENT", expected));
    stack.queue_is_empty().await;
    stack.shutdown().await;
}
