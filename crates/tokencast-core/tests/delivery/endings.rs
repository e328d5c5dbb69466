//! What the record says, and how a delivery ends.

use std::time::Duration;

use tokencast_core::deliver::Disposition;
use tokencast_core::failure::{Failure, FailureCode};
use tokencast_core::id::Owner;
use tokencast_core::ports::Clock;
use tokencast_core::session::{Session, Status};
use tokio::time::Instant;

use crate::memory::RecordingSink;
use crate::scene::{Scene, failing, joined, ms, tokens};

#[tokio::test(start_paused = true)]
async fn a_failure_worth_another_try_gives_the_attempt_up_and_keeps_its_text() {
    let error = Failure::new(FailureCode::ModelError, "The model failed.");
    for (model, code) in [
        (failing(5, Some(error), false), FailureCode::ModelError),
        (failing(5, None, false), FailureCode::ModelError),
        (failing(5, None, true), FailureCode::ModelStalled),
    ] {
        let scene = Scene::new(model);
        let disposition = scene.deliver().await;
        assert!(
            matches!(disposition, Disposition::Again(Some(after)) if after <= Duration::from_secs(1))
        );
        let session = scene.session();
        assert_eq!(
            (session.status, session.text.as_str()),
            (Status::Streaming, joined(5).as_str())
        );
        assert_eq!(
            (
                session.lease,
                session.last_failure.map(|failure| failure.code)
            ),
            (None, Some(code))
        );
    }
}

/// A server that loads its model first: the limit of the first token counts, and the lease is kept meanwhile.
#[tokio::test(start_paused = true)]
async fn the_first_token_is_waited_for_longer_than_any_other() {
    for (first, in_time) in [
        (ms(90_000), true),
        (ms(119_000), true),
        (ms(121_000), false),
    ] {
        let mut model = tokens(5, ms(10));
        model.script[0].0 = first;
        let scene = Scene::new(model);
        assert!(first > scene.settings.model_idle_timeout);
        let begun = Instant::now();
        let disposition = scene.deliver().await;
        let session = scene.session();
        assert_eq!(session.last_attempt.0, 1, "one attempt");
        if in_time {
            assert_eq!(disposition, Disposition::Done, "{first:?}");
            scene.check_ended(Status::Completed, &joined(5));
        } else {
            assert!(matches!(disposition, Disposition::Again(Some(_))));
            assert_eq!(begun.elapsed(), scene.settings.model_first_token_timeout);
            let failure = session.last_failure.expect("a failure");
            assert_eq!(failure.code, FailureCode::ModelStalled);
            assert_eq!(
                failure.message,
                "The model did not begin to answer in time."
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_before_the_first_token_shows_nothing() {
    let failed = Failure::new(FailureCode::ModelError, "The model failed.");
    let scene = Scene::new(failing(0, Some(failed), false));
    assert!(matches!(scene.deliver().await, Disposition::Again(Some(_))));
    assert_eq!(
        (scene.session().status, scene.received().as_str()),
        (Status::Queued, "")
    );
}

#[tokio::test(start_paused = true)]
async fn a_failure_for_good_ends_the_session_at_once() {
    let refused = Failure::new(
        FailureCode::InvalidPrompt,
        "The model does not accept this prompt.",
    );
    let scene = Scene::new(failing(3, Some(refused), false));
    assert_eq!(scene.deliver().await, Disposition::Done);
    scene.check_ended(Status::Failed, &joined(3));
    assert_eq!(scene.failure(), Some(FailureCode::InvalidPrompt));
}

#[tokio::test(start_paused = true)]
async fn the_last_attempt_is_followed_by_the_end() {
    let mut scene = Scene::new(failing(5, None, false));
    for attempt in 1..=3 {
        let disposition = scene.deliver().await;
        let Disposition::Again(Some(pause)) = disposition else {
            panic!("attempt {attempt}: {disposition:?}")
        };
        assert_eq!(
            pause.is_zero(),
            attempt == 3,
            "attempt {attempt}: {pause:?}"
        );
    }
    // The first time, the worker dies before its message is moved; the second finds the session over.
    for _ in 0..2 {
        scene.sink = RecordingSink::default();
        assert_eq!(scene.deliver().await, Disposition::Dead);
        let session = scene.session();
        assert_eq!(
            (session.status, session.text.as_str()),
            (Status::Failed, joined(5).as_str())
        );
        assert_eq!(scene.failure(), Some(FailureCode::ModelError));
        let received = scene.sink.received.lock().expect("not poisoned");
        let [(_, end)] = &received[..] else {
            panic!("the terminal event alone: {received:?}")
        };
        assert!(end.is_complete() && end.attempt.0 == 4, "{end:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_cannot_be_published_is_tried_again_and_less_often() {
    let mut scene = Scene::new(tokens(1, ms(10)));
    scene.sink.refuse_from = Some(1);
    let mut pauses = Vec::new();
    for _ in 0..16 {
        let disposition = scene.deliver().await;
        let Disposition::Again(Some(pause)) = disposition else {
            panic!("{disposition:?}")
        };
        tokio::time::sleep(pause).await;
        pauses.push(pause);
    }
    assert_eq!(pauses[0], Duration::from_secs(1));
    assert!(pauses.is_sorted(), "{pauses:?}");
    assert_eq!(pauses[15], Duration::from_mins(1));
    scene.sink = RecordingSink::default();
    assert_eq!(scene.deliver().await, Disposition::Done);
}

#[tokio::test(start_paused = true)]
async fn near_the_deadline_the_session_ends_with_its_text() {
    let mut scene = Scene::new(tokens(1000, ms(10)));
    scene.timeout = ms(3000);
    assert_eq!(scene.deliver().await, Disposition::Done);
    let text = scene.session().text;
    scene.check_ended(Status::Failed, &text);
    assert!(joined(1000).starts_with(&text) && text.len() > 500);
    assert_eq!(
        (scene.failure(), scene.received()),
        (Some(FailureCode::Deadline), text)
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_read_at_the_next_checkpoint() {
    let scene = Scene::new(tokens(1000, ms(10)));
    let (disposition, stopped_at) = tokio::join!(scene.deliver(), async {
        tokio::time::sleep(ms(1234)).await;
        let owner = Owner::new("me").expect("not empty");
        scene.store.change(scene.id, |session| {
            Session::stop(session, scene.id, &owner, scene.clock.now()).expect("mine")
        });
        Instant::now()
    });
    assert_eq!(disposition, Disposition::Done);
    let text = scene.session().text;
    scene.check_ended(Status::Cancelled, &text);
    assert!(joined(1000).starts_with(&text));
    let last = scene
        .sink
        .received
        .lock()
        .expect("not poisoned")
        .last()
        .expect("the terminal event")
        .0;
    assert!(last - stopped_at < ms(600), "{:?}", last - stopped_at);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_over_is_not_answered_again() {
    let mut scene = Scene::new(tokens(10, ms(10)));
    assert_eq!(scene.deliver().await, Disposition::Done);
    scene.sink = RecordingSink::default();
    assert_eq!(scene.deliver().await, Disposition::Done);
    let received = scene.sink.received.lock().expect("not poisoned");
    assert!(
        received.len() == 1 && received[0].1.is_complete(),
        "the terminal event alone"
    );
}

#[tokio::test(start_paused = true)]
async fn two_receipts_at_once_make_one_answer() {
    let scene = Scene::new(tokens(50, ms(10)));
    let (first, second) = tokio::join!(scene.deliver(), scene.deliver());
    assert_eq!(first, Disposition::Done);
    assert!(
        matches!(second, Disposition::Wait(after) if after > Duration::from_secs(25)),
        "{second:?}"
    );
    assert_eq!(scene.received(), joined(50));
    scene.check_ended(Status::Completed, &joined(50));
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_lost_its_lease_says_nothing_more() {
    let scene = Scene::new(tokens(1000, ms(10)));
    let (disposition, taken_at) = tokio::join!(scene.deliver(), async {
        tokio::time::sleep(ms(2000)).await;
        scene.store.change(scene.id, |session| {
            let mut session = session.expect("begun");
            session.last_attempt = session.last_attempt.next();
            session
        });
        Instant::now()
    });
    assert_eq!(disposition, Disposition::Again(None));
    let received = scene.sink.received.lock().expect("not poisoned");
    assert!(
        received
            .iter()
            .all(|(at, event)| *at < taken_at + ms(520) && !event.is_complete())
    );
}

#[tokio::test(start_paused = true)]
async fn without_its_table_a_worker_falls_silent_when_its_lease_ends() {
    let mut scene = Scene::new(tokens(10_000, ms(10)));
    scene.settings.lease = Duration::from_secs(3);
    let (disposition, down_at) = tokio::join!(scene.deliver(), async {
        tokio::time::sleep(ms(2000)).await;
        *scene.store.down.lock().expect("not poisoned") = true;
        Instant::now()
    });
    assert_eq!(disposition, Disposition::Again(None));
    let received = scene.sink.received.lock().expect("not poisoned");
    let last = received.last().expect("some").0;
    assert!(
        last > down_at && last < down_at + ms(3000),
        "{:?}",
        last - down_at
    );
}

#[tokio::test(start_paused = true)]
async fn a_long_answer_keeps_its_lease_and_its_message() {
    let mut scene = Scene::new(tokens(600, ms(100)));
    scene.settings.lease = Duration::from_secs(9);
    assert_eq!(scene.deliver().await, Disposition::Done);
    scene.check_ended(Status::Completed, &joined(600));
    let hidden = scene.receipt.hidden.lock().expect("not poisoned");
    assert!(
        hidden.len() >= 17 && hidden.iter().all(|by| *by == Duration::from_secs(9)),
        "{hidden:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_published_is_another_attempts() {
    let mut scene = Scene::new(tokens(50, ms(10)));
    scene.sink.refuse_from = Some(4);
    assert!(matches!(scene.deliver().await, Disposition::Again(Some(_))));
    assert_eq!(
        scene.session().last_failure.map(|failure| failure.code),
        Some(FailureCode::PublishFailed)
    );
}

#[tokio::test(start_paused = true)]
async fn a_table_that_is_away_for_a_while_costs_no_attempt() {
    let scene = Scene::new(tokens(10, ms(10)));
    *scene.store.down.lock().expect("not poisoned") = true;
    let (disposition, ()) = tokio::join!(scene.deliver(), async {
        tokio::time::sleep(Duration::from_secs(40)).await;
        *scene.store.down.lock().expect("not poisoned") = false;
    });
    assert_eq!(disposition, Disposition::Done);
    scene.check_ended(Status::Completed, &joined(10));
    assert_eq!(scene.session().attempt.0, 1);
}

#[tokio::test(start_paused = true)]
async fn a_table_that_stays_away_leaves_the_message_for_later() {
    let scene = Scene::new(tokens(10, ms(10)));
    *scene.store.down.lock().expect("not poisoned") = true;
    let begun = Instant::now();
    assert!(matches!(scene.deliver().await, Disposition::Again(Some(_))));
    assert!(begun.elapsed() < Duration::from_secs(70));
}
