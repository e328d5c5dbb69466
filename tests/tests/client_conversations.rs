//! The Rust client holds a conversation over each channel, and reads, follows, exports and deletes it.

use std::collections::HashSet;
use std::time::Duration;

use local_stack::config::ScriptConfig;
use system_tests::stack::script;
use system_tests::{Answer, Channel, TestStack, collect, eventually, over_each_channel, within};
use tokencast_client::conversations::{
    Conversation, ConversationChange, ConversationUpdate, ConversationUpdates, ExportFormat, Page,
};
use tokencast_client::{Client, Error, Prompt, StreamStatus};
use uuid::Uuid;

/// Asks, and returns the session's id with the answer.
async fn ask(client: &Client, prompt: Prompt) -> (Uuid, Answer) {
    let stream = client.stream(prompt);
    let id = stream.session_id();
    (id, collect(stream).await.expect("an answer"))
}

/// The changes up to one of this kind.
async fn changes_until(
    updates: &mut ConversationUpdates,
    kind: ConversationChange,
) -> Vec<(ConversationChange, Option<Uuid>)> {
    let mut seen = Vec::new();
    loop {
        let update = within("the next change", updates.next()).await;
        if let ConversationUpdate::Event { event } = update.expect("more").expect("no error") {
            seen.push((event.kind, event.session_id));
            if event.kind == kind {
                return seen;
            }
        }
    }
}

async fn read(client: &Client, id: Uuid) -> Conversation {
    let read = client.conversations().get_all(id).await;
    read.expect("an answer").expect("it is there")
}

over_each_channel! {
    async fn a_conversation_is_held(channel) {
        let stack = TestStack::start_over(channel, |options| options.script = ScriptConfig::default()).await;
        let client = stack.client_over(channel, "alice");
        let graphql = stack.client_over(Channel::AppSync, "alice");
        let id = Uuid::new_v4();
        let turn = |text: &str| Prompt::new(text).in_conversation(id);
        let (first, answer) = ask(&client, turn("Think about rivers")).await;
        assert!(!answer.reasoning.is_empty() && !answer.citations.is_empty());
        let (second, _) = ask(&client, turn("And glaciers?")).await;
        let (version, _) = ask(&client, turn("And lakes?").after(first)).await;
        let (beginning, _) = ask(&client, turn("Another beginning").at_beginning()).await;

        let conversation = read(&graphql, id).await;
        assert_eq!(conversation.title, "Think about rivers");
        assert_eq!((conversation.turn_count, conversation.last_session_id), (4, Some(beginning)));
        let turns: Vec<_> = conversation.turns.iter().map(|turn| (turn.session_id, turn.parent_id)).collect();
        assert_eq!(turns, [(first, None), (second, Some(first)), (version, Some(first)), (beginning, None)]);
        let stream = conversation.turns[0].stream.as_ref().expect("an answer");
        assert_eq!((stream.status, &stream.text), (StreamStatus::Completed, &answer.text));
        assert!(stream.blocks.as_ref().expect("blocks").len() >= 3);
        assert_eq!(conversation.turns[1].prompt, "And glaciers?");

        // Nobody else sees it.
        let other = stack.client_over(Channel::AppSync, "bob");
        assert_eq!(other.conversations().get(id, Page::default()).await.expect("an answer"), None);
        assert_eq!(other.conversations().export(id, ExportFormat::Json).await.expect("an answer"), None);
        stack.shutdown().await;
    }
}

over_each_channel! {
    /// Behind a Function URL, the job of an answer reaches a worker once the answer is over.
    async fn a_model_gives_a_title_of_what_can_be_seen(channel) {
        for (token, expected) in [("Rivers", Some("Rivers")), (" \n", None)] {
            let stack = TestStack::start_over(channel, |options| {
                options.script = script(1, Duration::ZERO);
                options.script.tokens = Some(vec![token.to_owned()]);
                options.function_url_variable("LEASE_SECONDS", "1");
                options.worker_variable("TITLE_MODEL_ID", "tokencast.scripted-v1:0");
            })
            .await;
            let client = stack.client_over(channel, "alice");
            let graphql = stack.client_over(Channel::AppSync, "alice");
            let id = Uuid::new_v4();
            ask(&client, Prompt::new("Why?").in_conversation(id)).await;
            stack.queue_is_empty().await;
            eventually("the title", || async {
                (read(&graphql, id).await.title == expected.unwrap_or("Why?")).then_some(())
            })
            .await;
            let calls = stack.running.local.bedrock().calls().len();
            assert_eq!(calls, 1 + usize::from(expected.is_some()), "{channel:?}");
            stack.shutdown().await;
        }
    }
}

#[tokio::test]
async fn a_turn_that_cannot_be_continued_is_refused_by_its_code() {
    let stack = TestStack::start().await;
    let client = stack.client("alice");
    let id = Uuid::new_v4();
    let turn = |text: &str| Prompt::new(text).in_conversation(id);
    ask(&client, turn("One")).await;
    let mut stream = client.stream(turn("Two").after(Uuid::new_v4()));
    let error = within("a refusal", stream.next()).await;
    let error = error.expect("an end").expect_err("refused");
    let is_refused =
        matches!(&error, Error::Graphql { error_type, .. } if error_type == "PARENT_NOT_STARTED");
    assert!(is_refused, "{error}");
    stack.shutdown().await;
}

#[tokio::test]
async fn pages_lead_to_all_turns_and_conversations() {
    let stack = TestStack::start().await;
    let client = stack.client("alice");
    let ids: Vec<_> = std::iter::repeat_with(Uuid::new_v4).take(3).collect();
    for id in &ids {
        ask(&client, Prompt::new("Why?").in_conversation(*id)).await;
    }
    let one = |next_token| Page {
        limit: Some(1),
        next_token,
    };
    // The list lags behind.
    let listed = eventually("all in the list", async || {
        let (mut listed, mut next_token) = (Vec::new(), None);
        loop {
            let list = client
                .conversations()
                .list(one(next_token))
                .await
                .expect("a page");
            listed.extend(list.items.into_iter().map(|item| item.conversation_id));
            next_token = list.next_token;
            if next_token.is_none() {
                return (listed.len() == ids.len()).then_some(listed);
            }
        }
    })
    .await;
    let newest_first: Vec<_> = ids.iter().rev().copied().collect();
    assert_eq!(listed, newest_first);

    let id = ids[0];
    for question in ["Two", "Three"] {
        ask(&client, Prompt::new(question).in_conversation(id)).await;
    }
    let (mut sessions, mut next_token) = (HashSet::new(), None);
    loop {
        let page = client.conversations().get(id, one(next_token)).await;
        let page = page.expect("a page").expect("it is there");
        assert!(page.turns.len() <= 1);
        sessions.extend(page.turns.into_iter().map(|turn| turn.session_id));
        next_token = page.next_token;
        if next_token.is_none() {
            break;
        }
    }
    assert_eq!(sessions.len(), 3);
    let error = client
        .conversations()
        .list(one(Some("no token".into())))
        .await;
    let error = error.expect_err("refused").to_string();
    assert!(error.starts_with("INVALID_ARGUMENT: "), "{error}");
    stack.shutdown().await;
}

#[tokio::test]
async fn changes_are_heard_and_a_deleted_conversation_is_gone() {
    use ConversationChange::{Deleted, Renamed, TurnEnded, TurnStarted};
    let stack = TestStack::start().await;
    let client = stack.client("alice");
    let conversations = client.conversations();
    let mut all = conversations.all_updates();
    let resync = within("a connection", all.next()).await;
    assert!(
        matches!(resync, Some(Ok(ConversationUpdate::Resync))),
        "{resync:?}"
    );
    let id = Uuid::new_v4();
    let (first, _) = ask(&client, Prompt::new("Why?").in_conversation(id)).await;
    let seen = changes_until(&mut all, TurnEnded).await;
    assert_eq!(seen, [(TurnStarted, Some(first)), (TurnEnded, Some(first))]);

    let mut one = conversations.updates(id);
    let resync = within("a connection", one.next()).await;
    assert!(
        matches!(resync, Some(Ok(ConversationUpdate::Resync))),
        "{resync:?}"
    );
    let renamed = conversations.rename(id, "Streams").await.expect("renamed");
    assert_eq!(renamed.title, "Streams");
    assert_eq!(changes_until(&mut one, Renamed).await, [(Renamed, None)]);
    assert_eq!(changes_until(&mut all, Renamed).await, [(Renamed, None)]);

    let markdown = conversations.export(id, ExportFormat::Markdown).await;
    let markdown = markdown.expect("an answer").expect("it is there");
    assert!(markdown.starts_with("# Streams\n"), "{markdown}");
    let json = conversations.export(id, ExportFormat::Json).await;
    let json = json.expect("an answer").expect("it is there");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["turns"][0]["prompt"], "Why?");

    for _ in 0..2 {
        conversations.delete(id).await.expect("deleted");
    }
    changes_until(&mut one, Deleted).await;
    changes_until(&mut all, Deleted).await;
    assert_eq!(conversations.get_all(id).await.expect("an answer"), None);
    assert_eq!(client.get(first).await.expect("an answer"), None);
    let mut stream = client.stream(Prompt::new("Two").in_conversation(id));
    let error = within("a refusal", stream.next()).await;
    let error = error.expect("an end").expect_err("refused").to_string();
    assert!(error.starts_with("CONVERSATION_DELETED: "), "{error}");

    // Somebody else's can't be listened to.
    let mut others = stack.client("bob").conversations().updates(id);
    let refused = within("a refusal", others.next()).await;
    let refused = refused.expect("an end").expect_err("refused");
    assert!(!refused.is_transient(), "{refused}");
    stack.shutdown().await;
}
