//! What a model is told, and who hears of a turn.

use tokencast_core::deliver::Disposition;
use tokencast_core::event::ConversationChange;
use tokencast_core::session::Status;

use crate::scene::Scene;

#[tokio::test(start_paused = true)]
async fn a_model_is_told_of_the_turns_before() {
    let scene = Scene::new();
    let first = scene.ask("One", None).await;
    assert_eq!(scene.told(), ["One"]);
    let second = scene.ask("Two", None).await;
    assert_eq!(scene.told(), ["One", "You said: One", "Two"]);
    scene.ask("Three", Some(second)).await;
    assert_eq!(scene.told().len(), 5);
    scene.ask("Other", Some(first)).await;
    assert_eq!(scene.told(), ["One", "You said: One", "Other"]);
}

#[tokio::test(start_paused = true)]
async fn a_model_is_told_no_more_than_fits() {
    let mut scene = Scene::new();
    scene.ask("One", None).await;
    scene.ask("Two", None).await;
    // The model counts 5 tokens of each answer, and a prompt's bytes make one.
    scene.max_history_tokens = 6;
    scene.ask("Three", None).await;
    assert_eq!(scene.told(), ["Two", "You said: Two", "Three"]);
    scene.max_history_tokens = 0;
    scene.ask("Four", None).await;
    assert_eq!(scene.told(), ["Four"]);
}

#[tokio::test(start_paused = true)]
async fn subscribers_hear_of_each_turn() {
    let scene = Scene::new();
    let first = scene.ask("One", None).await;
    let second = scene.ask("Two", None).await;
    let told = scene.tables.state().told.clone();
    let told: Vec<_> = told
        .iter()
        .map(|it| {
            (
                it.change,
                it.session_id,
                it.parent_id,
                it.status,
                it.title.as_deref(),
            )
        })
        .collect();
    let (started, ended) = (
        ConversationChange::TurnStarted,
        ConversationChange::TurnEnded,
    );
    let (queued, completed) = (Some(Status::Queued), Some(Status::Completed));
    let expected = [
        (started, Some(first), None, queued, Some("One")),
        (ended, Some(first), None, completed, None),
        (started, Some(second), Some(first), queued, None),
        (ended, Some(second), Some(first), completed, None),
    ];
    assert_eq!(told, expected);
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_record_was_forgotten_makes_none() {
    let scene = Scene::new();
    let id = scene.start("One", None).await.expect("started").id;
    scene.tables.state().sessions.remove(&id);
    assert_eq!(scene.work().await, [Disposition::Done]);
    assert!(scene.tables.state().sessions.is_empty());
}
