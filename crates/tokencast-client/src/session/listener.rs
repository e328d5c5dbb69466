//! What the tasks of all deliveries have in common: the text as far as it has come, who reads it, and when to give up.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::{Duration, Instant, sleep};
use uuid::Uuid;

use super::tell::answer_event;
use crate::backoff::Backoff;
use crate::bounds::Timeouts;
use crate::client::Shared;
use crate::error::Error;
use crate::event::{AnswerEvent, TokenEvent};
use crate::transcript::{Change, Transcript};
use crate::wall_clock::SleepWatch;

pub(super) struct Listener {
    pub(super) shared: Arc<Shared>,
    pub(super) session_id: Uuid,
    sender: mpsc::Sender<Result<AnswerEvent, Error>>,
    pub(super) transcript: Transcript,
    /// The session once more from its first event, where the transcript is in doubt and there is no snapshot to be had.
    replay: Option<Transcript>,
    /// Whether `Started` was said.
    pub(super) started: bool,
    /// Whether there ever was a connection.
    pub(super) connected: bool,
    retry: Backoff,
    /// Since when there has been no stable connection.
    outage: Option<Instant>,
    /// When a start was first sent that reached the API, where the start is what opens the connection.
    start_sent: Option<Instant>,
    /// Of the token that the present connection was opened with.
    token: u64,
    sleep: SleepWatch,
}

/// Why a task ends before its session does.
pub(super) enum Halt {
    /// Another connection may help.
    Failed(Error),
    /// It has been tried for long enough.
    Final(Error),
    /// Nobody reads any more.
    Unread,
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Listener {
    pub(super) fn new(
        shared: Arc<Shared>,
        session_id: Uuid,
        sender: mpsc::Sender<Result<AnswerEvent, Error>>,
    ) -> Self {
        let Timeouts {
            retry_first,
            retry_max,
            ..
        } = shared.setup.timeouts;
        Self {
            sleep: SleepWatch::new(shared.setup.wall_clock.clone()),
            shared,
            session_id,
            sender,
            transcript: Transcript::default(),
            replay: None,
            started: false,
            connected: false,
            retry: Backoff::new(retry_first, retry_max),
            outage: None,
            start_sent: None,
            token: 0,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.transcript.ending().is_some()
    }

    pub(super) fn timeouts(&self) -> Timeouts {
        self.shared.setup.timeouts
    }

    /// A connection is about to be opened.
    pub(super) fn connecting(&mut self) {
        self.token = self.shared.caller.tokens.generation();
        self.sleep.has_slept();
    }

    /// A start went out at `at`, and has reached the API unless `result` says otherwise.
    pub(super) fn start_was_sent<T>(&mut self, at: Instant, result: &Result<T, Error>) {
        let is_unreached = result.as_ref().is_err_and(Error::is_unreached);
        if !is_unreached {
            self.start_sent.get_or_insert(at);
        }
    }

    /// An error if the machine was asleep since the connection was opened, so that the connection is dead.
    pub(super) fn was_awake(&mut self) -> Result<(), Error> {
        if self.sleep.has_slept() {
            return Err(Error::Slept);
        }
        Ok(())
    }

    /// A connection is there.
    pub(super) async fn connected(&mut self) -> Result<(), Halt> {
        if std::mem::replace(&mut self.connected, true) {
            self.send(AnswerEvent::Reconnected).await?;
        }
        Ok(())
    }

    /// All of the session's events follow, from the first.
    pub(super) fn replay(&mut self) {
        self.replay = Some(Transcript::default());
    }

    pub(super) fn is_replaying(&self) -> bool {
        self.replay.is_some()
    }

    /// Takes an event in. A replay that has come as far as the transcript is as good as a snapshot.
    pub(super) fn take(&mut self, event: TokenEvent) -> Vec<Change> {
        let Some(replay) = &mut self.replay else {
            return self.transcript.event(event);
        };
        let mut changes = self.transcript.event(event.clone());
        replay.event(event);
        let reached = replay.position() >= self.transcript.position();
        if reached || replay.ending().is_some() {
            changes.extend(self.transcript.snapshot(replay.as_snapshot()));
            self.replay = None;
        }
        changes
    }

    /// Waits before the next connection, or returns why there won't be one. The server may ask for a longer pause.
    pub(super) async fn pause(
        &mut self,
        error: Error,
        at_least: Option<Duration>,
    ) -> Result<(), Halt> {
        let Timeouts {
            first_connection,
            start_within,
            give_up_after,
            ..
        } = self.timeouts();
        let outage = *self.outage.get_or_insert_with(Instant::now);
        let (since, limit) = match self.start_sent {
            _ if self.connected => (outage, give_up_after),
            Some(start_sent) => (start_sent, start_within),
            None => (outage, first_connection),
        };
        if matches!(error, Error::Unauthorized { .. })
            && since.elapsed() <= limit
            && self.shared.caller.tokens.refused(self.token)
        {
            return Ok(());
        }
        if !error.is_transient() {
            return Err(error.into());
        }
        let pause = self.retry.next().max(at_least.unwrap_or_default());
        if since.elapsed() + pause > limit {
            // Before the first connection nothing was lost: the error itself says more.
            return Err(Halt::Failed(if self.connected {
                Error::GaveUp {
                    after: limit,
                    last: Box::new(error),
                }
            } else {
                error
            }));
        }
        tracing::debug!(%error, ?pause, "reconnecting");
        let delay_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        self.send(AnswerEvent::Reconnecting {
            tries: self.retry.tries(),
            delay_ms,
            reason: error.to_string(),
        })
        .await?;
        sleep(pause).await;
        Ok(())
    }

    pub(super) fn outage_is_over(&mut self) {
        self.outage = None;
        self.retry.reset();
    }

    /// Tells the reader what has changed, and before all else that the session has started.
    pub(super) async fn tell(&mut self, changes: Vec<Change>) -> Result<(), Halt> {
        if !std::mem::replace(&mut self.started, true) {
            let session_id = self.session_id;
            self.send(AnswerEvent::Started { session_id }).await?;
        }
        for change in changes {
            self.send(answer_event(change)).await?;
        }
        Ok(())
    }

    /// The last word, if the task ended before its session.
    pub(super) async fn finish(self, result: Result<(), Halt>) {
        if let Err(Halt::Failed(error) | Halt::Final(error)) = result {
            // Nobody reads any more if this fails, and that is the end as well.
            let _ = self.sender.send(Err(error)).await;
        }
    }

    async fn send(&mut self, event: AnswerEvent) -> Result<(), Halt> {
        self.sender.send(Ok(event)).await.map_err(|_| Halt::Unread)
    }
}
