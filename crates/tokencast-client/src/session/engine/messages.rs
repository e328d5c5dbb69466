//! What the engine does about each message of its transport, but the loss of a connection.

use super::Engine;
use crate::error::Error;
use crate::event::{Snapshot, StreamStatus, TokenEvent};
use crate::session::reader::Halt;
use crate::session::record::{Question, Said};
use crate::session::transport::{Flavour, Message, Transport};

impl<T: Transport> Engine<T> {
    pub(super) async fn handle(&mut self, message: Message) -> Result<(), Halt> {
        match message {
            Message::Connected => self.on_connected().await,
            Message::Heard => {
                self.connection.heard();
                Ok(())
            }
            Message::Started(status) => {
                self.on_answered(status).await?;
                self.reader.tell(Vec::new()).await
            }
            Message::Resumed(status) => {
                self.on_answered(status).await?;
                self.on_resumed(status).await
            }
            Message::Event(event) => self.on_event(event).await,
            Message::Lost(loss) => self.on_lost(loss).await,
            Message::StartDone(result) => self.on_start_done(result).await,
            Message::Snapshot(result) => self.on_snapshot(result).await,
        }
    }

    async fn on_start_done(&mut self, result: Result<bool, Error>) -> Result<(), Halt> {
        let error = match result {
            Ok(begins) => {
                self.start.done();
                if !begins {
                    // What it said before this subscription is in its record.
                    self.catch_up.resubscribed();
                }
                return self.reader.tell(Vec::new()).await;
            }
            Err(error) => error,
        };
        let tokens = &self.shared.caller.tokens;
        if tokens.renews_after(&error, self.start.token) {
            return self.call_start().await;
        }
        match self.start.failed(error) {
            // Its answer was lost, and the session is heard of.
            Err(error) if error.is_transient() && self.reader.has_started() => {
                tracing::debug!(%error, "started without an answer");
                self.start.done();
                Ok(())
            }
            result => Ok(result?),
        }
    }

    /// What was asked on the connection was answered.
    async fn on_answered(&mut self, status: Option<StreamStatus>) -> Result<(), Halt> {
        self.connection.answer_by = None;
        if let Some(status) = status {
            self.known.is_short = status.is_terminal();
        }
        self.listening().await
    }

    /// The session is there, and this connection, which was opened with a question, hears of it.
    async fn listening(&mut self) -> Result<(), Halt> {
        self.start.done();
        if std::mem::replace(&mut self.connection.is_answered, true) {
            return Ok(());
        }
        // The headers of a response say little: AWS may hold an empty one open.
        if T::FLAVOUR == (Flavour::Replay { asks: true }) {
            self.connection.heard();
        }
        self.connected().await
    }

    async fn on_resumed(&mut self, status: Option<StreamStatus>) -> Result<(), Halt> {
        let is_claimed = status == Some(StreamStatus::Claimed);
        let is_queued = status == Some(StreamStatus::Queued);
        let is_missing_some = is_claimed || self.known.is_missing_some();
        self.catch_up.asked(is_missing_some, is_queued);
        if is_claimed {
            return Ok(self.record.claimed(self.reader.has_started())?);
        }
        self.record.found();
        self.reader.tell(Vec::new()).await
    }

    async fn on_event(&mut self, event: TokenEvent) -> Result<(), Halt> {
        if T::FLAVOUR.replays() {
            self.listening().await?;
        }
        let comes_in_order = T::FLAVOUR == (Flavour::Replay { asks: false });
        if comes_in_order {
            self.known.is_short = false;
        }
        let changes = self.known.event(event);
        // A replay may repeat what was there already.
        if !changes.is_empty() || !T::FLAVOUR.replays() {
            self.outage.ended();
        }
        self.connection.brought_nothing &= changes.is_empty();
        self.record.found();
        self.catch_up.event(self.known.is_missing_some());
        self.reader.tell(changes).await?;
        if comes_in_order && self.known.has_gap() {
            // What is missing now won't come by itself.
            return self.on_lost(Error::Missing.into()).await;
        }
        Ok(())
    }

    async fn on_snapshot(&mut self, result: Result<Option<Snapshot>, Error>) -> Result<(), Halt> {
        let question = Question {
            is_first: std::mem::replace(&mut self.finding, false),
            is_starting: self.start.is_pending(),
            begun: self.begun,
        };
        match self.record.read(result, question)? {
            Said::Session(snapshot) => {
                let is_queued = snapshot.status == StreamStatus::Queued;
                let changes = self.known.snapshot(*snapshot);
                self.catch_up.asked(self.known.is_missing_some(), is_queued);
                self.reader.tell(changes).await?;
            }
            Said::Nothing { soon } => {
                let is_missing_some = soon || self.known.is_missing_some();
                self.catch_up.asked(is_missing_some, false);
            }
        }
        if question.is_first && !self.known.is_over() {
            self.connect();
        }
        Ok(())
    }
}
