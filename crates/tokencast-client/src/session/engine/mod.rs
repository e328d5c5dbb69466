//! One session, from its start to its last event, over any [`Transport`].
//!
//! The engine takes the transport's messages and its own times in turn. All that docs/PROTOCOL.md says of waiting is decided here,
//! with the bounds of `bounds.rs`: when to connect again and when to give up (`on_lost`), when to start again (`on_start_done`),
//! when to ask for what is missing (`catch_up`), and what a record means that says otherwise (`record`).

mod messages;

use std::future::pending;
use std::sync::Arc;

use tokio::time::{Duration, Instant, sleep_until};

use super::Begin;
use super::catch_up::CatchUp;
use super::known::Known;
use super::outage::Outage;
use super::reader::{Halt, Reader};
use super::record::SessionRecord;
use super::start::Start;
use super::transport::{Flavour, Loss, Transport};
use crate::bounds::{STABLE_AFTER, Timeouts};
use crate::client::Shared;
use crate::error::Error;
use crate::event::AnswerEvent;
use crate::position::{Ask, Position};
use crate::wall_clock::SleepWatch;

pub(super) struct Engine<T> {
    transport: T,
    shared: Arc<Shared>,
    reader: Reader,
    known: Known,
    start: Start,
    catch_up: CatchUp,
    record: SessionRecord,
    outage: Outage,
    sleep: SleepWatch,
    /// A session that is resumed by snapshots is looked for before anything else.
    finding: bool,
    /// Whether the session was said to be started before the last question.
    begun: bool,
    connection: Connection,
    reconnect_at: Option<Instant>,
}

/// The connection, from the first try to its end; the default is none.
#[derive(Default)]
struct Connection {
    began_at: Option<Instant>,
    /// Of the token that it is opened with.
    token: u64,
    is_open: bool,
    is_answered: bool,
    /// Since when it is known to bring something.
    heard_at: Option<Instant>,
    /// By when the last question on it has to be answered.
    answer_by: Option<Instant>,
    /// It was asked to go on behind an event, and has brought nothing new since.
    brought_nothing: bool,
}

impl Connection {
    fn heard(&mut self) {
        self.heard_at.get_or_insert_with(Instant::now);
    }
}

impl<T: Transport> Engine<T> {
    pub(super) fn new(transport: T, shared: Arc<Shared>, reader: Reader, begin: Begin) -> Self {
        let timeouts = shared.setup.timeouts;
        let prompt = match begin {
            Begin::Start { prompt } => Some(prompt),
            Begin::Resume => None,
        };
        Self {
            finding: prompt.is_none() && !T::FLAVOUR.replays(),
            known: Known::default(),
            start: Start::new(prompt, &timeouts),
            catch_up: CatchUp::new(&timeouts),
            record: SessionRecord::new(reader.session_id(), timeouts.give_up_after),
            outage: Outage::new(&timeouts),
            sleep: SleepWatch::new(shared.setup.wall_clock.clone()),
            begun: false,
            connection: Connection::default(),
            reconnect_at: None,
            transport,
            shared,
            reader,
        }
    }

    /// Goes on until the session has ended, or nothing more can be heard of it, or nobody reads.
    pub(super) async fn run(mut self) {
        let result = self.turns().await;
        if result.is_ok() {
            self.transport.close().await;
        } else {
            drop(self.transport);
        }
        self.reader.finish(result).await;
    }

    async fn turns(&mut self) -> Result<(), Halt> {
        // Subscribing would claim an id that nobody has used.
        if self.finding {
            self.ask().await?;
        } else {
            self.connect();
        }
        while !self.known.is_over() {
            let next_time = self.next_time();
            // Each branch is cancel-safe: the transport keeps what has arrived, the times are absolute. What has arrived is
            // read before the time is looked at, so that a reader who paused doesn't mistake its own silence for the
            // server's.
            tokio::select! {
                biased;
                message = self.transport.next() => self.handle(message).await?,
                () = until(next_time) => self.on_time().await?,
            }
        }
        Ok(())
    }

    fn timeouts(&self) -> &Timeouts {
        &self.shared.setup.timeouts
    }

    /// When there is something to do without a message.
    fn next_time(&self) -> Option<Instant> {
        let connection = [self.connection.answer_by, self.reconnect_at];
        let questions = [self.start.due, self.ask_at()];
        connection.into_iter().chain(questions).flatten().min()
    }

    /// When to ask for what is missing: while connected, if the transport can be asked.
    fn ask_at(&self) -> Option<Instant> {
        let may_ask = match T::FLAVOUR {
            Flavour::Snapshot => true,
            Flavour::Replay { asks } => asks && !self.start.is_pending(),
        };
        let may_ask = may_ask && self.connection.is_open;
        may_ask.then(|| self.catch_up.due()).flatten()
    }

    async fn on_time(&mut self) -> Result<(), Halt> {
        let now = Instant::now();
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if is_due(self.connection.answer_by) {
            let after = self.timeouts().call;
            let error = Error::Timeout {
                what: "answer to an action",
                after,
            };
            return self.on_lost(error.into()).await;
        }
        if is_due(self.start.due) {
            self.call_start().await?;
        }
        if is_due(self.ask_at()) {
            if self.sleep.has_slept() {
                // Connections from before are dead.
                return self.on_lost(Error::Slept.into()).await;
            }
            self.ask().await?;
        }
        if is_due(self.reconnect_at) {
            self.connect();
        }
        Ok(())
    }

    fn connect(&mut self) {
        self.reconnect_at = None;
        self.sleep.has_slept();
        let ask = match self.start.prompt() {
            Some(prompt) => Ask::Start {
                prompt: prompt.clone(),
            },
            None => Ask::Follow {
                after: self.after(),
            },
        };
        self.connection = Connection {
            began_at: Some(Instant::now()),
            token: self.shared.caller.tokens.generation(),
            brought_nothing: matches!(ask, Ask::Follow { after: Some(_) }),
            ..Connection::default()
        };
        self.transport.connect(ask);
    }

    /// Behind which event to go on; a snapshot says by itself how far it goes.
    fn after(&mut self) -> Option<Position> {
        if !T::FLAVOUR.replays() {
            return None;
        }
        self.known.resume_from()
    }

    async fn on_connected(&mut self) -> Result<(), Halt> {
        self.connection.is_open = true;
        if T::FLAVOUR.replays() {
            self.await_answer();
            if !self.start.is_pending() {
                self.catch_up.asking();
            } else if self.start.sent(self.connection.began_at) {
                // What was said to a connection that was lost.
                self.catch_up.resubscribed();
            }
            return Ok(());
        }
        self.connection.heard();
        if self.start.is_pending() && self.start.sent_at().is_none() {
            self.call_start().await?;
        } else {
            self.catch_up.resubscribed();
        }
        self.connected().await
    }

    async fn connected(&mut self) -> Result<(), Halt> {
        if self.outage.connected() {
            self.reader.say(AnswerEvent::Reconnected).await?;
        }
        Ok(())
    }

    /// Sends the start beside the connection.
    async fn call_start(&mut self) -> Result<(), Halt> {
        let Some(prompt) = self.start.prompt().cloned() else {
            return Ok(());
        };
        self.start.sent(Some(Instant::now()));
        self.start.token = self.shared.caller.tokens.generation();
        Ok(self.transport.ask(Ask::Start { prompt }).await?)
    }

    /// Asks for what is missing.
    async fn ask(&mut self) -> Result<(), Halt> {
        self.begun = self.reader.has_started();
        self.catch_up.asking();
        let after = self.after();
        if let Err(error) = self.transport.ask(Ask::Follow { after }).await {
            return self.on_lost(error.into()).await;
        }
        if T::FLAVOUR.replays() {
            self.await_answer();
        }
        Ok(())
    }

    fn await_answer(&mut self) {
        self.connection.answer_by = Some(Instant::now() + self.timeouts().call);
    }

    /// Connects again, at once or after a pause, or says why not.
    async fn on_lost(&mut self, loss: Loss) -> Result<(), Halt> {
        self.transport.disconnect();
        let connection = std::mem::take(&mut self.connection);
        if loss.asked && self.start.is_pending() {
            self.start.sent(connection.began_at);
        }
        if loss.is_empty && connection.brought_nothing {
            self.known.is_short = true;
        }
        let heard_at = connection.heard_at;
        if heard_at.is_some_and(|heard_at| heard_at.elapsed() >= STABLE_AFTER) {
            self.outage.ended();
        }
        let (since, limit) = self.bound();
        let error = loss.error;
        let tokens = &self.shared.caller.tokens;
        if since.elapsed() <= limit && tokens.renews_after(&error, connection.token) {
            self.connect();
            return Ok(());
        }
        if !error.is_transient() {
            return Err(error.into());
        }
        let pause = self.outage.next_pause().max(self.transport.pause());
        if since.elapsed() + pause > limit {
            // Before the first connection nothing was lost: the error itself says more.
            return Err(Halt::Failed(if self.outage.has_connected() {
                Error::GaveUp {
                    after: limit,
                    last: Box::new(error),
                }
            } else {
                error
            }));
        }
        tracing::debug!(%error, ?pause, "reconnecting");
        let reconnecting = AnswerEvent::Reconnecting {
            tries: self.outage.tries(),
            delay_ms: u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
            reason: error.to_string(),
        };
        self.reader.say(reconnecting).await?;
        self.reconnect_at = Some(Instant::now() + pause);
        Ok(())
    }

    /// Since when there is no connection, and for how long that may last.
    fn bound(&mut self) -> (Instant, Duration) {
        let outage = self.outage.began();
        let Timeouts {
            first_connection,
            start_within,
            give_up_after,
            ..
        } = *self.timeouts();
        match self.start.sent_at() {
            _ if self.outage.has_connected() => (outage, give_up_after),
            Some(sent_at) => (sent_at, start_within),
            None => (outage, first_connection),
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}
