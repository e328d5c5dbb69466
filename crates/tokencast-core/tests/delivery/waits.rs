//! What is waited for without an attempt: a throttled model, and whoever else has the session.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokencast_core::deliver::Disposition;
use tokencast_core::failure::{Failure, FailureCode};
use tokencast_core::ports::Clock;
use tokencast_core::session::{Status, Waiting};
use tokencast_core::time::Timestamp;
use tokio::time::{Instant, sleep};

use crate::memory::{RecordingSink, ScriptedModel};
use crate::scene::{Scene, failing, joined, ms, tokens};

const TWO_MINUTES: Duration = Duration::from_mins(2);

/// A model whose every call is refused after some tokens.
fn throttled(after_tokens: usize) -> ScriptedModel {
    let busy = Failure::new(FailureCode::Throttled, "The model is busy.");
    failing(after_tokens, Some(busy), false)
}

#[tokio::test(start_paused = true)]
async fn a_model_throttled_for_two_minutes_costs_no_attempt() {
    let mut scene = Scene::new(throttled(0));
    let mut waits = 0;
    loop {
        if scene.clock.now() >= Timestamp::EPOCH + TWO_MINUTES {
            scene.model = tokens(5, ms(10));
        }
        match scene.deliver().await {
            Disposition::Done => break,
            Disposition::Wait(pause) => {
                let allowed = Duration::from_secs(10)..=Duration::from_mins(1);
                assert!(allowed.contains(&pause), "{pause:?}");
                waits += 1;
                let session = scene.session();
                assert_eq!((session.status, session.attempts()), (Status::Queued, 0));
                let since = session.waiting().expect("it waits").since;
                let since = since.as_millis();
                assert!(since < 100, "since the first: {since}");
                sleep(pause).await;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(waits >= 2, "{waits}");
    let session = scene.session();
    assert_eq!((session.attempts(), session.waiting()), (1, None));
    scene.check_ended(Status::Completed, &joined(5));
}

/// Throttled until the end of patience, at its start or in mid-stream.
async fn check_gives_up(after_tokens: usize, patience: Duration) {
    let mut scene = Scene::new(throttled(after_tokens));
    scene.settings.throttle_patience = patience;
    let (begun, mut waits) = (Instant::now(), 0);
    loop {
        // Each attempt tells its own events.
        scene.sink = RecordingSink::default();
        match scene.deliver().await {
            Disposition::Dead => break,
            Disposition::Wait(pause) => {
                let reason = FailureCode::Throttled;
                let waiting = scene.session().waiting();
                assert!(matches!(waiting, Some(Waiting { reason: found, .. }) if found == reason));
                waits += 1;
                sleep(pause).await;
            }
            other => panic!("{other:?}"),
        }
    }
    let took = begun.elapsed();
    assert!(
        took >= patience && took < patience + Duration::from_secs(70),
        "{took:?}"
    );
    assert_eq!(waits > 0, !patience.is_zero(), "{waits}");
    assert_eq!(scene.failure(), Some(FailureCode::Throttled));
    let session = scene.session();
    assert_eq!(
        (session.status, session.text),
        (Status::Failed, joined(after_tokens))
    );
}

#[tokio::test(start_paused = true)]
async fn a_model_that_stays_throttled_fails_the_session() {
    for after_tokens in [0, 5] {
        check_gives_up(after_tokens, Duration::from_mins(5)).await;
        check_gives_up(after_tokens, Duration::ZERO).await;
    }
}

#[tokio::test(start_paused = true)]
async fn other_failures_count_between_throttled_ones() {
    let mut scene = Scene::new(throttled(0));
    for counted in 0..3 {
        scene.model = throttled(0);
        assert!(matches!(scene.deliver().await, Disposition::Wait(_)));
        assert_eq!(scene.session().attempts(), counted);
        scene.model = failing(0, None, false);
        assert!(matches!(scene.deliver().await, Disposition::Again(Some(_))));
        assert_eq!(scene.session().attempts(), counted + 1);
    }
    assert_eq!(scene.deliver().await, Disposition::Dead);
    assert_eq!(scene.failure(), Some(FailureCode::ModelError));
}

/// As behind a Function URL: the answer streams elsewhere for 15 minutes, and its job is received all that time.
#[tokio::test(start_paused = true)]
async fn a_job_is_received_some_180_times_during_one_answer() {
    let mut scene = Scene::new(tokens(900, Duration::from_secs(1)));
    scene.settings.lease = Duration::from_secs(5);
    scene.timeout = Duration::from_secs(1000);
    let (mut waits, repeats) = (0, RecordingSink::default());
    let job = async {
        sleep(ms(100)).await;
        while let Disposition::Wait(left) = scene.deliver_to(&repeats).await {
            assert!(left <= Duration::from_secs(5), "{left:?}");
            waits += 1;
            sleep(left).await;
        }
    };
    let (answered, ()) = tokio::join!(scene.deliver(), job);
    assert_eq!(answered, Disposition::Done);
    assert!((180..1000).contains(&waits), "{waits} receives");
    assert_eq!(scene.received(), joined(900));
    scene.check_ended(Status::Completed, &joined(900));
    assert_eq!(scene.session().last_attempt.0, 1, "no attempt is lost");
    assert!(
        scene.model.read.load(Ordering::SeqCst) < 1000,
        "it is answered once"
    );
    let repeated = repeats.received.lock().expect("not poisoned");
    assert!(
        repeated.len() == 1 && repeated[0].1.is_complete(),
        "the end alone"
    );
}
