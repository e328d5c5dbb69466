//! The task behind a stream over a function's URL: one response after the other, each behind what the last one brought.

use tokio::time::{Duration, Instant};

use super::Begin;
use super::listener::{Halt, Listener, STABLE_AFTER};
use crate::error::Error;
use crate::function_url::{EventStream, Open, Position};

pub(super) struct Task {
    listener: Listener,
    /// What to start with, until a start was answered.
    prompt: Option<String>,
    /// The last response ended at once, as if the session were over: the function knows of less than has come here.
    ahead: bool,
    /// When the last response began.
    opened: Option<Instant>,
    /// What the server wants a client to wait before it comes again.
    retry: Option<Duration>,
}

impl Task {
    pub(super) fn new(listener: Listener, begin: Begin) -> Self {
        let prompt = match begin {
            Begin::Start { prompt } => Some(prompt),
            Begin::Resume => None,
        };
        Self {
            listener,
            prompt,
            ahead: false,
            opened: None,
            retry: None,
        }
    }

    pub(super) async fn run(mut self) {
        let result = self.listen().await;
        self.listener.finish(result).await;
    }

    async fn listen(&mut self) -> Result<(), Halt> {
        while !self.listener.is_over() {
            match self.response().await {
                Err(Halt::Failed(error)) => {
                    let opened = self.opened.take();
                    if opened.is_some_and(|opened| opened.elapsed() >= STABLE_AFTER) {
                        self.listener.outage_is_over();
                    }
                    self.listener.pause(error, self.retry).await?;
                }
                other => other?,
            }
        }
        Ok(())
    }

    /// One response, until the session ends or the response does.
    async fn response(&mut self) -> Result<(), Halt> {
        let Listener {
            shared,
            session_id,
            transcript,
            ..
        } = &self.listener;
        let replay = self.ahead || transcript.is_in_doubt();
        let after = Some(Position {
            attempt: transcript.attempt(),
            sequence: transcript.sequence(),
        })
        .filter(|after| !replay && after.sequence > 0);
        let open = match &self.prompt {
            Some(prompt) => Open::Start { prompt },
            None => Open::Follow { after },
        };
        let timeouts = self.listener.timeouts();
        let events = EventStream::open(&shared.caller, &timeouts, *session_id, &open).await;
        self.ahead = after.is_some() && matches!(events, Err(Error::Closed));
        let mut events = events?;
        self.prompt = None;
        self.opened = Some(Instant::now());
        if replay {
            self.listener.replay();
        }
        self.listener.connected().await?;
        self.listener.tell(Vec::new()).await?;
        let mut brought_nothing = after.is_some();
        while !self.listener.is_over() {
            let event = events.next().await;
            self.retry = events.retry().or(self.retry);
            self.ahead = brought_nothing && matches!(event, Err(Error::Closed));
            let changes = self.listener.take(event?);
            if !changes.is_empty() {
                brought_nothing = false;
                self.listener.outage_is_over();
            }
            self.listener.tell(changes).await?;
            if self.listener.transcript.needs_snapshot() && !self.listener.is_replaying() {
                // Events come in order here, so that what is missing now won't come by itself.
                return Err(Error::Missing.into());
            }
        }
        Ok(())
    }
}
