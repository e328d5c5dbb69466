//! Deleting and purging.

use std::time::Duration;

use tokencast_core::conversation::export::Format;
use tokencast_core::deliver::Disposition;
use tokencast_core::event::ConversationChange;
use tokencast_core::failure::FailureCode;
use tokencast_core::job::Purge;
use tokencast_core::session::{Lease, Session, Status};
use uuid::Uuid;

use crate::scene::{Scene, TTL, me, owner};

#[tokio::test(start_paused = true)]
async fn nothing_of_a_deleted_conversation_is_read_or_made() {
    let scene = Scene::new();
    let first = scene.ask("a secret", None).await;
    let waiting = scene
        .start("another secret", None)
        .await
        .expect("started")
        .id;
    let job = scene.tables.state().jobs.front().cloned().expect("sent");
    let deleted = scene.requests.delete_conversation(me(), scene.id).await;
    let deleted = deleted.expect("deleted");

    let requests = &scene.requests;
    let page = requests.conversation(me(), scene.id, None, None).await;
    assert!(page.expect("read").is_none());
    let document = requests.export(me(), scene.id, Format::Json, None).await;
    assert!(document.expect("read").is_none());
    let list = requests
        .conversations(me(), None, None)
        .await
        .expect("listed");
    assert!(list.conversations.is_empty());
    for id in [first, waiting] {
        assert!(requests.read(me(), id).await.expect("read").is_none());
        assert_eq!(scene.status(id), Status::Cancelled);
        let refused = requests.claim(me(), id).await.expect_err("refused");
        assert_eq!(refused.code(), FailureCode::ConversationDeleted);
        let again = scene
            .start_as(me(), "a secret", id, scene.within(None))
            .await;
        let code = again.err().expect("refused").code();
        assert_eq!(code, FailureCode::ConversationDeleted);
    }
    let code = scene.start("more", None).await.expect_err("refused").code();
    assert_eq!(code, FailureCode::ConversationDeleted);

    // The job is delivered again, and so is the purge.
    assert_eq!(scene.deliver(&job.to_json()).await, Disposition::Done);
    let purge = scene.tables.state().purges.front().cloned().expect("sent");
    let purged = scene.deliver(&purge.to_json()).await;
    assert_eq!(
        purged,
        Disposition::Again(Some(Duration::ZERO)),
        "it looks once more"
    );
    for _ in 0..2 {
        assert_eq!(scene.deliver(&purge.to_json()).await, Disposition::Done);
    }
    let again = requests.delete_conversation(me(), scene.id).await;
    assert_eq!(again.expect("deleted"), deleted, "the same again");
    let state = scene.tables.state();
    assert!(state.turns.is_empty() && state.prompts.is_empty());
    let left = format!("{:?}{:?}", state.sessions, state.conversations);
    assert!(!left.contains("secret"), "{left}");
    // Neither the late job nor the second deletion tells anything more.
    let newest = state.told.last().map(|it| it.change);
    assert_eq!(newest, Some(ConversationChange::Deleted));
    let deletions = state.told.iter();
    let deletions = deletions.filter(|it| it.change == ConversationChange::Deleted);
    assert_eq!(deletions.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_purge_waits_for_a_worker_and_ends_what_it_left() {
    let scene = Scene::new();
    let id = scene.start("Why?", None).await.expect("started").id;
    let until = scene.tables.state().now + Duration::from_secs(30);
    let lease = Lease {
        until,
        holder: Uuid::nil(),
    };
    let now = scene.tables.state().now;
    let session = scene.session(id);
    let leased = Session::lease(Some(session), id, me(), lease, None, now, TTL);
    let tokencast_core::session::Leased::Begun(held) = leased.expect("free") else {
        panic!("it begins")
    };
    scene
        .tables
        .state()
        .sessions
        .get_mut(&id)
        .expect("there")
        .session = held;
    let deleted = scene.requests.delete_conversation(me(), scene.id).await;
    deleted.expect("deleted");
    let session = scene.session(id);
    assert!(session.stop_requested && session.is_deleted() && !session.status.is_terminal());
    let purge = scene.tables.state().purges.front().cloned().expect("sent");
    let waits = scene.deliver(&purge.to_json()).await;
    assert_eq!(waits, Disposition::Wait(Duration::from_secs(30)));
    assert_eq!(scene.tables.state().turns.len(), 1);
    // The worker has died.
    scene.tables.state().now = until;
    let purged = scene.deliver(&purge.to_json()).await;
    assert_eq!(purged, Disposition::Again(Some(Duration::ZERO)));
    assert_eq!(scene.status(id), Status::Cancelled);
    assert_eq!(scene.deliver(&purge.to_json()).await, Disposition::Done);
}

#[tokio::test(start_paused = true)]
async fn a_purge_waits_for_its_tombstone_and_not_for_ever() {
    let scene = Scene::new();
    let id = scene.ask("Why?", None).await;
    let purge = Purge::new(scene.id, me().clone(), scene.tables.state().now);
    let waits = scene.deliver(&purge.to_json()).await;
    assert_eq!(waits, Disposition::Wait(Duration::from_mins(1)));
    scene.tables.state().now += Duration::from_mins(20);
    assert_eq!(scene.deliver(&purge.to_json()).await, Disposition::Done);
    let theirs = Purge::new(scene.id, owner("you"), scene.tables.state().now);
    assert_eq!(scene.deliver(&theirs.to_json()).await, Disposition::Dead);
    assert_eq!(scene.status(id), Status::Completed);
}
