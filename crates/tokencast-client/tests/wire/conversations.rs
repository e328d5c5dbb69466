//! Conversations: turns over each channel, and what AppSync alone has.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokencast_client::conversations::{
    ConversationChange, ConversationUpdate, ConversationUpdates, ExportFormat, Page,
};
use tokencast_client::{Channel, Client, Credentials, Error, Prompt, StreamStatus};
use uuid::Uuid;

use client_fakes::{FakeApi, FakeFunction, client, fast, snapshot, within};

const ID: Uuid = Uuid::from_u128(1);
const TURN: Uuid = Uuid::from_u128(2);

fn prompt() -> Prompt {
    Prompt::new("Why?").in_conversation(ID).after(TURN)
}

#[tokio::test]
async fn a_turn_starts_over_appsync() {
    let mut api = FakeApi::start().await;
    let stream = api.client().stream(prompt());
    let _socket = api.subscriber().await;
    assert_eq!(
        api.call("StartStream").await.variables,
        json!({ "prompt": "Why?", "sessionId": stream.session_id(), "conversationId": ID, "parentId": TURN })
    );
}

#[tokio::test]
async fn a_turn_starts_over_a_function_url() {
    let mut function = FakeFunction::start().await;
    let channel = Channel::FunctionUrl(function.url.clone());
    let stream =
        client(channel, fast()).stream(Prompt::new("Why?").in_conversation(ID).at_beginning());
    assert_eq!(
        function.request().await.body,
        json!({ "prompt": "Why?", "sessionId": stream.session_id(), "conversationId": ID, "parentId": ID })
    );
}

#[tokio::test]
async fn a_turn_starts_over_a_web_socket() {
    let mut api = FakeApi::start().await;
    let channel = Channel::WebSocket(api.web_socket_url.clone());
    let stream = client(channel, fast()).stream(prompt());
    let mut socket = api.socket().await;
    assert_eq!(
        socket.action("stream").await,
        json!({
            "action": "stream", "prompt": "Why?", "sessionId": stream.session_id(),
            "conversationId": ID, "parentId": TURN,
        })
    );
}

#[tokio::test]
async fn a_refused_parent_is_a_typed_error_over_each_channel() {
    let mut api = FakeApi::start().await;
    api.replies(|replies| replies.refuse_start("PARENT_NOT_ENDED"));
    let mut stream = api.client().stream(prompt());
    let _socket = api.subscriber().await;
    let error = within(stream.next())
        .await
        .expect("an end")
        .expect_err("refused");
    assert_eq!(error.to_string(), "PARENT_NOT_ENDED: said the server");
    assert!(!error.is_transient());

    let mut function = FakeFunction::start().await;
    let channel = Channel::FunctionUrl(function.url.clone());
    let mut stream = client(channel, fast()).stream(prompt());
    let request = function.request().await;
    request.refuse(409, "PARENT_NOT_ENDED", false).await;
    let error = within(stream.next())
        .await
        .expect("an end")
        .expect_err("refused");
    assert_eq!(error.to_string(), "PARENT_NOT_ENDED: said the server");

    let channel = Channel::WebSocket(api.web_socket_url.clone());
    let mut stream = client(channel, fast()).stream(prompt());
    let mut socket = api.socket().await;
    socket.action("stream").await;
    socket.refuse("stream", "PARENT_NOT_ENDED", false).await;
    let error = within(stream.next())
        .await
        .expect("an end")
        .expect_err("refused");
    assert_eq!(error.to_string(), "PARENT_NOT_ENDED: said the server");
}

fn head(title: &str) -> Value {
    json!({
        "conversationId": ID, "title": title, "lastSessionId": TURN, "turnCount": 2,
        "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:01:00Z",
    })
}

fn turn(number: u128) -> Value {
    json!({
        "sessionId": Uuid::from_u128(number), "parentId": null, "prompt": format!("Question {number}"),
        "createdAt": "2026-01-01T00:00:00Z", "stream": snapshot("COMPLETED", 1, 2, "An answer."),
    })
}

#[tokio::test]
async fn conversations_are_listed_by_pages() {
    let mut api = FakeApi::start().await;
    let list = json!({ "conversations": { "items": [head("Rivers")], "nextToken": "bmV4dA" } });
    api.replies(|replies| replies.answer("Conversations", [list]));
    let page = Page {
        limit: Some(1),
        next_token: Some("dG9rZW4".into()),
    };
    let client = api.client();
    let list = within(client.conversations().list(page))
        .await
        .expect("a list");
    assert_eq!(list.next_token.as_deref(), Some("bmV4dA"));
    assert_eq!(
        (list.items[0].conversation_id, &*list.items[0].title),
        (ID, "Rivers")
    );
    assert!(list.items[0].turns.is_empty());
    let call = api.call("Conversations").await;
    assert_eq!(
        call.variables,
        json!({ "limit": 1, "nextToken": "dG9rZW4" })
    );
    assert_eq!(call.authorization, "jwt");
}

#[tokio::test]
async fn all_turns_are_read_page_by_page() {
    let mut api = FakeApi::start().await;
    let page = |turns: Vec<Value>, next: Value| {
        let mut conversation = head("Rivers");
        conversation["turns"] = turns.into();
        conversation["nextToken"] = next;
        json!({ "conversation": conversation })
    };
    let pages = [
        page(vec![turn(1), turn(2)], json!("b25l")),
        page(vec![], json!("dHdv")),
        page(vec![turn(3)], Value::Null),
    ];
    api.replies(|replies| replies.answer("GetConversation", pages));
    let client = api.client();
    let all = within(client.conversations().get_all(ID))
        .await
        .expect("read");
    let conversation = all.expect("there");
    let prompts: Vec<_> = conversation
        .turns
        .iter()
        .map(|turn| &*turn.prompt)
        .collect();
    assert_eq!(prompts, ["Question 1", "Question 2", "Question 3"]);
    assert_eq!(conversation.next_token, None);
    let answer = conversation.turns[2].stream.as_ref().expect("an answer");
    assert_eq!(
        (answer.status, &*answer.text),
        (StreamStatus::Completed, "An answer.")
    );
    let tokens = api.calls_so_far().into_iter();
    let tokens: Vec<_> = tokens
        .map(|call| call.variables["nextToken"].clone())
        .collect();
    assert_eq!(tokens, [Value::Null, json!("b25l"), json!("dHdv")]);
}

#[tokio::test]
async fn pages_that_lead_nowhere_are_not_followed_for_ever() {
    let api = FakeApi::start().await;
    let mut conversation = head("Rivers");
    conversation["turns"] = json!([]);
    conversation["nextToken"] = json!("b25l");
    let page = json!({ "conversation": conversation });
    let export = json!({ "exportConversation": { "content": "x", "nextToken": "b25l" } });
    api.replies(|replies| {
        replies.answer("GetConversation", [page]);
        replies.answer("ExportConversation", [export]);
    });
    let conversations = api.client().conversations();
    let error = within(conversations.get_all(ID)).await.expect_err("an end");
    assert!(error.to_string().contains("`nextToken`"), "{error}");
    let exported = conversations.export(ID, ExportFormat::Json);
    let error = within(exported).await.expect_err("an end");
    assert!(error.to_string().contains("`nextToken`"), "{error}");
}

#[tokio::test]
async fn a_conversation_that_is_not_there_is_none() {
    let api = FakeApi::start().await;
    api.replies(|replies| {
        replies.answer("GetConversation", [json!({ "conversation": null })]);
        replies.answer(
            "ExportConversation",
            [json!({ "exportConversation": null })],
        );
    });
    let conversations = api.client().conversations();
    assert_eq!(
        within(conversations.get_all(ID)).await.expect("an answer"),
        None
    );
    let page = within(conversations.get(ID, Page::default())).await;
    assert_eq!(page.expect("an answer"), None);
    let export = within(conversations.export(ID, ExportFormat::Markdown)).await;
    assert_eq!(export.expect("an answer"), None);
}

#[tokio::test]
async fn a_conversation_is_renamed_deleted_and_exported() {
    let mut api = FakeApi::start().await;
    let piece = |content: &str, next: Value| json!({ "exportConversation": { "content": content, "nextToken": next } });
    let pieces = [piece("# Riv", json!("b25l")), piece("ers\n", Value::Null)];
    api.replies(|replies| {
        replies.answer(
            "RenameConversation",
            [json!({ "renameConversation": head("Streams") })],
        );
        let deleted = json!({ "conversationId": ID, "timestamp": "2026-01-01T00:00:00Z" });
        replies.answer(
            "DeleteConversation",
            [json!({ "deleteConversation": deleted })],
        );
        replies.answer("ExportConversation", pieces);
    });
    let conversations = api.client().conversations();
    let renamed = within(conversations.rename(ID, "Streams"))
        .await
        .expect("renamed");
    assert_eq!(renamed.title, "Streams");
    let call = api.call("RenameConversation").await;
    assert_eq!(call.variables, json!({ "id": ID, "title": "Streams" }));
    within(conversations.delete(ID)).await.expect("deleted");
    assert_eq!(
        api.call("DeleteConversation").await.variables,
        json!({ "id": ID })
    );
    let document = within(conversations.export(ID, ExportFormat::Markdown)).await;
    assert_eq!(document.expect("exported").as_deref(), Some("# Rivers\n"));
    let call = api.call("ExportConversation").await;
    assert_eq!(call.variables, json!({ "id": ID, "format": "MARKDOWN" }));
}

#[tokio::test]
async fn a_refusal_says_its_code() {
    let api = FakeApi::start().await;
    api.replies(|replies| replies.refuse("RenameConversation", "CONVERSATION_NOT_FOUND"));
    let renamed = api.client().conversations().rename(ID, "Streams").await;
    let error = renamed.expect_err("refused");
    assert_eq!(error.to_string(), "CONVERSATION_NOT_FOUND: said the server");
}

#[tokio::test]
async fn another_channel_has_no_conversations() {
    let client = client(Channel::FunctionUrl("http://localhost:1/".into()), fast());
    let error = client.conversations().list(Page::default()).await;
    let error = error.expect_err("refused").to_string();
    assert!(error.contains("expected AppSync's endpoint"), "{error}");
    let mut updates = client.conversations().all_updates();
    let error = within(updates.next())
        .await
        .expect("an end")
        .expect_err("refused");
    assert!(matches!(error, Error::Config { .. }), "{error}");
}

fn change(kind: &str) -> Value {
    json!({
        "conversationId": ID, "owner": "alice's sub", "kind": kind, "title": "Rivers", "sessionId": TURN,
        "parentId": null, "status": "STREAMING", "timestamp": "2026-01-01T00:00:00Z",
    })
}

/// The kind of the next change, or what else is said.
async fn next(updates: &mut ConversationUpdates) -> String {
    match within(updates.next()).await.expect("more") {
        Ok(ConversationUpdate::Resync) => "resync".into(),
        Ok(ConversationUpdate::Event { event }) => format!("{:?}", event.kind),
        Ok(ConversationUpdate::Reconnecting { .. }) => "reconnecting".into(),
        Err(error) => error.to_string(),
    }
}

fn variables(started: &Value) -> Value {
    let data = started["payload"]["data"].as_str().expect("a string");
    let operation: Value = serde_json::from_str(data).expect("JSON in a string");
    operation["variables"].clone()
}

#[tokio::test]
async fn a_listener_hears_of_changes_and_reads_again_after_an_outage() {
    let mut api = FakeApi::start().await;
    let mut updates = api.client().conversations().updates(ID);
    let socket = api.subscriber().await;
    assert_eq!(variables(&socket.started), json!({ "conversationId": ID }));
    assert_eq!(next(&mut updates).await, "resync");
    for kind in ["TURN_STARTED", "TURN_ENDED", "RENAMED", "DELETED", "MERGED"] {
        socket.data("onConversationUpdated", change(kind)).await;
    }
    for kind in ["TurnStarted", "TurnEnded", "Renamed", "Deleted", "Unknown"] {
        assert_eq!(next(&mut updates).await, kind);
    }
    drop(socket);
    assert_eq!(next(&mut updates).await, "reconnecting");
    let socket = api.subscriber().await;
    assert_eq!(next(&mut updates).await, "resync");
    socket
        .data("onConversationUpdated", change("RENAMED"))
        .await;
    assert_eq!(next(&mut updates).await, "Renamed");
    let mut socket = socket;
    drop(updates);
    socket.gone().await;
}

#[tokio::test]
async fn a_listener_to_all_names_itself_as_the_owner() {
    let mut api = FakeApi::start().await;
    let payload = URL_SAFE_NO_PAD.encode(r#"{"sub":"alice's sub"}"#);
    let client = Client::builder(&*api.url)
        .credentials(Credentials::token(format!("e30.{payload}.sig")))
        .timeouts(fast())
        .build()
        .expect("a client");
    let mut updates = client.conversations().all_updates();
    let socket = api.subscriber().await;
    assert_eq!(
        variables(&socket.started),
        json!({ "owner": "alice's sub" })
    );
    assert_eq!(next(&mut updates).await, "resync");
    socket
        .data("onConversationsUpdated", change("TURN_STARTED"))
        .await;
    let update = within(updates.next())
        .await
        .expect("more")
        .expect("no error");
    let ConversationUpdate::Event { event } = update else {
        panic!("{update:?}");
    };
    assert_eq!(
        (event.kind, event.session_id),
        (ConversationChange::TurnStarted, Some(TURN))
    );
    assert_eq!(
        (event.status, event.conversation_id),
        (Some(StreamStatus::Streaming), ID)
    );
}

#[tokio::test]
async fn a_refused_listener_ends() {
    let mut api = FakeApi::start().await;
    let mut updates = api.client().conversations().updates(ID);
    let mut socket = api.socket().await;
    socket.acknowledge(300_000).await;
    socket.take_start().await;
    socket.error("CONVERSATION_NOT_FOUND").await;
    assert_eq!(
        next(&mut updates).await,
        "the subscription was refused: CONVERSATION_NOT_FOUND: said the server"
    );
    assert!(within(updates.next()).await.is_none());

    // A token that names nobody.
    let mut updates = api.client().conversations().all_updates();
    let error = next(&mut updates).await;
    assert!(error.contains("expected a JWT of the user pool"), "{error}");
}
