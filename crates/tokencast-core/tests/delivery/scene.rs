//! One delivery and everything around it.

use std::sync::Mutex;
use std::time::Duration;

use tokencast_core::block::Piece;
use tokencast_core::deliver::{Disposition, Message, Policy, deliver};
use tokencast_core::event::Usage;
use tokencast_core::failure::{Failure, FailureCode};
use tokencast_core::id::{Owner, SessionId};
use tokencast_core::job::Job;
use tokencast_core::pipeline::{AttemptContext, Observation, PublishMode, Settings};
use tokencast_core::ports::{Clock, ModelEvent, NoConversations};
use tokencast_core::session::{Session, Status};
use tokencast_core::time::{Deadline, Timestamp};

use crate::memory::{
    MemoryPorts, MemoryReceipt, MemoryStore, RecordingSink, ScriptedModel, TestClock,
};

pub(crate) const USAGE: Usage = Usage {
    input_tokens: 3,
    output_tokens: 4,
    total_tokens: 7,
    cache_read_input_tokens: None,
    cache_write_input_tokens: None,
    cost: None,
};

/// One delivery and everything around it.
pub(crate) struct Scene {
    pub(crate) model: ScriptedModel,
    pub(crate) sink: RecordingSink,
    pub(crate) store: MemoryStore,
    pub(crate) receipt: MemoryReceipt,
    pub(crate) clock: TestClock,
    pub(crate) settings: Settings,
    pub(crate) id: SessionId,
    pub(crate) timeout: Duration,
    /// Of the job.
    pub(crate) start_by: Option<Timestamp>,
    pub(crate) observed: Mutex<Vec<Observation>>,
}

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn text(token: &str) -> ModelEvent {
    ModelEvent::Piece(Piece::text(token))
}

/// A token every `interval`, then a proper end.
pub(crate) fn tokens(count: usize, interval: Duration) -> ScriptedModel {
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

pub(crate) fn joined(count: usize) -> String {
    (0..count).map(|number| format!("{number} ")).collect()
}

impl Scene {
    pub(crate) fn new(model: ScriptedModel) -> Self {
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
                model_first_token_timeout: Duration::from_mins(2),
                model_idle_timeout: Duration::from_secs(30),
                throttle_patience: Duration::from_mins(5),
            },
            id: SessionId::random(),
            timeout: Duration::from_mins(10),
            start_by: None,
            observed: Mutex::default(),
        }
    }

    pub(crate) async fn deliver(&self) -> Disposition {
        self.deliver_to(&self.sink).await
    }

    pub(crate) async fn deliver_to(&self, sink: &RecordingSink) -> Disposition {
        let job = Job::new(
            self.id,
            Owner::new("me").expect("not empty"),
            "A prompt".to_owned(),
            Timestamp::EPOCH,
        );
        let job = match self.start_by {
            Some(start_by) => job.start_by(start_by),
            None => job,
        };
        self.deliver_body(&job.to_json(), sink).await
    }

    pub(crate) async fn deliver_body(&self, body: &str, sink: &RecordingSink) -> Disposition {
        let context = AttemptContext::<MemoryPorts> {
            model: &self.model,
            sink,
            store: &self.store,
            conversations: &NoConversations,
            changes: &NoConversations,
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
            max_history_tokens: 0,
        };
        let killed_at = self.clock.now() + self.timeout;
        let message = Message {
            body,
            deadline: Deadline::at(killed_at - Duration::from_secs(1)),
            killed_at,
        };
        deliver(&context, &policy, &message).await
    }

    /// What a subscriber has: the tokens joined, after checking that the numbers have no gap.
    pub(crate) fn received(&self) -> String {
        let received = self.sink.received.lock().expect("not poisoned");
        let numbers: Vec<_> = received.iter().map(|(_, event)| event.sequence.0).collect();
        assert!(
            numbers
                .iter()
                .copied()
                .eq(1..=u32::try_from(numbers.len()).expect("few")),
            "{numbers:?}"
        );
        received.iter().map(|(_, event)| event.token()).collect()
    }

    pub(crate) fn failure(&self) -> Option<FailureCode> {
        self.session().ending.failure.map(|failure| failure.code)
    }

    pub(crate) fn session(&self) -> Session {
        self.store.session(self.id)
    }

    /// Checks the end as the record has it, and that the terminal event says the same.
    pub(crate) fn check_ended(&self, status: Status, expected_text: &str) {
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

/// A model that fails or falls silent after some tokens.
pub(crate) fn failing(count: usize, then: Option<Failure>, silent: bool) -> ScriptedModel {
    let mut model = tokens(count, ms(10));
    model.script.truncate(count);
    model
        .script
        .extend(then.map(|failure| (ms(10), Err(failure))));
    model.silent_at_end = silent;
    model
}
