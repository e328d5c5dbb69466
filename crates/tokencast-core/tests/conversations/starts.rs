//! Which turn a start continues, and which starts are refused.

use std::time::Duration;

use tokencast_core::assistant::{Assistant, AssistantName};
use tokencast_core::deliver::Disposition;
use tokencast_core::failure::FailureCode;
use tokencast_core::id::{ConversationId, Owner, SessionId};
use tokencast_core::job::{Channel, Job};
use tokencast_core::requests::{RequestError, Within};
use tokencast_core::session::{Session, Status};
use tokencast_core::time::Timestamp;

use crate::scene::{Scene, me, owner};

#[tokio::test(start_paused = true)]
async fn a_start_continues_the_last_turn_that_is_over() {
    let scene = Scene::new();
    let first = scene.start("One", None).await.expect("started");
    assert_eq!(first.parent_id, None);
    assert_eq!(
        (first.conversation_id, first.status),
        (Some(scene.id), Status::Queued)
    );
    let beside = scene.start("Two", None).await.expect("started");
    assert_eq!(beside.parent_id, None, "no turn is over yet");
    scene.work().await;
    let third = scene.start("Three", None).await.expect("started");
    assert_eq!(third.parent_id, Some(beside.id));
    let fourth = scene.start("Four", None).await.expect("started");
    assert_eq!(fourth.parent_id, Some(beside.id), "the third runs");
    let again = scene.start("Five", Some(first.id)).await.expect("started");
    assert_eq!(again.parent_id, Some(first.id), "as it says");
    let beginning: SessionId = scene.id.as_str().parse().expect("a UUID");
    let anew = scene.start("Six", Some(beginning)).await.expect("started");
    assert_eq!(anew.parent_id, None, "beside the first");
    let job = scene.tables.state().jobs.back().cloned().expect("sent");
    assert_eq!((job.conversation_id, job.parent_id), (Some(scene.id), None));
}

/// As a parent, its id would be the conversation's beginning: nobody could continue it.
#[tokio::test(start_paused = true)]
async fn no_turn_has_the_id_of_its_conversation() {
    let scene = Scene::new();
    let own: SessionId = scene.id.as_str().parse().expect("a UUID");
    for parent in [None, Some(own)] {
        let started = scene.start_as(me(), "One", own, scene.within(parent)).await;
        let refused = started.err().expect("refused");
        assert_eq!(refused.code(), FailureCode::InvalidArgument);
        assert!(matches!(refused, RequestError::SessionIsConversation));
    }
    assert!(scene.tables.state().sessions.is_empty());
    let elsewhere = Within {
        conversation_id: ConversationId::random(),
        parent_id: None,
    };
    let started = scene.start_as(me(), "One", own, Some(elsewhere)).await;
    assert!(started.is_ok(), "another conversation's");
}

#[tokio::test(start_paused = true)]
async fn the_same_start_again_is_the_same_turn() {
    let scene = Scene::new();
    let first = scene.ask("One", None).await;
    let id = SessionId::random();
    let start = |prompt: &'static str, within| scene.start_as(me(), prompt, id, within);
    let started = start("Two", scene.within(None)).await.expect("started");
    assert!(started.job.is_some());
    let again = start("Two", scene.within(None)).await.expect("the same");
    assert!(again.job.is_none());
    assert_eq!(again.session.parent_id, Some(first));
    for (prompt, within) in [
        ("Three", scene.within(None)),
        ("Two", scene.within(Some(first))),
        ("Two", None),
        (
            "Two",
            Some(Within {
                conversation_id: ConversationId::random(),
                parent_id: None,
            }),
        ),
    ] {
        let refused = start(prompt, within).await.err().expect("refused");
        assert!(matches!(refused, RequestError::OtherInput), "{refused}");
    }
    assert_eq!(scene.tables.state().turns.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_start_whose_job_was_not_sent_sends_it_when_it_is_tried_again() {
    let scene = Scene::new();
    let id = SessionId::random();
    scene.tables.state().queue_is_down = true;
    let start = || scene.start_as(me(), "One", id, scene.within(None));
    let failed = start().await.err().expect("the queue is down");
    assert_eq!(failed.code(), FailureCode::Internal);
    assert_eq!(scene.status(id), Status::Claimed);
    scene.tables.state().queue_is_down = false;
    let started = start().await.expect("started");
    let job = started.job.expect("sent");
    assert_eq!((job.conversation_id, job.parent_id), (Some(scene.id), None));
    assert_eq!(scene.tables.state().turns.len(), 1);
    scene.work().await;
    assert_eq!(scene.status(id), Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_overtakes_its_start_keeps_the_turn_out() {
    let scene = Scene::new();
    let id = SessionId::random();
    scene.requests.stop(me(), id).await.expect("stopped");
    let started = scene.start_as(me(), "One", id, scene.within(None)).await;
    let started = started.expect("the session that was stopped");
    assert!(started.job.is_none());
    let session = started.session;
    assert_eq!(
        (session.status, session.conversation_id),
        (Status::Cancelled, None)
    );
    let state = scene.tables.state();
    assert!(state.turns.is_empty() && state.conversations.is_empty());
    assert!(state.told.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_start_that_another_one_overtakes_is_done_again() {
    let scene = Scene::new();
    scene.ask("One", None).await;
    let rival = Job::new(
        SessionId::random(),
        me().clone(),
        "Quick".to_owned(),
        Timestamp::EPOCH,
    );
    scene.tables.state().rival = Some(rival.over(Channel::Subscription));
    let started = scene.start("Two", None).await.expect("started");
    assert_eq!(scene.tables.state().turns.len(), 2);
    assert!(started.parent_id.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_parent_is_a_turn_that_is_over() {
    let scene = Scene::new();
    let first = scene.ask("One", None).await;
    let running = scene.start("Two", None).await.expect("started").id;
    assert_eq!(scene.refused(running).await, FailureCode::ParentNotEnded);
    let unknown = SessionId::random();
    assert_eq!(scene.refused(unknown).await, FailureCode::ParentNotStarted);
    let claimed = SessionId::random();
    scene.requests.claim(me(), claimed).await.expect("free");
    assert_eq!(scene.refused(claimed).await, FailureCode::ParentNotStarted);
    let alone = SessionId::random();
    scene
        .start_as(me(), "Alone", alone, None)
        .await
        .expect("started");
    let code = scene.refused(alone).await;
    assert_eq!(code, FailureCode::ParentNotInConversation);
    let theirs = SessionId::random();
    let within = Some(Within {
        conversation_id: ConversationId::random(),
        parent_id: None,
    });
    let started = scene.start_as(&owner("you"), "Hi", theirs, within).await;
    started.expect("started");
    assert_eq!(scene.refused(theirs).await, FailureCode::Unauthorized);
    let itself = SessionId::random();
    let started = scene
        .start_as(me(), "Me", itself, scene.within(Some(itself)))
        .await;
    let code = started.err().expect("refused").code();
    assert_eq!(code, FailureCode::ParentIsSelf);
    // A refusal leaves the id as it is.
    let started = scene
        .start_as(me(), "Me", itself, scene.within(Some(first)))
        .await;
    assert_eq!(started.expect("started").session.parent_id, Some(first));
}

#[tokio::test(start_paused = true)]
async fn a_parent_that_is_late_is_over() {
    let scene = Scene::new();
    let late = scene.start("One", None).await.expect("started").id;
    scene.tables.state().now += Duration::from_hours(1);
    let next = scene.start("Two", Some(late)).await.expect("started");
    assert_eq!(next.parent_id, Some(late));
    assert_eq!(scene.status(late), Status::Failed);
    let turns = scene.tables.state().turns.clone();
    assert_eq!(turns[&(scene.id, late)].status, Status::Failed);
}

#[tokio::test(start_paused = true)]
async fn a_conversation_is_its_owners() {
    let scene = Scene::new();
    scene.ask("One", None).await;
    let you = owner("you");
    let refused = scene.start_as(&you, "Mine", SessionId::random(), scene.within(None));
    let code = refused.await.err().expect("refused").code();
    assert_eq!(code, FailureCode::Unauthorized);
    let read = scene
        .requests
        .conversation(&you, scene.id, None, None)
        .await;
    assert!(read.expect("read").is_none());
    for code in [
        admit(&scene, &you).await,
        rename(&scene, &you).await,
        delete(&scene, &you).await,
    ] {
        assert_eq!(code, FailureCode::ConversationNotFound);
    }
}

async fn admit(scene: &Scene, by: &Owner) -> FailureCode {
    let refused = scene.requests.admit(by, scene.id).await;
    refused.expect_err("refused").code()
}

async fn rename(scene: &Scene, by: &Owner) -> FailureCode {
    let refused = scene
        .requests
        .rename_conversation(by, scene.id, "Mine")
        .await;
    refused.expect_err("refused").code()
}

async fn delete(scene: &Scene, by: &Owner) -> FailureCode {
    let refused = scene.requests.delete_conversation(by, scene.id).await;
    refused.expect_err("refused").code()
}

#[test]
fn a_parent_needs_its_conversation() {
    let id = "5f0c2a5e-6a52-4f0b-b0a5-3f7e1f5b8a11";
    let read = |conversation: Option<&str>, parent: Option<&str>| {
        Within::read(conversation, parent).map_err(|error| error.code())
    };
    let invalid = Err(FailureCode::InvalidArgument);
    assert_eq!(read(None, None), Ok(None));
    assert_eq!(read(None, Some(id)), invalid);
    assert_eq!(read(Some("mine"), None), invalid);
    assert_eq!(read(Some(id), Some("it")), invalid);
    let within = read(Some(&id.to_uppercase()), Some(id))
        .expect("both")
        .expect("some");
    assert_eq!(within.conversation_id.as_str(), id);
}

/// The assistant that a session has.
fn assistant_of(session: &Session) -> Option<&str> {
    session.assistant.as_ref().map(AssistantName::as_str)
}

#[tokio::test(start_paused = true)]
async fn a_conversation_remembers_who_answered_last() {
    let mut scene = Scene::new();
    for (named, remembers, expected) in [
        (None, true, "general"),
        (Some("law"), true, "law"),
        (None, true, "law"),
        (Some("general"), true, "general"),
        (None, true, "general"),
        (Some("law"), false, "law"),
        (None, false, "general"),
    ] {
        let within = if remembers { scene.within(None) } else { None };
        let id = SessionId::random();
        let started = scene.start_with(me(), "Why?", id, within, named).await;
        let started = started.expect("started");
        assert_eq!(assistant_of(&started.session), Some(expected));
        let job = started.job.expect("sent");
        assert_eq!(
            job.assistant.as_ref().map(AssistantName::as_str),
            Some(expected)
        );
        assert_eq!(scene.work().await, [Disposition::Done]);
        let told = scene.model.told.lock().expect("held by nobody");
        let asked = told.last().expect("asked").assistant.clone();
        assert_eq!(asked.as_ref().map(AssistantName::as_str), Some(expected));
    }
    let read = scene
        .requests
        .conversation(me(), scene.id, None, None)
        .await;
    let conversation = read.expect("read").expect("mine").conversation;
    assert_eq!(
        conversation.assistant.as_ref().map(AssistantName::as_str),
        Some("general")
    );
    // One that is not there any more is forgotten.
    scene.requests.assistants = Assistant::only("model".to_owned(), 100).into();
    let started = scene.start("Why?", None).await.expect("started");
    assert_eq!(assistant_of(&started), Some("default"));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_assistant_is_refused_and_the_session_is_left() {
    let scene = Scene::new();
    for within in [None, scene.within(None)] {
        let id = SessionId::random();
        let start = |named| scene.start_with(me(), "Why?", id, within, named);
        let refused = start(Some("medicine")).await.err().expect("refused");
        assert_eq!(refused.code(), FailureCode::InvalidArgument);
        assert_eq!(
            refused.to_string(),
            "assistant: there is no assistant `medicine`: expected `general` or `law`"
        );
        // The id can still be used, and then belongs to its input.
        start(Some("law")).await.expect("started");
        let again = start(Some("law")).await.expect("the same");
        assert!(again.job.is_none());
        for other in [Some("general"), None] {
            let refused = start(other).await.err().expect("refused");
            assert!(matches!(refused, RequestError::OtherInput), "{refused}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_turn_of_a_conversation_that_has_expired_is_continued() {
    let scene = Scene::new();
    let first = scene.ask("One", None).await;
    let expires_at = {
        let state = scene.tables.state();
        state.conversations[&scene.id].conversation.expires_at
    };
    scene.tables.state().now = expires_at;
    // The session outlives its conversation.
    assert!(!scene.session(first).is_expired(expires_at));
    let refused = scene.refused(first).await;
    assert_eq!(refused, FailureCode::ParentNotInConversation);
    let anew = scene.start("Two", None).await.expect("started");
    assert_eq!(anew.parent_id, None);
    let refused = scene.refused(first).await;
    assert_eq!(refused, FailureCode::ParentNotInConversation);
}
