//! The task behind a stream over AppSync: subscribes, starts, and asks for what a subscription has missed.

use std::sync::Arc;

use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::Begin;
use super::catch_up::CatchUp;
use super::listener::{Halt, Listener};
use super::record::Record;
use crate::bounds::STABLE_AFTER;
use crate::error::Error;
use crate::event::{Snapshot, StreamStatus};
use crate::realtime::{Endpoint, Subscription};

pub(super) struct Task {
    listener: Listener,
    catch_up: CatchUp,
    record: Record,
    /// What to send once subscribed; taken by the first subscription.
    prompt: Option<String>,
    /// Whether the start still has to be answered. How long that may take is the call's to know.
    starting: bool,
    /// Calls under way. They outlive a connection.
    calls: JoinSet<Done>,
}

/// A call that has ended.
enum Done {
    /// Whether the session begins with this start.
    Start(Result<bool, Error>),
    Get {
        result: Result<Option<Snapshot>, Error>,
        /// Whether the session was said to be started before this was asked.
        begun: bool,
    },
}

/// What `getStream` says.
enum Said {
    Snapshot(Box<Snapshot>),
    /// Ask again; `soon` if the answer may be about to change.
    Nothing {
        soon: bool,
    },
}

impl Task {
    pub(super) fn new(listener: Listener) -> Self {
        Self {
            catch_up: CatchUp::new(&listener.timeouts()),
            record: Record::new(listener.session_id),
            listener,
            prompt: None,
            starting: false,
            calls: JoinSet::new(),
        }
    }

    pub(super) async fn run(mut self, endpoint: Endpoint, begin: Begin) {
        let result = self.listen(&endpoint, begin).await;
        self.listener.finish(result).await;
    }

    async fn listen(&mut self, endpoint: &Endpoint, begin: Begin) -> Result<(), Halt> {
        match begin {
            Begin::Start { prompt } => {
                self.prompt = Some(prompt);
                self.starting = true;
            }
            // Before subscribing, which would claim an id that nobody has used.
            Begin::Resume => {
                let result = self.listener.shared.get(self.listener.session_id).await;
                let first = Done::Get {
                    result,
                    begun: false,
                };
                self.done(first).await?;
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
        self.listener.connecting();
        let Some(mut subscription) = self.subscribe(endpoint).await? else {
            return Ok(());
        };
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
                    self.record.found();
                    self.catch_up.event(self.listener.transcript.needs_snapshot());
                    self.listener.tell(changes).await?;
                }
                Some(done) = self.calls.join_next() => self.done(ended(done)).await?,
                () = sleep_until(ask_at.unwrap_or(stable_at)), if ask_at.is_some() => {
                    self.listener.was_awake()?;
                    self.ask();
                }
                () = sleep_until(stable_at), if !stable => {
                    stable = true;
                    self.listener.outage_is_over();
                }
            }
        }
        subscription.close().await;
        Ok(())
    }

    /// `None` if the session's end was heard of meanwhile.
    async fn subscribe(&mut self, endpoint: &Endpoint) -> Result<Option<Subscription>, Halt> {
        let shared = Arc::clone(&self.listener.shared);
        let session_id = self.listener.session_id;
        let mut opening = Box::pin(async {
            let token = shared.caller.token().await?;
            Subscription::open(&shared.setup, endpoint, &token, session_id).await
        });
        while !self.listener.is_over() {
            tokio::select! {
                subscription = &mut opening => return Ok(Some(subscription?)),
                Some(done) = self.calls.join_next() => self.done(ended(done)).await?,
            }
        }
        Ok(None)
    }

    async fn subscription_opened(&mut self) -> Result<(), Halt> {
        if let Some(prompt) = self.prompt.take() {
            let (shared, session_id) = (self.listener.shared.clone(), self.listener.session_id);
            self.calls
                .spawn(async move { Done::Start(shared.start(session_id, prompt).await) });
        } else {
            self.catch_up.resubscribed();
        }
        self.listener.connected().await
    }

    fn ask(&mut self) {
        let (shared, session_id) = (self.listener.shared.clone(), self.listener.session_id);
        let begun = self.listener.started;
        self.catch_up.asking();
        self.calls.spawn(async move {
            let result = shared.get(session_id).await;
            Done::Get { result, begun }
        });
    }

    async fn done(&mut self, done: Done) -> Result<(), Halt> {
        match done {
            Done::Start(result) => {
                self.starting = false;
                match result {
                    // Its answer was lost, and the session is heard of.
                    Err(error) if error.is_transient() && self.listener.started => {
                        tracing::debug!(%error, "started without an answer");
                        Ok(())
                    }
                    // The call has been sent for as long as it may help.
                    Err(error) => Err(Halt::Final(error)),
                    Ok(begins) => {
                        if !begins {
                            // What it said before this subscription is in its record.
                            self.catch_up.resubscribed();
                        }
                        self.listener.tell(Vec::new()).await
                    }
                }
            }
            Done::Get { result, begun } => {
                let snapshot = match self.snapshot_or_later(result, begun)? {
                    Said::Snapshot(snapshot) => *snapshot,
                    Said::Nothing { soon } => {
                        let gap = soon || self.listener.transcript.needs_snapshot();
                        self.catch_up.asked(gap, false);
                        return Ok(());
                    }
                };
                let queued = snapshot.status == StreamStatus::Queued;
                let changes = self.listener.transcript.snapshot(snapshot);
                let gap = self.listener.transcript.needs_snapshot();
                self.catch_up.asked(gap, queued);
                self.listener.tell(changes).await
            }
        }
    }

    fn snapshot_or_later(
        &mut self,
        result: Result<Option<Snapshot>, Error>,
        begun: bool,
    ) -> Result<Said, Halt> {
        let session_id = self.listener.session_id;
        let is_first = !self.listener.connected;
        let snapshot = match result {
            Ok(snapshot) => snapshot,
            Err(error) if is_first || matches!(error, Error::Unauthorized { .. }) => {
                return Err(Halt::Final(error));
            }
            Err(error) => {
                let give_up_after = self.listener.timeouts().give_up_after;
                self.record.unanswered(error, give_up_after)?;
                return Ok(Said::Nothing { soon: false });
            }
        };
        match snapshot {
            // The first answer decides whether there is anything to resume.
            None if is_first => return Err(Halt::Final(Error::NotFound { session_id })),
            Some(snapshot) if snapshot.status != StreamStatus::Claimed => {
                self.record.found();
                return Ok(Said::Snapshot(Box::new(snapshot)));
            }
            // Before the start has been answered there may be no session yet.
            _ if self.starting && !begun => return Ok(Said::Nothing { soon: false }),
            None => self.record.unknown()?,
            Some(_) => self.record.claimed(begun)?,
        }
        Ok(Said::Nothing { soon: true })
    }
}

/// A call's task is never aborted but with the set that owns it, so that what ends it otherwise is a panic of ours.
fn ended(done: Result<Done, JoinError>) -> Done {
    done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}
