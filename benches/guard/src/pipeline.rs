//! Answers one message, with every port in memory.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokencast_core::block::Piece;
use tokencast_core::deliver::{Disposition, Message, Policy, deliver};
use tokencast_core::event::{TokenEvent, Usage};
use tokencast_core::failure::Failure;
use tokencast_core::id::{Owner, SessionId};
use tokencast_core::job::Job;
use tokencast_core::pipeline::{AttemptContext, PublishMode, Settings};
use tokencast_core::ports::{
    Clock, Conflict, Fence, LedgerStore, LedgerWrite, Model, ModelEvent, ModelRequest,
    NoConversations, Ports, QueueError, Receipt, SessionStore, StoreError, TokenSink, TokenSource,
    Version, Versioned,
};
use tokencast_core::session::Session;
use tokencast_core::time::{Deadline, Timestamp};
use tokio::time::{Instant, sleep, sleep_until};

use crate::GuardError;

/// The model says 100 tokens a second, and AppSync answers in 20 ms.
const BETWEEN_TOKENS: Duration = Duration::from_millis(10);
const ANSWER_TIME: Duration = Duration::from_millis(20);
const TOKEN: &str = " token";
/// The date may be any. The deadline is far beyond what the paused clock reaches.
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const TIME: Duration = Duration::from_hours(24);

/// Answers a prompt with so many tokens, from the message to its acknowledgement.
pub(crate) async fn answer(tokens: usize, publish_mode: PublishMode) -> Result<(), GuardError> {
    let settings = Settings {
        publish_mode,
        flush_interval: Duration::ZERO,
        checkpoint_interval: Duration::from_millis(500),
        lease: Duration::from_secs(30),
        model_first_token_timeout: Duration::from_mins(2),
        model_idle_timeout: Duration::from_secs(30),
        throttle_patience: Duration::from_mins(5),
    };
    let policy = Policy {
        max_attempts: 3,
        session_ttl: Duration::from_hours(24),
        max_history_tokens: 0,
    };
    let sink = Sink::default();
    let clock = PausedClock(Instant::now());
    let context = AttemptContext::<InMemory> {
        model: &Script { tokens },
        sink: &sink,
        store: &Store::default(),
        conversations: &NoConversations,
        changes: &NoConversations,
        receipt: &NoReceipt,
        clock: &clock,
        settings: &settings,
        observe: &|_| {},
    };
    let id: SessionId = "3f0c9a5e-7d1b-4a64-9f43-0c2d6b1e8a77"
        .parse()
        .map_err(|_| GuardError::Wrong("the session's id is malformed"))?;
    let owner = Owner::new("owner").ok_or(GuardError::Wrong("there is no owner"))?;
    let body = Job::new(id, owner, "Count.".to_owned(), NOW).to_json();
    let message = Message {
        body: &body,
        deadline: Deadline::at(NOW + TIME),
        killed_at: NOW + TIME,
    };
    let disposition = deliver(&context, &policy, &message).await;
    let bytes = *sink.bytes.lock().unwrap_or_else(PoisonError::into_inner);
    if disposition == Disposition::Done && bytes == tokens * TOKEN.len() {
        Ok(())
    } else {
        Err(GuardError::Wrong("the answer was not delivered as a whole"))
    }
}

enum InMemory {}

impl Ports for InMemory {
    type Model = Script;
    type Sink = Sink;
    type Store = Store;
    type Conversations = NoConversations;
    type Changes = NoConversations;
    type Receipt = NoReceipt;
    type Clock = PausedClock;
}

struct Script {
    tokens: usize,
}

impl Model for Script {
    type Tokens = Speech;

    async fn start(&self, _: &ModelRequest) -> Result<Speech, Failure> {
        Ok(Speech {
            left: self.tokens,
            due: Instant::now(),
            ending: 0,
        })
    }
}

struct Speech {
    left: usize,
    due: Instant,
    ending: u8,
}

impl TokenSource for Speech {
    async fn next(&mut self) -> Result<Option<ModelEvent>, Failure> {
        if self.left > 0 {
            sleep_until(self.due).await;
            self.due += BETWEEN_TOKENS;
            self.left -= 1;
            return Ok(Some(ModelEvent::Piece(Piece::text(TOKEN))));
        }
        self.ending += 1;
        Ok(match self.ending {
            1 => Some(ModelEvent::Stopped("end_turn".to_owned())),
            2 => Some(ModelEvent::Usage(Usage::default())),
            _ => None,
        })
    }
}

#[derive(Default)]
struct Sink {
    bytes: Mutex<usize>,
}

impl TokenSink for Sink {
    async fn publish(&self, event: &TokenEvent, _: &Fence, _: Deadline) -> Result<(), Failure> {
        sleep(ANSWER_TIME).await;
        *self.bytes.lock().unwrap_or_else(PoisonError::into_inner) += event.token().len();
        Ok(())
    }
}

/// The record of one session.
#[derive(Default)]
struct Store {
    record: Mutex<Option<Versioned>>,
}

impl LedgerStore for Store {}

impl SessionStore for Store {
    async fn get(&self, _: SessionId) -> Result<Option<Versioned>, StoreError> {
        let record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(record.clone())
    }

    async fn put(
        &self,
        session: &Session,
        expected: Option<Version>,
        _: Option<LedgerWrite<'_>>,
    ) -> Result<Result<Version, Conflict>, StoreError> {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        if record.as_ref().map(|record| record.version) != expected {
            return Ok(Err(Conflict(record.clone())));
        }
        let version = Version::after(expected);
        *record = Some(Versioned {
            session: session.clone(),
            version,
        });
        Ok(Ok(version))
    }
}

struct NoReceipt;

impl Receipt for NoReceipt {
    async fn extend_visibility(&self, _: Duration) -> Result<(), QueueError> {
        Ok(())
    }
}

struct PausedClock(Instant);

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        NOW + self.0.elapsed()
    }
}
