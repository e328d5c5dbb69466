//! Lists, pages and documents.

use serde_json::Value;
use tokencast_core::conversation::export::Format;
use tokencast_core::conversation::page::{InConversation, Token as _};
use tokencast_core::failure::FailureCode;
use tokencast_core::id::{ConversationId, SessionId};
use tokencast_core::requests::Within;

use crate::scene::{Scene, me};

#[tokio::test(start_paused = true)]
async fn a_list_has_the_newest_turn_first() {
    let scene = Scene::new();
    let mut ids = Vec::new();
    for prompt in ["One", "Two", "Three"] {
        let conversation_id = ConversationId::random();
        ids.push(conversation_id);
        let within = Within {
            conversation_id,
            parent_id: None,
        };
        let started = scene.start_as(me(), prompt, SessionId::random(), Some(within));
        started.await.expect("started");
    }
    let within = Within {
        conversation_id: ids[0],
        parent_id: None,
    };
    let started = scene.start_as(me(), "Again", SessionId::random(), Some(within));
    started.await.expect("started");
    let page = scene
        .requests
        .conversations(me(), Some(2), None)
        .await
        .expect("listed");
    let listed: Vec<_> = page.conversations.iter().map(|it| it.id).collect();
    assert_eq!(listed, [ids[0], ids[2]]);
    let token = page.next.expect("there is more").to_token();
    let page = scene
        .requests
        .conversations(me(), Some(2), Some(&token))
        .await;
    let page = page.expect("listed");
    let titles: Vec<_> = page
        .conversations
        .iter()
        .map(|it| it.title.as_str())
        .collect();
    assert_eq!((titles, page.next), (vec!["Two"], None));
    for (limit, token) in [(Some(0), None), (Some(101), None), (None, Some("x"))] {
        let refused = scene.requests.conversations(me(), limit, token).await;
        let code = refused.expect_err("refused").code();
        assert_eq!(code, FailureCode::InvalidArgument);
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_has_its_turns_oldest_first() {
    let scene = Scene::new();
    let mut ids = Vec::new();
    for prompt in ["One", "Two", "Three"] {
        ids.push(scene.ask(prompt, None).await);
    }
    let (mut token, mut read) = (None, Vec::new());
    loop {
        let page = scene
            .requests
            .conversation(me(), scene.id, Some(2), token.as_deref());
        let page = page.await.expect("read").expect("there");
        assert!(page.turns.len() <= 2);
        assert_eq!(page.conversation.turn_count, 3);
        let last = page.turns.last().expect("a turn").turn.position();
        for stored in page.turns {
            let session = stored.session.expect("there");
            assert_eq!(session.text, format!("You said: {}", stored.prompt));
            read.push(stored.turn.session_id);
        }
        if !page.has_more {
            break;
        }
        let next = InConversation {
            conversation_id: scene.id,
            position: last,
        };
        token = Some(next.to_token());
    }
    assert_eq!(read, ids);
    let unknown = scene
        .requests
        .conversation(me(), ConversationId::random(), None, None);
    assert!(unknown.await.expect("read").is_none());
    let other = ConversationId::random();
    let elsewhere = scene
        .requests
        .conversation(me(), other, None, token.as_deref());
    let refused = elsewhere
        .await
        .expect_err("a token of another conversation");
    assert_eq!(refused.code(), FailureCode::InvalidArgument);
}

async fn document(scene: &Scene, format: Format) -> String {
    let (mut token, mut document) = (None, String::new());
    loop {
        let piece = scene
            .requests
            .export(me(), scene.id, format, token.as_deref());
        let piece = piece.await.expect("read").expect("there");
        document.push_str(&piece.content);
        token = piece.next_token;
        if token.is_none() {
            return document;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_document_has_every_version() {
    let scene = Scene::new();
    let first = scene.ask("One", None).await;
    scene.ask("Two", Some(first)).await;
    scene.ask("Two, please", Some(first)).await;
    let markdown = document(&scene, Format::Markdown).await;
    let expected = "\
# One

## You

> One

## Assistant

You said: One

## You (version 1 of 2)

> Two

## Assistant (version 1 of 2)

You said: Two

## You (version 2 of 2)

> Two, please

## Assistant (version 2 of 2)

You said: Two, please
";
    assert_eq!(markdown, expected);
    let json: Value = serde_json::from_str(&document(&scene, Format::Json).await).expect("JSON");
    assert_eq!(json["title"], "One");
    let turns = json["turns"].as_array().expect("turns");
    assert_eq!(turns.len(), 3);
    assert_eq!(turns[2]["parentId"], first.as_str());
    assert_eq!(turns[2]["status"], "COMPLETED");
    assert_eq!(turns[2]["blocks"][0]["text"], "You said: Two, please");
    assert_eq!(turns[0]["usage"]["totalTokens"], 15);
}

#[tokio::test(start_paused = true)]
async fn a_long_document_comes_in_pieces() {
    let scene = Scene::new();
    for number in 0..30 {
        scene
            .ask(&format!("{number}{}", "\n\"é\"".repeat(10_000)), None)
            .await;
    }
    let first = scene
        .requests
        .export(me(), scene.id, Format::Json, None)
        .await;
    let token = first.expect("read").expect("there").next_token;
    let token = token.expect("there is more");
    let other = ConversationId::random();
    let elsewhere = scene
        .requests
        .export(me(), other, Format::Json, Some(&token));
    let refused = elsewhere
        .await
        .expect_err("a token of another conversation");
    assert_eq!(refused.code(), FailureCode::InvalidArgument);
    let json: Value = serde_json::from_str(&document(&scene, Format::Json).await).expect("JSON");
    assert_eq!(json["turns"].as_array().map(Vec::len), Some(30));
}
