//! Starts and requests that are refused.

use std::time::Duration;

use serde_json::{Value, json};
use system_tests::TestStack;
use system_tests::conversations::Talk;
use system_tests::graphql::only_error;
use system_tests::stack::script;
use uuid::Uuid;

#[tokio::test]
async fn each_wrong_parent_has_its_code() {
    let stack = TestStack::start_with(|options| {
        options.script = script(500, Duration::from_millis(20));
    })
    .await;
    let talk = Talk::new(&stack);
    let running = talk.start("One", None).await;
    stack.model_said(1).await;
    assert_eq!(talk.refused(&running).await, "PARENT_NOT_ENDED");
    assert_eq!(
        talk.refused(&Uuid::new_v4().to_string()).await,
        "PARENT_NOT_STARTED"
    );
    assert_eq!(talk.refused("mine").await, "INVALID_ARGUMENT");
    let itself = Uuid::new_v4().to_string();
    let answer = talk.try_start("Why?", &itself, Some(&itself)).await;
    assert_eq!(only_error(&answer).0, "PARENT_IS_SELF");
    let alone = Uuid::new_v4().to_string();
    stack.start_stream("alice", "Alone", Some(&alone)).await;
    assert_eq!(talk.refused(&alone).await, "PARENT_NOT_IN_CONVERSATION");
    let theirs = Uuid::new_v4().to_string();
    stack.start_stream("bob", "Mine", Some(&theirs)).await;
    assert_eq!(talk.refused(&theirs).await, "UNAUTHORIZED");
    let deleted = Talk::new(&stack);
    let turn = deleted.start("One", None).await;
    deleted.delete().await;
    assert_eq!(talk.refused(&turn).await, "PARENT_DELETED");
    let into = Talk {
        stack: &stack,
        user: "bob",
        id: talk.id.clone(),
    };
    let answer = into
        .try_start("Why?", &Uuid::new_v4().to_string(), None)
        .await;
    assert_eq!(only_error(&answer).0, "UNAUTHORIZED");
    // A refusal ends nothing: the id can be started.
    let answer = talk.try_start("Why?", &itself, None).await;
    assert_eq!(
        answer["data"]["startStream"]["status"], "streaming_started",
        "{answer}"
    );
    stack.shutdown().await;
}

#[tokio::test]
async fn a_malformed_argument_is_named() {
    let stack = TestStack::start().await;
    let talk = Talk::new(&stack);
    talk.ask("One", None).await;
    for (document, variables, name) in [
        (
            "query { conversations(limit: 0) { nextToken } }",
            Value::Null,
            "limit",
        ),
        (
            "query { conversations(nextToken: \"x\") { nextToken } }",
            Value::Null,
            "nextToken",
        ),
        (
            "query { conversation(id: \"x\") { title } }",
            Value::Null,
            "the conversation's id",
        ),
        (
            "query($id: String!) { conversation(id: $id, limit: 101) { title } }",
            json!({ "id": talk.id }),
            "limit",
        ),
        (
            "mutation($id: String!) { renameConversation(id: $id, title: \"  \") { title } }",
            json!({ "id": talk.id }),
            "title",
        ),
        (
            "mutation($id: String!) { startStream(prompt: \"Hi\", parentId: $id) { status } }",
            json!({ "id": talk.id }),
            "parentId",
        ),
    ] {
        let answer = stack.graphql("alice", document, variables).await;
        let (code, message) = only_error(&answer);
        assert_eq!(code, "INVALID_ARGUMENT", "{answer}");
        assert!(message.starts_with(name), "{message}");
    }
    stack.shutdown().await;
}

#[tokio::test]
async fn the_conversations_of_others_are_not_there() {
    let stack = TestStack::start().await;
    let talk = Talk::new(&stack);
    talk.ask("One", None).await;
    let theirs = Talk {
        stack: &stack,
        user: "bob",
        id: talk.id.clone(),
    };
    assert_eq!(theirs.read().await, Value::Null);
    for answer in [theirs.rename("Mine").await, theirs.delete().await] {
        assert_eq!(only_error(&answer).0, "CONVERSATION_NOT_FOUND");
    }
    let (titles, _) = stack.conversations("bob", 20, &Value::Null).await;
    assert!(titles.is_empty(), "{titles:?}");
    assert_eq!(talk.read().await["title"], "One");
    stack.shutdown().await;
}
