//! The task behind a stream over a function's URL: one response after the other, each behind what the last one brought.

use tokio::time::{Duration, Instant};

use super::Begin;
use super::listener::{Halt, Listener};
use crate::bounds::{MAX_SERVERS_PAUSE, STABLE_AFTER};
use crate::error::Error;
use crate::function_url::{EventStream, Open};

pub(super) struct Task {
    listener: Listener,
    /// What to start with, until a start was answered.
    prompt: Option<String>,
    /// The last response brought nothing, as if the session were over: the function knows of less than has come here, or its
    /// empty response is held open. All of the session, from its record, has at least the event that ends it.
    ahead: bool,
    /// When the last response brought its first byte.
    heard: Option<Instant>,
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
            heard: None,
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
                    let heard = self.heard.take();
                    if heard.is_some_and(|heard| heard.elapsed() >= STABLE_AFTER) {
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
        self.listener.connecting();
        let Listener {
            shared,
            session_id,
            transcript,
            ..
        } = &self.listener;
        let replay = self.ahead || transcript.is_in_doubt();
        let after = Some(transcript.position())
        .filter(|after| !replay && after.sequence > 0);
        let open = match &self.prompt {
            Some(prompt) => Open::Start { prompt },
            None => Open::Follow { after },
        };
        let timeouts = self.listener.timeouts();
        let sent_at = Instant::now();
        let events = EventStream::open(&shared.caller, &timeouts, *session_id, &open).await;
        if self.prompt.is_some() {
            self.listener.start_was_sent(sent_at, &events);
        }
        self.ahead |= after.is_some() && events.as_ref().is_err_and(is_empty);
        let mut events = events?;
        self.prompt = None;
        if replay {
            self.listener.replay();
        }
        self.listener.connected().await?;
        self.listener.tell(Vec::new()).await?;
        let mut brought_nothing = after.is_some();
        while !self.listener.is_over() {
            let event = events.next().await;
            self.retry = (events.retry().or(self.retry)).map(|pause| pause.min(MAX_SERVERS_PAUSE));
            self.heard = events.heard();
            self.ahead = match &event {
                Ok(_) => false,
                Err(Error::Closed) if brought_nothing => true,
                Err(error) if brought_nothing && self.heard.is_none() => is_empty(error),
                Err(_) => self.ahead,
            };
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

/// Whether a response that ended so may have been an empty one. AWS may hold such a response open, and its headers with it.
fn is_empty(error: &Error) -> bool {
    matches!(error, Error::Closed | Error::Timeout { .. })
}
