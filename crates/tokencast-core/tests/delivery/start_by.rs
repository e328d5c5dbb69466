//! An answer that does not start in time ends its session, whoever looks first; and messages that nobody can answer.

use std::time::Duration;

use tokencast_core::assistant::Assistant;
use tokencast_core::brought::Brought;
use tokencast_core::deliver::Disposition;
use tokencast_core::failure::FailureCode;
use tokencast_core::id::{Owner, Position, SessionId};
use tokencast_core::job::{Channel, Job, Purge};
use tokencast_core::ports::{Clock, JobQueue, NoConversations, QueueError, RequestPorts};
use tokencast_core::requests::{Requests, Rules, Start};
use tokencast_core::session::{Follower, Lease, Session, Status};
use tokencast_core::time::Timestamp;
use tokio::time::sleep;
use uuid::Uuid;

use crate::memory::{MemoryStore, TestClock};
use crate::scene::{Scene, ms, tokens};

const START_WITHIN: Duration = Duration::from_hours(1);

fn me() -> Owner {
    Owner::new("me").expect("not empty")
}

/// Nobody receives what is sent.
struct NoWorkers;

impl JobQueue for NoWorkers {
    async fn send_after(&self, job: &Job, _: Duration) -> Result<(), QueueError> {
        assert_eq!(job.start_by, Some(job.requested_at + START_WITHIN));
        Ok(())
    }

    async fn send_purge(&self, _: &Purge, _: Duration) -> Result<(), QueueError> {
        unreachable!("no conversation is deleted")
    }
}

enum LatePorts {}

impl RequestPorts for LatePorts {
    type Sessions = MemoryStore;
    type Conversations = NoConversations;
    type Queue = NoWorkers;
    type Changes = NoConversations;
    type Clock = TestClock;
}

/// A started session whose time is over.
async fn late() -> (Requests<LatePorts>, SessionId) {
    let requests = Requests {
        sessions: MemoryStore::default(),
        conversations: NoConversations,
        queue: NoWorkers,
        changes: NoConversations,
        clock: TestClock::new(),
        rules: Rules {
            max_prompt_bytes: 100,
            session_ttl: Duration::from_hours(24),
            start_within: START_WITHIN,
            conversation_ttl: Duration::from_hours(24),
            purge_delay: Duration::ZERO,
            max_history_tokens: 100,
        },
        assistants: Assistant::only("model".to_owned(), 100).into(),
        quotas: None,
    };
    let start = Start {
        prompt: "Why?".to_owned().into(),
        brought: Brought::default(),
        session_id: None,
        within: None,
        channel: Channel::Subscription,
        delay: Duration::ZERO,
        follower: None,
        assistant: None,
    };
    let started = requests.start(&me().into(), start).await.expect("started");
    let id = started.session.id;
    sleep(START_WITHIN.saturating_sub(ms(1))).await;
    let read = requests.read(&me(), id).await.expect("read");
    assert_eq!(read.expect("there").status, Status::Queued, "not yet");
    sleep(ms(1)).await;
    (requests, id)
}

fn check(session: &Session) {
    let failure = session.ending.failure.as_ref().expect("a failure");
    assert_eq!(session.status, Status::Failed);
    assert_eq!(
        (failure.code, failure.message.as_str()),
        (FailureCode::Deadline, "The answer did not start in time.")
    );
}

#[tokio::test(start_paused = true)]
async fn a_late_session_is_ended_by_whoever_asks_for_it() {
    let (requests, id) = late().await;
    let read = requests.read(&me(), id).await.expect("read");
    check(&read.expect("there"));
    check(&requests.sessions.session(id));

    let (requests, id) = late().await;
    check(&requests.claim(&me(), id).await.expect("claimed").session);
    check(&requests.sessions.session(id));

    let (requests, id) = late().await;
    let follower = Follower {
        address: "connection".to_owned(),
        position: Position::default(),
    };
    let answered = requests
        .follow(&me(), id, follower)
        .await
        .expect("followed");
    check(&answered.session);
    check(&requests.sessions.session(id));
}

#[tokio::test(start_paused = true)]
async fn a_late_worker_ends_the_session_and_keeps_the_job_for_an_operator() {
    let mut scene = Scene::new(tokens(5, ms(10)));
    scene.start_by = Some(Timestamp::from_millis(1000));
    sleep(ms(1000)).await;
    // The second receive is after a crash before the message was moved.
    for _ in 0..2 {
        assert_eq!(scene.deliver().await, Disposition::Dead);
        check(&scene.session());
        assert_eq!(scene.session().last_attempt.0, 0, "no attempt");
    }
    let events: Vec<_> = scene
        .sink
        .received
        .lock()
        .expect("not poisoned")
        .drain(..)
        .collect();
    assert!(
        events.iter().all(|(_, event)| event.is_complete()),
        "{events:?}"
    );

    let now = scene.clock.now();
    let reopen = |session: Option<Session>| {
        let session = session.expect("there");
        session.reopen(now + ms(1000), now, Duration::from_mins(1))
    };
    scene.store.change(scene.id, reopen);
    assert_eq!(
        scene.deliver().await,
        Disposition::Done,
        "the record's time counts"
    );
    assert_eq!(scene.session().status, Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_under_way_is_never_late() {
    let mut scene = Scene::new(tokens(100, ms(100)));
    scene.start_by = Some(Timestamp::from_millis(1000));
    let (answered, ()) = tokio::join!(scene.deliver(), async {
        sleep(ms(2000)).await;
        let repeated = scene.deliver().await;
        assert!(matches!(repeated, Disposition::Wait(_)), "{repeated:?}");
    });
    assert_eq!(answered, Disposition::Done);
    assert_eq!(scene.session().status, Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_can_answer_is_dead_at_its_first_receive() {
    let scene = Scene::new(tokens(5, ms(10)));
    let other = Owner::new("another").expect("not empty");
    scene.store.change(scene.id, |_| {
        let mut session = Session::claim(None, scene.id, &other, Timestamp::EPOCH).expect("new");
        session.lease = Some(Lease {
            until: Timestamp::from_millis(10_000),
            holder: Uuid::nil(),
        });
        session
    });
    let foreign = Job::new(scene.id, me(), "A prompt".to_owned(), Timestamp::EPOCH).to_json();
    for body in ["no JSON", "{}", &foreign] {
        let disposition = scene.deliver_body(body, &scene.sink).await;
        assert_eq!(disposition, Disposition::Dead, "{body}");
    }
    assert_eq!(scene.session().owner, other);
    assert!(scene.sink.received.lock().expect("not poisoned").is_empty());
}
