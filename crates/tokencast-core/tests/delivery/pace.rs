//! When events go out, and what waits goes together.

use std::time::Duration;

use proptest::prelude::*;
use tokencast_core::deliver::Disposition;
use tokencast_core::pipeline::{Observation, PublishMode};
use tokencast_core::session::Status;
use tokencast_core::time::Timestamp;
use tokio::time::Instant;

use crate::scene::{Scene, USAGE, joined, ms, tokens};

#[tokio::test(start_paused = true)]
async fn tokens_that_wait_go_together_in_the_next_event() {
    let scene = Scene::new(tokens(100, ms(5)));
    assert_eq!(scene.deliver().await, Disposition::Done);
    assert_eq!(scene.received(), joined(100));
    scene.check_ended(Status::Completed, &joined(100));
    assert_eq!(scene.session().ending.usage, Some(USAGE));
    assert_eq!(
        scene.session().ending.stop_reason.as_deref(),
        Some("end_turn")
    );
    let ended = Observation::Ended {
        status: Status::Completed,
        assistant: None,
        usage: Some(USAGE),
        cost: None,
    };
    let observed = scene.observed.lock().expect("not poisoned").clone();
    assert_eq!(
        observed,
        [
            Observation::FirstToken {
                at: Timestamp::from_millis(25),
            },
            ended
        ]
    );
    let events = scene.sink.received.lock().expect("not poisoned").len();
    assert!(
        (25..=28).contains(&events),
        "{events} events for 500 ms at 20 ms each"
    );
}

#[tokio::test(start_paused = true)]
async fn each_token_is_an_event_where_they_may_not_be_joined() {
    let mut scene = Scene::new(tokens(100, ms(5)));
    scene.settings.publish_mode = PublishMode::Token;
    assert_eq!(scene.deliver().await, Disposition::Done);
    assert_eq!(scene.received(), joined(100));
    assert_eq!(scene.sink.received.lock().expect("not poisoned").len(), 101);
}

#[tokio::test(start_paused = true)]
async fn a_flush_interval_spares_events_but_never_holds_the_first_token() {
    let mut scene = Scene::new(tokens(100, ms(5)));
    scene.settings.flush_interval = ms(100);
    let begun = Instant::now();
    assert_eq!(scene.deliver().await, Disposition::Done);
    assert_eq!(scene.received(), joined(100));
    let received = scene.sink.received.lock().expect("not poisoned");
    assert_eq!(received[0].0 - begun, ms(5));
    assert!(
        (6..=8).contains(&received.len()),
        "{} events",
        received.len()
    );
}

proptest! {
    /// However fast the model and however slow the sink: the text is whole, and no token waits for more than the
    /// publish in flight and its own.
    #[test]
    fn no_token_is_lost_or_late(gaps in prop::collection::vec(0_u64..60, 1..200), latency in 0_u64..100) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let mut model = tokens(gaps.len(), Duration::ZERO);
            for ((delay, _), gap) in model.script.iter_mut().zip(&gaps) {
                *delay = ms(*gap);
            }
            let mut scene = Scene::new(model);
            scene.sink.latency = ms(latency);
            let begun = Instant::now();
            assert_eq!(scene.deliver().await, Disposition::Done);
            assert_eq!(scene.received(), joined(gaps.len()));
            let received = scene.sink.received.lock().expect("not poisoned");
            let arrivals = received.iter().flat_map(|(at, event)| {
                let count = event.token().split_inclusive(' ').count();
                std::iter::repeat_n(*at - begun, count)
            });
            let mut emitted = Duration::ZERO;
            for (arrived, gap) in arrivals.zip(&gaps) {
                emitted += ms(*gap);
                let lag = arrived.saturating_sub(emitted);
                // `arrived` is when its publish began; it then takes one latency more.
                assert!(lag <= ms(latency) + ms(1), "lag {lag:?} at latency {latency} ms");
            }
        });
    }
}
