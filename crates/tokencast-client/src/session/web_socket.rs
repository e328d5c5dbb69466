//! The task behind a stream over a WebSocket API: starts, listens, and asks for what is missing by `resume`.

use tokio::time::{Instant, sleep_until};

use super::Begin;
use super::catch_up::CatchUp;
use super::listener::{Halt, Listener};
use super::record::Record;
use crate::bounds::STABLE_AFTER;
use crate::error::Error;
use crate::event::StreamStatus;
use crate::position::Position;
use crate::web_socket::{Action, Connection, Incoming};

pub(super) struct Task {
    listener: Listener,
    catch_up: CatchUp,
    /// What to start with, until a start was answered.
    prompt: Option<String>,
    /// Whether a start was sent before, whose answer was lost, and events with it.
    sent: bool,
    /// Whether this connection has answered.
    answered: bool,
    /// By when the last action has to be answered.
    answer_by: Option<Instant>,
    /// The session is said to be over, though its last event hasn't come.
    over: bool,
    record: Record,
}

impl Task {
    pub(super) fn new(listener: Listener, begin: Begin) -> Self {
        let prompt = match begin {
            Begin::Start { prompt } => Some(prompt),
            Begin::Resume => None,
        };
        Self {
            catch_up: CatchUp::new(&listener.timeouts()),
            record: Record::new(listener.session_id),
            listener,
            prompt,
            sent: false,
            answered: false,
            answer_by: None,
            over: false,
        }
    }

    pub(super) async fn run(mut self) {
        let result = self.listen().await;
        self.listener.finish(result).await;
    }

    async fn listen(&mut self) -> Result<(), Halt> {
        while !self.listener.is_over() {
            match self.connection().await {
                Err(Halt::Failed(error)) => self.listener.pause(error, None).await?,
                other => other?,
            }
        }
        Ok(())
    }

    /// One connection, until the session ends or the connection does.
    async fn connection(&mut self) -> Result<(), Halt> {
        self.listener.connecting();
        let shared = self.listener.shared.clone();
        let mut connection = Connection::open(&shared.caller, &shared.setup).await?;
        self.answered = false;
        self.begin(&mut connection).await?;
        let stable_at = Instant::now() + STABLE_AFTER;
        let mut stable = false;
        while !self.listener.is_over() {
            let ask_at = self.catch_up.due().filter(|_| self.prompt.is_none());
            let answer_by = self.answer_by;
            // Each branch is cancel-safe: the socket keeps what has arrived, the times are absolute. What has arrived is
            // read before the time is looked at, so that a reader who paused doesn't mistake its own silence for the
            // server's.
            tokio::select! {
                biased;
                incoming = connection.next() => self.incoming(incoming?).await?,
                () = sleep_until(answer_by.unwrap_or(stable_at)), if answer_by.is_some() => {
                    let after = self.listener.timeouts().call;
                    return Err(Error::Timeout { what: "answer to an action", after }.into());
                }
                () = sleep_until(ask_at.unwrap_or(stable_at)), if ask_at.is_some() => {
                    self.listener.was_awake()?;
                    self.ask(&mut connection).await?;
                }
                // A connection that takes actions and answers none is no end of an outage.
                () = sleep_until(stable_at), if !stable && self.answered => {
                    stable = true;
                    self.listener.outage_is_over();
                }
            }
        }
        connection.close().await;
        Ok(())
    }

    async fn begin(&mut self, connection: &mut Connection) -> Result<(), Halt> {
        let Some(prompt) = &self.prompt else {
            return self.ask(connection).await;
        };
        let session_id = self.listener.session_id;
        let sent_at = Instant::now();
        let sent = connection
            .send(&Action::Stream { prompt, session_id })
            .await;
        self.listener.start_was_sent(sent_at, &sent);
        sent?;
        if std::mem::replace(&mut self.sent, true) {
            self.catch_up.resubscribed();
        }
        self.await_answer();
        Ok(())
    }

    /// Asks for what is missing: for all, if what there is may not be true.
    async fn ask(&mut self, connection: &mut Connection) -> Result<(), Halt> {
        let transcript = &self.listener.transcript;
        let mut position = transcript.position();
        if self.over || transcript.is_in_doubt() {
            position = Position::default();
            self.listener.replay();
        }
        let session_id = self.listener.session_id;
        let resume = Action::Resume {
            session_id,
            position,
        };
        connection.send(&resume).await?;
        self.catch_up.asking();
        self.await_answer();
        Ok(())
    }

    fn await_answer(&mut self) {
        self.answer_by = Some(Instant::now() + self.listener.timeouts().call);
    }

    async fn incoming(&mut self, incoming: Incoming) -> Result<(), Halt> {
        let ours = self.listener.session_id;
        match incoming {
            Incoming::Started { session_id, status } if session_id == ours => {
                self.answered(status).await?;
                self.listener.tell(Vec::new()).await
            }
            Incoming::Resumed { session_id, status } if session_id == ours => {
                self.answered(status).await?;
                self.resumed(status).await
            }
            Incoming::Event { session_id, event } if session_id == ours => {
                self.listening().await?;
                let changes = self.listener.take(event);
                if !changes.is_empty() {
                    self.listener.outage_is_over();
                }
                self.catch_up.event(self.is_missing_some());
                self.listener.tell(changes).await
            }
            Incoming::Refused { session_id, error }
                if session_id.is_none_or(|session_id| session_id == ours) =>
            {
                Err(error.into())
            }
            _ => Ok(()),
        }
    }

    async fn resumed(&mut self, status: StreamStatus) -> Result<(), Halt> {
        let claimed = status == StreamStatus::Claimed;
        let queued = status == StreamStatus::Queued;
        self.catch_up
            .asked(claimed || self.is_missing_some(), queued);
        if claimed {
            return Ok(self.record.claimed(self.listener.started)?);
        }
        self.record.found();
        self.listener.tell(Vec::new()).await
    }

    /// An action was answered.
    async fn answered(&mut self, status: StreamStatus) -> Result<(), Halt> {
        self.answer_by = None;
        self.over = status.is_terminal();
        self.listening().await
    }

    /// The session is there, and this connection hears of it.
    async fn listening(&mut self) -> Result<(), Halt> {
        self.prompt = None;
        if !std::mem::replace(&mut self.answered, true) {
            self.listener.connected().await?;
        }
        Ok(())
    }

    fn is_missing_some(&self) -> bool {
        self.over || self.listener.transcript.needs_snapshot()
    }
}
