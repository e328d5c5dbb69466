//! The ports in memory, on tokio's clock: so that a test decides when everything happens.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokencast_core::event::TokenEvent;
use tokencast_core::failure::Failure;
use tokencast_core::id::SessionId;
use tokencast_core::ports::{
    Clock, Conflict, Fence, LedgerStore, LedgerWrite, Model, ModelEvent, ModelRequest,
    NoConversations, Ports, QueueError, Receipt, SessionStore, StoreError, TokenSink, TokenSource,
    Version, Versioned,
};
use tokencast_core::session::Session;
use tokencast_core::time::{Deadline, Timestamp};
use tokio::time::Instant;

pub(crate) enum MemoryPorts {}

impl Ports for MemoryPorts {
    type Model = ScriptedModel;
    type Sink = RecordingSink;
    type Store = MemoryStore;
    type Conversations = NoConversations;
    type Changes = NoConversations;
    type Receipt = MemoryReceipt;
    type Clock = TestClock;
}

/// Milliseconds since the test began.
pub(crate) struct TestClock {
    start: Instant,
}

impl TestClock {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::EPOCH + self.start.elapsed()
    }
}

#[derive(Default)]
pub(crate) struct MemoryStore {
    records: Mutex<HashMap<SessionId, Versioned>>,
    /// How long a read takes.
    pub(crate) latency: Duration,
    /// While set, no call is answered.
    pub(crate) down: Mutex<bool>,
    pub(crate) writes: Mutex<usize>,
}

impl MemoryStore {
    pub(crate) fn change(&self, id: SessionId, change: impl FnOnce(Option<Session>) -> Session) {
        let mut records = self.records.lock().expect("not poisoned");
        let current = records.remove(&id);
        let version = Version::after(current.as_ref().map(|current| current.version));
        records.insert(
            id,
            Versioned {
                session: change(current.map(|current| current.session)),
                version,
            },
        );
    }

    pub(crate) fn session(&self, id: SessionId) -> Session {
        self.records.lock().expect("not poisoned")[&id]
            .session
            .clone()
    }

    fn check_up(&self, operation: &'static str) -> Result<(), StoreError> {
        if *self.down.lock().expect("not poisoned") {
            return Err(StoreError {
                operation,
                source: "down".into(),
            });
        }
        Ok(())
    }
}

impl LedgerStore for MemoryStore {}

impl SessionStore for MemoryStore {
    async fn get(&self, id: SessionId) -> Result<Option<Versioned>, StoreError> {
        self.check_up("get")?;
        tokio::time::sleep(self.latency).await;
        Ok(self.records.lock().expect("not poisoned").get(&id).cloned())
    }

    async fn put(
        &self,
        session: &Session,
        expected: Option<Version>,
        _: Option<LedgerWrite<'_>>,
    ) -> Result<Result<Version, Conflict>, StoreError> {
        self.check_up("put")?;
        let mut records = self.records.lock().expect("not poisoned");
        let found = records.get(&session.id).cloned();
        if found.as_ref().map(|found| found.version) != expected {
            return Ok(Err(Conflict(found)));
        }
        let version = Version::after(expected);
        records.insert(
            session.id,
            Versioned {
                session: session.clone(),
                version,
            },
        );
        *self.writes.lock().expect("not poisoned") += 1;
        Ok(Ok(version))
    }
}

/// Says each event after a delay; then ends its stream, or falls silent.
#[derive(Clone, Default)]
pub(crate) struct ScriptedModel {
    pub(crate) script: Vec<(Duration, Result<ModelEvent, Failure>)>,
    pub(crate) silent_at_end: bool,
    /// How many events were read of it.
    pub(crate) read: Arc<AtomicUsize>,
}

impl Model for ScriptedModel {
    type Tokens = Script;

    async fn start(&self, _: &ModelRequest) -> Result<Script, Failure> {
        let events = self.script.clone().into_iter();
        Ok(Script {
            events: events.collect(),
            at: 0,
            due: None,
            silent_at_end: self.silent_at_end,
            read: Arc::clone(&self.read),
        })
    }
}

pub(crate) struct Script {
    events: Vec<(Duration, Result<ModelEvent, Failure>)>,
    at: usize,
    due: Option<Instant>,
    silent_at_end: bool,
    read: Arc<AtomicUsize>,
}

impl TokenSource for Script {
    async fn next(&mut self) -> Result<Option<ModelEvent>, Failure> {
        let Some((delay, event)) = self.events.get(self.at) else {
            if self.silent_at_end {
                std::future::pending::<()>().await;
            }
            return Ok(None);
        };
        let due = *self.due.get_or_insert_with(|| Instant::now() + *delay);
        tokio::time::sleep_until(due).await;
        // The next is due after this one was, however late it was asked for: a model does not wait.
        self.due = self.events.get(self.at + 1).map(|(delay, _)| due + *delay);
        self.at += 1;
        self.read.fetch_add(1, Ordering::SeqCst);
        event.clone().map(Some)
    }
}

/// Takes each event after `latency`, and notes when it came.
#[derive(Default)]
pub(crate) struct RecordingSink {
    pub(crate) latency: Duration,
    pub(crate) refuse_from: Option<usize>,
    pub(crate) received: Mutex<Vec<(Instant, TokenEvent)>>,
}

impl TokenSink for RecordingSink {
    async fn publish(&self, event: &TokenEvent, _: &Fence, _: Deadline) -> Result<(), Failure> {
        let so_far = self.received.lock().expect("not poisoned").len();
        if self.refuse_from.is_some_and(|from| so_far >= from) {
            return Err(Failure::new(
                tokencast_core::failure::FailureCode::PublishFailed,
                "Refused.",
            ));
        }
        self.received
            .lock()
            .expect("not poisoned")
            .push((Instant::now(), event.clone()));
        tokio::time::sleep(self.latency).await;
        Ok(())
    }
}

/// Notes for how long its message was hidden.
#[derive(Default)]
pub(crate) struct MemoryReceipt {
    pub(crate) hidden: Mutex<Vec<Duration>>,
}

impl Receipt for MemoryReceipt {
    async fn extend_visibility(&self, by: Duration) -> Result<(), QueueError> {
        self.hidden.lock().expect("not poisoned").push(by);
        Ok(())
    }
}
