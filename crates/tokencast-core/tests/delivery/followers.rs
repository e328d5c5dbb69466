//! Who begins to follow a session at any time misses nothing and gets nothing twice; a wait for somebody else's answer is
//! put off.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use crate::memory::{MemoryReceipt, MemoryStore, ScriptedModel, TestClock};
use proptest::prelude::*;
use tokencast_core::block::Piece;
use tokencast_core::deliver::{Disposition, Message, Policy, deliver};
use tokencast_core::event::TokenEvent;
use tokencast_core::failure::{Failure, FailureCode};
use tokencast_core::id::{Attempt, Owner, Position, SessionId};
use tokencast_core::job::{Channel, Job};
use tokencast_core::pipeline::{AttemptContext, PublishMode, Settings};
use tokencast_core::ports::{Clock, Fence, ModelEvent, NoConversations, Ports, TokenSink};
use tokencast_core::session::{Follower, Lease, Progress, Session, Status};
use tokencast_core::time::{Deadline, Timestamp};
use uuid::Uuid;

const SETTINGS: Settings = Settings {
    publish_mode: PublishMode::Joined,
    flush_interval: Duration::ZERO,
    checkpoint_interval: Duration::from_millis(500),
    lease: Duration::from_secs(30),
    model_first_token_timeout: Duration::from_mins(2),
    model_idle_timeout: Duration::from_secs(30),
    throttle_patience: Duration::from_mins(5),
};

const TTL: Duration = Duration::from_mins(1);

/// What each follower has: its text, the last event's number, and whether it saw the end.
#[derive(Default)]
struct PushingSink {
    followers: Mutex<HashMap<String, (String, u32, bool)>>,
}

impl TokenSink for PushingSink {
    async fn publish(&self, event: &TokenEvent, _: &Fence, _: Deadline) -> Result<(), Failure> {
        tokio::time::sleep(Duration::from_millis(35)).await;
        for (text, last, over) in self.followers.lock().expect("not poisoned").values_mut() {
            if event.sequence.0 > *last {
                assert_eq!(event.sequence.0, *last + 1, "no gap");
                text.push_str(event.token());
                *last += 1;
                *over = event.is_complete();
            }
        }
        Ok(())
    }

    fn on_record_changed(&self, session: &Session, progress: &Progress, _: &Fence) {
        let mut followers = self.followers.lock().expect("not poisoned");
        for follower in &session.followers {
            followers
                .entry(follower.address.clone())
                .or_insert_with(|| (progress.text.clone(), progress.sequence.0, false));
        }
    }
}

enum PushingPorts {}

impl Ports for PushingPorts {
    type Model = ScriptedModel;
    type Sink = PushingSink;
    type Store = MemoryStore;
    type Conversations = NoConversations;
    type Changes = NoConversations;
    type Receipt = MemoryReceipt;
    type Clock = TestClock;
}

fn owner() -> Owner {
    Owner::new("me").expect("not empty")
}

struct Scene {
    model: ScriptedModel,
    sink: PushingSink,
    store: MemoryStore,
    clock: TestClock,
    id: SessionId,
}

impl Scene {
    fn new(tokens: usize, interval: Duration) -> Self {
        let token = |n| {
            (
                interval,
                Ok(ModelEvent::Piece(Piece::text(format!("{n} ")))),
            )
        };
        let mut script: Vec<_> = (0..tokens).map(token).collect();
        let stopped = ModelEvent::Stopped("end_turn".to_owned());
        script.push((Duration::ZERO, Ok(stopped)));
        Self {
            model: ScriptedModel {
                script,
                silent_at_end: false,
                ..ScriptedModel::default()
            },
            sink: PushingSink::default(),
            store: MemoryStore::default(),
            clock: TestClock::new(),
            id: SessionId::random(),
        }
    }

    fn follow(&self, address: &str) {
        let follower = Follower {
            address: address.to_owned(),
            position: Position::default(),
        };
        self.store.change(self.id, |current| {
            Session::follow(current, self.id, &owner(), follower, self.clock.now())
                .expect("the owner")
        });
    }

    async fn deliver(&self, channel: Channel) -> Disposition {
        let job = Job::new(self.id, owner(), "A prompt".to_owned(), Timestamp::EPOCH).over(channel);
        let context = AttemptContext::<PushingPorts> {
            model: &self.model,
            sink: &self.sink,
            store: &self.store,
            conversations: &NoConversations,
            changes: &NoConversations,
            receipt: &MemoryReceipt::default(),
            clock: &self.clock,
            settings: &SETTINGS,
            observe: &|_| {},
        };
        let policy = Policy {
            max_attempts: 3,
            session_ttl: Duration::from_hours(1),
            max_history_tokens: 0,
        };
        let killed_at = self.clock.now() + Duration::from_mins(10);
        let message = Message {
            body: &job.to_json(),
            deadline: Deadline::at(killed_at - Duration::from_secs(1)),
            killed_at,
        };
        deliver(&context, &policy, &message).await
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn followers_have_the_whole_answer_whenever_they_came(
        count in 0_usize..120,
        interval_ms in 0_u64..60,
        at_ms in prop::collection::vec(0_u64..5000, 1..5),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let scene = Scene::new(count, Duration::from_millis(interval_ms));
            scene.follow("first");
            let later = async {
                let mut at_ms = at_ms.clone();
                at_ms.sort_unstable();
                let begin = tokio::time::Instant::now();
                for (n, at_ms) in at_ms.iter().enumerate() {
                    tokio::time::sleep_until(begin + Duration::from_millis(*at_ms)).await;
                    scene.follow(&n.to_string());
                }
            };
            let (disposition, ()) = tokio::join!(scene.deliver(Channel::Connection), later);
            assert_eq!(disposition, Disposition::Done);
            let whole: String = (0..count).map(|n| format!("{n} ")).collect();
            let followers = scene.sink.followers.lock().expect("not poisoned");
            assert!(followers.contains_key("first"));
            for (address, (text, _, over)) in &*followers {
                assert_eq!((text, *over), (&whole, true), "{address}");
            }
            // Whoever came after the end is told by the record that there is nothing to follow.
            let session = scene.store.session(scene.id);
            assert_eq!(session.text, whole);
            assert!(session.followers.iter().all(|f| followers.contains_key(&f.address)));
        });
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_answer_streams_elsewhere_is_put_off_and_taken_over_once_that_died() {
    let scene = Scene::new(3, Duration::from_millis(10));
    let left = Duration::from_secs(7);
    let lease = Lease {
        until: scene.clock.now() + left,
        holder: Uuid::new_v4(),
    };
    let held = Session::lease(
        None,
        scene.id,
        &owner(),
        lease,
        None,
        scene.clock.now(),
        TTL,
    );
    let Ok(tokencast_core::session::Leased::Begun(held)) = held else {
        panic!("{held:?}")
    };
    scene.store.change(scene.id, |_| held);
    for channel in [Channel::Response, Channel::Subscription] {
        assert_eq!(scene.deliver(channel).await, Disposition::Wait(left));
    }
    tokio::time::sleep(left).await;
    assert_eq!(scene.deliver(Channel::Response).await, Disposition::Done);
    assert_eq!(scene.store.session(scene.id).attempt, Attempt(2));
}

#[tokio::test(start_paused = true)]
async fn a_response_is_tried_so_often_in_all_whoever_tries() {
    let mut scene = Scene::new(0, Duration::ZERO);
    let failed = Failure::new(FailureCode::ModelError, "It failed.");
    scene.model.script = vec![(Duration::ZERO, Err(failed))];
    for opened in 1..=2 {
        for _ in 0..3 {
            let failed = scene.deliver(Channel::Response).await;
            assert!(matches!(failed, Disposition::Again(Some(_))), "{failed:?}");
        }
        assert_eq!(scene.deliver(Channel::Response).await, Disposition::Dead);
        let session = scene.store.session(scene.id);
        assert_eq!(session.status, Status::Failed, "opened {opened} times");
        let now = scene.clock.now();
        let reopen = |session: Option<Session>| session.expect("there").reopen(now + TTL, now, TTL);
        scene.store.change(scene.id, reopen);
    }
}
