//! Who hears of a conversation's changes.

use std::time::Duration;

use serde_json::json;
use system_tests::conversations::Talk;
use system_tests::stack::script;
use system_tests::{TestStack, within};
use tokencast_client::StreamStatus;
use tokencast_client::conversations::{
    ConversationChange, ConversationEvent, ConversationUpdate, ConversationUpdates,
};

/// Waits until a listener is connected.
async fn connected(updates: &mut ConversationUpdates) {
    let first = within("the subscription", updates.next()).await;
    let first = first.expect("more").expect("admitted");
    assert_eq!(first, ConversationUpdate::Resync);
}

/// The next change.
async fn change(updates: &mut ConversationUpdates) -> ConversationEvent {
    match within("a change", updates.next()).await {
        Some(Ok(ConversationUpdate::Event { event })) => event,
        other => panic!("no change: {other:?}"),
    }
}

#[tokio::test]
async fn subscribers_hear_of_turns_titles_and_the_end() {
    let stack = TestStack::start_with(|options| {
        options.script = script(1, Duration::ZERO);
        // The job behind a response doesn't come before the test is over, and tells of no end again.
        options.function_url_variable("LEASE_SECONDS", "600");
    })
    .await;
    let client = stack.client("alice");
    let conversations = client.conversations();
    let mut all = conversations.all_updates();
    connected(&mut all).await;
    let talk = Talk::new(&stack);
    let first = talk.ask("One", None).await;
    let started = change(&mut all).await;
    assert_eq!(started.kind, ConversationChange::TurnStarted);
    assert_eq!(started.title.as_deref(), Some("One"), "it is new");
    assert_eq!(started.conversation_id.to_string(), talk.id);
    let ended = change(&mut all).await;
    assert_eq!(ended.kind, ConversationChange::TurnEnded);
    assert_eq!(
        ended.session_id.map(|id| id.to_string()),
        Some(first.clone())
    );
    assert_eq!(ended.status, Some(StreamStatus::Completed));

    let mut one = conversations.updates(talk.id.parse().expect("a UUID"));
    connected(&mut one).await;
    // A turn that the Function URL answers.
    let question = json!({ "prompt": "Two", "conversationId": talk.id });
    let request = stack
        .url(reqwest::Method::POST, "", "alice")
        .json(&question);
    let response = within("a response", request.send())
        .await
        .expect("a response");
    response.text().await.expect("the answer");
    for updates in [&mut all, &mut one] {
        let started = change(updates).await;
        assert_eq!(started.kind, ConversationChange::TurnStarted);
        assert_eq!(
            started.parent_id.map(|id| id.to_string()),
            Some(first.clone())
        );
        assert_eq!(change(updates).await.kind, ConversationChange::TurnEnded);
    }
    talk.rename("Rivers").await;
    talk.delete().await;
    for updates in [&mut all, &mut one] {
        let renamed = change(updates).await;
        let title = renamed.title.as_deref();
        assert_eq!(
            (renamed.kind, title),
            (ConversationChange::Renamed, Some("Rivers"))
        );
        assert_eq!(change(updates).await.kind, ConversationChange::Deleted);
    }
    stack.shutdown().await;
}

#[tokio::test]
async fn nobody_else_may_listen() {
    let stack = TestStack::start_with(|options| options.script = script(1, Duration::ZERO)).await;
    let talk = Talk::new(&stack);
    talk.ask("One", None).await;
    let theirs = stack.client("bob").conversations();
    let mut updates = theirs.updates(talk.id.parse().expect("a UUID"));
    let refused = within("a refusal", updates.next()).await.expect("more");
    let refused = refused.expect_err("refused").to_string();
    assert!(
        refused.contains("there is no such conversation"),
        "{refused}"
    );
    stack.shutdown().await;
}
