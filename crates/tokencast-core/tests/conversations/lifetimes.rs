//! Titles and extensions.

use std::time::Duration;

use tokencast_core::conversation::care;
use tokencast_core::failure::FailureCode;
use tokencast_core::ports::ConversationStore as _;

use crate::scene::{Scene, TTL, me};

#[tokio::test(start_paused = true)]
async fn a_title_is_asked_for_once_and_a_persons_stays() {
    let scene = Scene::new();
    scene.ask("Why?", None).await;
    let tables = &scene.tables;
    let found = tables
        .conversation(scene.id)
        .await
        .expect("read")
        .expect("there");
    // Two workers found the same.
    let claimed = care::claim_title(tables, tables, found.clone()).await;
    assert!(claimed.expect("written"));
    let claimed = care::claim_title(tables, tables, found).await;
    assert!(!claimed.expect("read"));
    let entitled = care::entitle(tables, tables, scene.id, "Rivers").await;
    let event = entitled.expect("written").expect("it has changed");
    assert_eq!(event.title.as_deref(), Some("Rivers"));
    let renamed = scene
        .requests
        .rename_conversation(me(), scene.id, " Mine ")
        .await;
    assert_eq!(renamed.expect("renamed").title, "Mine");
    let entitled = care::entitle(tables, tables, scene.id, "Rivers").await;
    assert_eq!(entitled.expect("read"), None);
    for title in [" ", "\u{200b}", "\0", "\u{202e}", &"x".repeat(201)] {
        let refused = scene
            .requests
            .rename_conversation(me(), scene.id, title)
            .await;
        let code = refused.expect_err("refused").code();
        assert_eq!(code, FailureCode::InvalidArgument);
    }
}

#[tokio::test(start_paused = true)]
async fn the_turns_of_a_conversation_that_goes_on_are_kept() {
    let scene = Scene::new();
    let tables = &scene.tables;
    let extend = async || {
        let found = tables
            .conversation(scene.id)
            .await
            .expect("read")
            .expect("there");
        let extended = care::extend(tables, tables, &found.conversation, TTL).await;
        extended.expect("written");
        std::mem::take(&mut tables.state().extended)
    };
    let first = scene.ask("One", None).await;
    assert_eq!(extend().await, []);
    tables.state().now += TTL / 4;
    let second = scene.ask("Two", None).await;
    assert_eq!(extend().await, [], "kept long enough from the start");
    tables.state().now += TTL / 2;
    let third = scene.ask("Three", None).await;
    let to = tables.state().conversations[&scene.id]
        .conversation
        .expires_at
        + TTL / 2;
    assert_eq!(extend().await, [(first, to), (second, to), (third, to)]);
    tables.state().now += TTL / 4;
    scene.ask("Four", None).await;
    assert_eq!(extend().await, [], "they are kept long enough");
    let last = tables.state().now;
    tables.state().now = last + TTL - Duration::from_secs(1);
    let page = scene
        .requests
        .conversation(me(), scene.id, None, None)
        .await;
    assert_eq!(page.expect("read").expect("there").turns.len(), 4);
    tables.state().now = last + TTL;
    let page = scene
        .requests
        .conversation(me(), scene.id, None, None)
        .await;
    assert!(page.expect("read").is_none());
}
