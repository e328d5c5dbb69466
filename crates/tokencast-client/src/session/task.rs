//! The task behind a stream: subscribes, starts, reassembles, reconnects.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant, sleep, sleep_until};
use uuid::Uuid;

use super::Begin;
use super::catch_up::CatchUp;
use crate::backoff::Backoff;
use crate::client::{Shared, Timeouts};
use crate::error::Error;
use crate::event::{AnswerEvent, Snapshot, StreamStatus};
use crate::realtime::Subscription;
use crate::transcript::{Change, Ending, Transcript};

/// A connection that lasted this long, or brought an event, has ended an outage.
const STABLE_AFTER: Duration = Duration::from_secs(10);

pub(super) struct Task {
    shared: Arc<Shared>,
    session_id: Uuid,
    sender: mpsc::Sender<Result<AnswerEvent, Error>>,
    transcript: Transcript,
    catch_up: CatchUp,
    /// What to send once subscribed; taken by the first subscription.
    prompt: Option<String>,
    /// Calls under way. They outlive a connection.
    calls: FuturesUnordered<BoxFuture<'static, Done>>,
    /// Whether `Started` was said.
    started: bool,
    /// Whether a subscription was ever acknowledged.
    subscribed: bool,
    retry: Backoff,
    /// Since when there has been no stable connection.
    outage: Option<Instant>,
}

/// A call that has ended.
enum Done {
    Start(Result<(), Error>),
    Get(Result<Option<Snapshot>, Error>),
}

/// Why the task ends before its session does.
enum Halt {
    Failed(Error),
    /// Nobody reads any more.
    Unread,
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Task {
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
            catch_up: CatchUp::new(&shared.setup.timeouts),
            shared,
            session_id,
            sender,
            transcript: Transcript::default(),
            prompt: None,
            calls: FuturesUnordered::new(),
            started: false,
            subscribed: false,
            retry: Backoff::new(retry_first, retry_max),
            outage: None,
        }
    }

    pub(super) async fn run(mut self, begin: Begin) {
        if let Err(Halt::Failed(error)) = self.listen(begin).await {
            // Nobody reads any more if this fails, and that is the end as well.
            let _ = self.sender.send(Err(error)).await;
        }
    }

    async fn listen(&mut self, begin: Begin) -> Result<(), Halt> {
        match begin {
            Begin::Start { prompt } => self.prompt = Some(prompt),
            // Before subscribing, which would claim an id that nobody has used.
            Begin::Resume => {
                let snapshot = self.shared.get(self.session_id).await;
                self.done(Done::Get(snapshot)).await?;
            }
        }
        while self.transcript.ending().is_none() {
            match self.connection().await {
                Err(Halt::Failed(error)) => self.pause(error).await?,
                other => other?,
            }
        }
        Ok(())
    }

    /// One connection, until the session ends or the connection does.
    async fn connection(&mut self) -> Result<(), Halt> {
        let token = self.shared.caller.token().await?;
        let mut subscription =
            Subscription::open(&self.shared.setup, &token, self.session_id).await?;
        self.subscription_opened().await?;
        let stable_at = Instant::now() + STABLE_AFTER;
        let mut stable = false;
        while self.transcript.ending().is_none() {
            let ask_at = self.catch_up.due();
            // Each branch is cancel-safe: the socket and the calls keep what has arrived, the times are absolute.
            tokio::select! {
                event = subscription.next() => {
                    self.outage_is_over();
                    let changes = self.transcript.event(event?);
                    self.catch_up.event(self.transcript.needs_snapshot());
                    self.tell(changes).await?;
                }
                Some(done) = self.calls.next() => self.done(done).await?,
                () = sleep_until(ask_at.unwrap_or(stable_at)), if ask_at.is_some() => self.ask(),
                () = sleep_until(stable_at), if !stable => {
                    stable = true;
                    self.outage_is_over();
                }
            }
        }
        subscription.close().await;
        Ok(())
    }

    async fn subscription_opened(&mut self) -> Result<(), Halt> {
        let again = std::mem::replace(&mut self.subscribed, true);
        if let Some(prompt) = self.prompt.take() {
            let (shared, session_id) = (self.shared.clone(), self.session_id);
            self.calls.push(Box::pin(async move {
                Done::Start(shared.start(session_id, prompt).await)
            }));
        } else {
            self.catch_up.resubscribed();
        }
        if again {
            self.send(AnswerEvent::Reconnected).await?;
        }
        Ok(())
    }

    fn ask(&mut self) {
        let (shared, session_id) = (self.shared.clone(), self.session_id);
        self.catch_up.asking();
        self.calls.push(Box::pin(
            async move { Done::Get(shared.get(session_id).await) },
        ));
    }

    async fn done(&mut self, done: Done) -> Result<(), Halt> {
        match done {
            Done::Start(result) => {
                result?;
                self.tell(Vec::new()).await
            }
            Done::Get(result) => {
                let Some(snapshot) = self.snapshot_or_later(result)? else {
                    self.catch_up.asked(self.transcript.needs_snapshot());
                    return Ok(());
                };
                let claimed = snapshot.status == StreamStatus::Claimed;
                let changes = self.transcript.snapshot(snapshot);
                self.catch_up.asked(self.transcript.needs_snapshot());
                // A session that is merely claimed hasn't started.
                if claimed {
                    Ok(())
                } else {
                    self.tell(changes).await
                }
            }
        }
    }

    /// `None` if it is worth asking again.
    fn snapshot_or_later(
        &self,
        result: Result<Option<Snapshot>, Error>,
    ) -> Result<Option<Snapshot>, Error> {
        match result {
            // The first answer decides whether there is anything to resume. Before `startStream` has been answered
            // there may be no session yet.
            Ok(None) if self.started || !self.subscribed => Err(Error::NotFound {
                session_id: self.session_id,
            }),
            Err(error) if !self.subscribed || matches!(error, Error::Unauthorized { .. }) => {
                Err(error)
            }
            Err(error) => {
                tracing::debug!(%error, "no snapshot; asking again");
                Ok(None)
            }
            Ok(snapshot) => Ok(snapshot),
        }
    }

    /// Waits before the next connection, or returns why there won't be one.
    async fn pause(&mut self, error: Error) -> Result<(), Halt> {
        if matches!(error, Error::Unauthorized { .. }) && self.shared.caller.tokens.refused() {
            return Ok(());
        }
        if !error.is_transient() {
            return Err(error.into());
        }
        let Timeouts {
            first_connection,
            give_up_after,
            ..
        } = self.shared.setup.timeouts;
        let limit = if self.subscribed {
            give_up_after
        } else {
            first_connection
        };
        let since = *self.outage.get_or_insert_with(Instant::now);
        let pause = self.retry.next();
        if since.elapsed() + pause > limit {
            // Before the first subscription nothing was lost: the error itself says more.
            return Err(Halt::Failed(if self.subscribed {
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

    fn outage_is_over(&mut self) {
        self.outage = None;
        self.retry.reset();
    }

    async fn tell(&mut self, changes: Vec<Change>) -> Result<(), Halt> {
        if !std::mem::replace(&mut self.started, true) {
            self.send(AnswerEvent::Started {
                session_id: self.session_id,
            })
            .await?;
        }
        for change in changes {
            self.send(answer_event(change)).await?;
        }
        Ok(())
    }

    async fn send(&mut self, event: AnswerEvent) -> Result<(), Halt> {
        self.sender.send(Ok(event)).await.map_err(|_| Halt::Unread)
    }
}

fn answer_event(change: Change) -> AnswerEvent {
    let Ending {
        status,
        stop_reason,
        usage,
        error,
    } = match change {
        Change::Restart { attempt } => return AnswerEvent::Restarted { attempt },
        Change::Append {
            text,
            attempt,
            sequence,
        } => {
            return AnswerEvent::Text {
                text,
                sequence,
                attempt,
            };
        }
        Change::End(ending) => ending,
    };
    match (status, error) {
        (StreamStatus::Cancelled, _) => AnswerEvent::Cancelled { stop_reason, usage },
        (StreamStatus::Failed, Some(error)) => AnswerEvent::Failed {
            code: error.code,
            message: error.message,
            retryable: error.retryable,
            usage,
        },
        (StreamStatus::Failed, None) => AnswerEvent::Failed {
            code: "INTERNAL".into(),
            message: "the session failed, and the API doesn't say why".into(),
            retryable: true,
            usage,
        },
        _ => AnswerEvent::Completed { stop_reason, usage },
    }
}
