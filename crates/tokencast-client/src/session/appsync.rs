//! The task behind a stream over AppSync: subscribes, starts, and asks for what a subscription has missed.

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};

use super::Begin;
use super::catch_up::CatchUp;
use super::listener::{Halt, Listener, STABLE_AFTER};
use crate::error::Error;
use crate::event::{Snapshot, StreamStatus};
use crate::realtime::{Endpoint, Subscription};

pub(super) struct Task {
    listener: Listener,
    catch_up: CatchUp,
    /// What to send once subscribed; taken by the first subscription.
    prompt: Option<String>,
    /// Calls under way. They outlive a connection.
    calls: FuturesUnordered<BoxFuture<'static, Done>>,
}

/// A call that has ended.
enum Done {
    Start(Result<(), Error>),
    Get(Result<Option<Snapshot>, Error>),
}

impl Task {
    pub(super) fn new(listener: Listener) -> Self {
        Self {
            catch_up: CatchUp::new(&listener.timeouts()),
            listener,
            prompt: None,
            calls: FuturesUnordered::new(),
        }
    }

    pub(super) async fn run(mut self, endpoint: Endpoint, begin: Begin) {
        let result = self.listen(&endpoint, begin).await;
        self.listener.finish(result).await;
    }

    async fn listen(&mut self, endpoint: &Endpoint, begin: Begin) -> Result<(), Halt> {
        match begin {
            Begin::Start { prompt } => self.prompt = Some(prompt),
            // Before subscribing, which would claim an id that nobody has used.
            Begin::Resume => {
                let snapshot = self.listener.shared.get(self.listener.session_id).await;
                self.done(Done::Get(snapshot)).await?;
            }
        }
        while !self.listener.is_over() {
            match self.connection(endpoint).await {
                Err(Halt::Failed(error)) => self.listener.pause(error, None).await?,
                other => other?,
            }
        }
        Ok(())
    }

    /// One connection, until the session ends or the connection does.
    async fn connection(&mut self, endpoint: &Endpoint) -> Result<(), Halt> {
        let Listener {
            shared, session_id, ..
        } = &self.listener;
        let token = shared.caller.token().await?;
        let mut subscription =
            Subscription::open(&shared.setup, endpoint, &token, *session_id).await?;
        self.subscription_opened().await?;
        let stable_at = Instant::now() + STABLE_AFTER;
        let mut stable = false;
        while !self.listener.is_over() {
            let ask_at = self.catch_up.due();
            // Each branch is cancel-safe: the socket and the calls keep what has arrived, the times are absolute.
            tokio::select! {
                event = subscription.next() => {
                    let changes = self.listener.take(event?);
                    self.listener.outage_is_over();
                    self.catch_up.event(self.listener.transcript.needs_snapshot());
                    self.listener.tell(changes).await?;
                }
                Some(done) = self.calls.next() => self.done(done).await?,
                () = sleep_until(ask_at.unwrap_or(stable_at)), if ask_at.is_some() => self.ask(),
                () = sleep_until(stable_at), if !stable => {
                    stable = true;
                    self.listener.outage_is_over();
                }
            }
        }
        subscription.close().await;
        Ok(())
    }

    async fn subscription_opened(&mut self) -> Result<(), Halt> {
        if let Some(prompt) = self.prompt.take() {
            let (shared, session_id) = (self.listener.shared.clone(), self.listener.session_id);
            self.calls.push(Box::pin(async move {
                Done::Start(shared.start(session_id, prompt).await)
            }));
        } else {
            self.catch_up.resubscribed();
        }
        self.listener.connected().await
    }

    fn ask(&mut self) {
        let (shared, session_id) = (self.listener.shared.clone(), self.listener.session_id);
        self.catch_up.asking();
        self.calls.push(Box::pin(
            async move { Done::Get(shared.get(session_id).await) },
        ));
    }

    async fn done(&mut self, done: Done) -> Result<(), Halt> {
        match done {
            Done::Start(result) => {
                result?;
                self.listener.tell(Vec::new()).await
            }
            Done::Get(result) => {
                let Some(snapshot) = self.snapshot_or_later(result)? else {
                    self.catch_up
                        .asked(self.listener.transcript.needs_snapshot());
                    return Ok(());
                };
                let claimed = snapshot.status == StreamStatus::Claimed;
                let changes = self.listener.transcript.snapshot(snapshot);
                self.catch_up
                    .asked(self.listener.transcript.needs_snapshot());
                // A session that is merely claimed hasn't started.
                if claimed {
                    Ok(())
                } else {
                    self.listener.tell(changes).await
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
            Ok(None) if self.listener.started || !self.listener.connected => Err(Error::NotFound {
                session_id: self.listener.session_id,
            }),
            Err(error)
                if !self.listener.connected || matches!(error, Error::Unauthorized { .. }) =>
            {
                Err(error)
            }
            Err(error) => {
                tracing::debug!(%error, "no snapshot; asking again");
                Ok(None)
            }
            Ok(snapshot) => Ok(snapshot),
        }
    }
}
