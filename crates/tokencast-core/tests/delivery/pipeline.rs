//! One delivery: when events go out, what the record says, and how it ends.

use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::memory::{MemoryReceipt, MemoryStore, RecordingSink, ScriptedModel, TestClock};
use proptest::prelude::*;
use tokencast_core::deliver::{Disposition, Message, Policy, deliver};
use tokencast_core::event::Usage;
use tokencast_core::failure::{Failure, FailureCode};
use tokencast_core::id::{Owner, SessionId};
use tokencast_core::job::Job;
use tokencast_core::pipeline::{Observation, Parts, PublishMode, Settings};
use tokencast_core::ports::{Clock, ModelEvent};
use tokencast_core::session::{Lease, Leased, Session, Status};
use tokio::time::Instant;
use uuid::Uuid;

const USAGE: Usage = Usage {
    input_tokens: 3,
    output_tokens: 4,
    total_tokens: 7,
};

/// One delivery and everything around it.
struct Scene {
    model: ScriptedModel,
    sink: RecordingSink,
    store: MemoryStore,
    receipt: MemoryReceipt,
    clock: TestClock,
    settings: Settings,
    id: SessionId,
    receive_count: u32,
    timeout_ms: i64,
    observed: Mutex<Vec<Observation>>,
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn text(token: &str) -> ModelEvent {
    ModelEvent::Text(token.to_owned())
}

/// A token every `interval`, then a proper end.
fn tokens(count: usize, interval: Duration) -> ScriptedModel {
    let mut script: Vec<_> = (0..count)
        .map(|number| (interval, Ok(text(&format!("{number} ")))))
        .collect();
    script.push((
        Duration::ZERO,
        Ok(ModelEvent::Stopped("end_turn".to_owned())),
    ));
    script.push((Duration::ZERO, Ok(ModelEvent::Usage(USAGE))));
    ScriptedModel {
        script,
        ..ScriptedModel::default()
    }
}

fn joined(count: usize) -> String {
    (0..count).map(|number| format!("{number} ")).collect()
}

impl Scene {
    fn new(model: ScriptedModel) -> Self {
        Self {
            model,
            sink: RecordingSink {
                latency: ms(20),
                ..RecordingSink::default()
            },
            store: MemoryStore::default(),
            receipt: MemoryReceipt::default(),
            clock: TestClock::new(),
            settings: Settings {
                publish_mode: PublishMode::Joined,
                flush_interval: Duration::ZERO,
                checkpoint_interval: ms(500),
                lease: Duration::from_secs(30),
                model_idle_timeout: Duration::from_secs(30),
            },
            id: SessionId::random(),
            receive_count: 1,
            timeout_ms: 600_000,
            observed: Mutex::default(),
        }
    }

    async fn deliver(&self) -> Disposition {
        let job = Job::new(
            self.id,
            Owner::new("me").expect("not empty"),
            "A prompt".to_owned(),
            0,
        );
        let parts = Parts {
            model: &self.model,
            sink: &self.sink,
            store: &self.store,
            receipt: &self.receipt,
            clock: &self.clock,
            settings: &self.settings,
            observe: &|observation| {
                self.observed
                    .lock()
                    .expect("not poisoned")
                    .push(observation);
            },
        };
        let policy = Policy {
            max_attempts: 3,
            session_ttl: Duration::from_hours(1),
        };
        let killed_at_ms = self.clock.now_ms() + self.timeout_ms;
        let message = Message {
            body: &job.to_json(),
            receive_count: self.receive_count,
            deadline_ms: killed_at_ms - 1000,
            killed_at_ms,
        };
        deliver(&parts, &policy, &message).await
    }

    /// What a subscriber has: the tokens joined, after checking that the numbers have no gap.
    fn received(&self) -> String {
        let received = self.sink.received.lock().expect("not poisoned");
        let numbers: Vec<_> = received.iter().map(|(_, event)| event.sequence.0).collect();
        assert!(
            numbers
                .iter()
                .copied()
                .eq(1..=u32::try_from(numbers.len()).expect("few")),
            "{numbers:?}"
        );
        received
            .iter()
            .map(|(_, event)| event.token.as_str())
            .collect()
    }

    fn failure(&self) -> Option<FailureCode> {
        self.session().ending.failure.map(|failure| failure.code)
    }

    fn session(&self) -> Session {
        self.store.session(self.id)
    }

    /// Checks the end as the record has it, and that the terminal event says the same.
    fn check_ended(&self, status: Status, expected_text: &str) {
        let session = self.session();
        assert_eq!(
            (session.status, session.text.as_str()),
            (status, expected_text)
        );
        let received = self.sink.received.lock().expect("not poisoned");
        let terminal: Vec<_> = received
            .iter()
            .filter(|(_, event)| event.is_complete())
            .collect();
        assert_eq!(terminal.len(), 1);
        let (_, last) = received.last().expect("the terminal event");
        assert_eq!((last.status, last.sequence), (status, session.sequence));
        assert_eq!(last.ending.as_ref(), Some(&session.ending));
    }
}

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
    };
    let observed = scene.observed.lock().expect("not poisoned").clone();
    assert_eq!(observed, [Observation::FirstToken { at_ms: 25 }, ended]);
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

/// A model that says a kilobyte after each of these pauses, and a reader who takes an event each 40 s.
fn slowly_read(mode: PublishMode, pauses: impl IntoIterator<Item = Duration>) -> Scene {
    let mut model = tokens(0, Duration::ZERO);
    let kilobytes = pauses
        .into_iter()
        .map(|pause| (pause, Ok(text(&"x".repeat(1024)))));
    model.script.splice(0..0, kilobytes);
    let mut scene = Scene::new(model);
    scene.settings.publish_mode = mode;
    scene.sink.latency = Duration::from_secs(40);
    scene.timeout_ms = 100_000_000;
    scene
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_slows_the_model() {
    for mode in [PublishMode::Joined, PublishMode::Token] {
        let scene = slowly_read(mode, [ms(1); 200]);
        let read_meanwhile = async {
            tokio::time::sleep(Duration::from_secs(39)).await;
            scene.model.read.load(Ordering::SeqCst)
        };
        let (delivered, read) = tokio::join!(scene.deliver(), read_meanwhile);
        assert!(
            (20..=22).contains(&read),
            "{mode:?}: {read} KB, one is sent"
        );
        assert_eq!(delivered, Disposition::Done);
        scene.check_ended(Status::Completed, &"x".repeat(200 * 1024));
    }
}

#[tokio::test(start_paused = true)]
async fn while_it_is_not_read_a_model_is_not_silent() {
    for mode in [PublishMode::Joined, PublishMode::Token] {
        // It waits for its reader until 40 s, and says more at 50 s; it may be silent for 30 s.
        let pauses = std::iter::repeat_n(ms(1), 21).chain([Duration::from_secs(50)]);
        let scene = slowly_read(mode, pauses);
        assert_eq!(scene.deliver().await, Disposition::Done, "{mode:?}");
        scene.check_ended(Status::Completed, &"x".repeat(22 * 1024));
    }
}

/// A model that fails or falls silent after some tokens.
fn failing(count: usize, then: Option<Failure>, silent: bool) -> ScriptedModel {
    let mut model = tokens(count, ms(10));
    model.script.truncate(count);
    model
        .script
        .extend(then.map(|failure| (ms(10), Err(failure))));
    model.silent_at_end = silent;
    model
}

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

#[tokio::test(start_paused = true)]
async fn a_failure_before_the_first_token_shows_nothing() {
    let busy = Failure::new(FailureCode::Throttled, "The model is busy.");
    let scene = Scene::new(failing(0, Some(busy), false));
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
    scene.receive_count = 3;
    assert_eq!(
        scene.deliver().await,
        Disposition::Again(Some(Duration::ZERO))
    );
    scene.receive_count = 4;
    scene.sink = RecordingSink::default();
    assert_eq!(
        scene.deliver().await,
        Disposition::Again(Some(Duration::ZERO)),
        "left to the dead-letter queue"
    );
    let session = scene.session();
    assert_eq!(
        (session.status, session.text.as_str()),
        (Status::Failed, joined(5).as_str())
    );
    assert_eq!(scene.failure(), Some(FailureCode::ModelError));
    let received = scene.sink.received.lock().expect("not poisoned");
    assert!(received.len() == 1 && received[0].1.is_complete() && received[0].1.attempt.0 == 2);
}

#[tokio::test(start_paused = true)]
async fn near_the_deadline_the_session_ends_with_its_text() {
    let mut scene = Scene::new(tokens(1000, ms(10)));
    scene.timeout_ms = 3000;
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
            Session::stop(session, scene.id, &owner, scene.clock.now_ms()).expect("mine")
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
    scene.receive_count = 2;
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
        matches!(second, Disposition::Again(Some(after)) if after > Duration::from_secs(25)),
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
        hidden.len() >= 17 && hidden.iter().all(|seconds| *seconds == 9),
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
    let mut scene = Scene::new(tokens(10, ms(10)));
    *scene.store.down.lock().expect("not poisoned") = true;
    let begun = Instant::now();
    assert!(matches!(scene.deliver().await, Disposition::Again(Some(_))));
    assert!(begun.elapsed() < Duration::from_secs(70));
    // On its last receive, though, it waits for as long as it can: somebody must end the session.
    scene.receive_count = 4;
    let begun = Instant::now();
    scene.deliver().await;
    assert!(begun.elapsed() > Duration::from_mins(9));
}

#[tokio::test(start_paused = true)]
async fn on_its_last_receive_a_message_outwaits_whoever_has_the_session() {
    let mut scene = Scene::new(tokens(100, ms(100)));
    scene.receive_count = 4;
    scene.store.change(scene.id, |_| {
        let owner = Owner::new("me").expect("not empty");
        let lease = Lease {
            until_ms: 25_000,
            holder: Uuid::nil(),
        };
        let leased = Session::lease(None, scene.id, &owner, lease, 0, 1000).expect("new");
        let Leased::Begun(session) = leased else {
            panic!("begun")
        };
        session
    });
    let begun = Instant::now();
    assert_eq!(
        scene.deliver().await,
        Disposition::Again(Some(Duration::ZERO))
    );
    assert!(
        begun.elapsed() >= Duration::from_secs(25) && begun.elapsed() < Duration::from_secs(27)
    );
    scene.check_ended(Status::Failed, "");
    assert_eq!(scene.failure(), Some(FailureCode::Internal));
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
                let count = event.token.split_inclusive(' ').count();
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
