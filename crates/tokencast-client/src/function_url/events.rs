//! The events of one response.

use reqwest::Response;
use tokio::time::{Duration, Instant, timeout_at};
use uuid::Uuid;

use super::open;
use super::sse::Parser;
use crate::bounds::Timeouts;
use crate::error::Error;
use crate::event::TokenEvent;
use crate::http::Caller;
use crate::position::Ask;

/// A response that is being read.
pub(crate) struct EventStream {
    response: Response,
    parser: Parser,
    /// The server says something at least this often, or the connection is dead.
    max_silence: Duration,
    silent_until: Instant,
    /// Whether the first byte of the body has come, a comment's included.
    is_heard: bool,
}

/// What a response brings.
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, and nearly always an event"
)]
pub(crate) enum Incoming {
    /// The first byte, whatever it is of.
    FirstByte,
    Event(TokenEvent),
}

impl EventStream {
    /// Starts a session, or goes on with one.
    pub(crate) async fn open(
        caller: &Caller,
        timeouts: &Timeouts,
        session_id: Uuid,
        ask: &Ask,
    ) -> Result<Self, Error> {
        let response = open(caller, session_id, ask).await?;
        let max_silence = timeouts.stream_silence;
        Ok(Self {
            response,
            parser: Parser::default(),
            max_silence,
            silent_until: Instant::now() + max_silence,
            is_heard: false,
        })
    }

    /// The first byte, and then each event. The end of the response is [`Error::Closed`]; whether it came too early, the events
    /// tell. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Incoming, Error> {
        loop {
            while let Some(event) = self.parser.next() {
                if !matches!(event.name.as_str(), "token" | "complete" | "error") {
                    continue;
                }
                if let Ok(event) = serde_json::from_str(&event.data) {
                    return Ok(Incoming::Event(event));
                }
                // Serde's own words may quote the token. The gap that it leaves will be noticed.
                tracing::warn!(id = event.id, "an event of another shape");
            }
            let was_heard = self.is_heard;
            self.read().await?;
            if !was_heard {
                return Ok(Incoming::FirstByte);
            }
        }
    }

    pub(crate) fn is_heard(&self) -> bool {
        self.is_heard
    }

    /// What the server wants a client to wait before it comes again.
    pub(crate) fn retry(&self) -> Option<Duration> {
        self.parser.retry_ms().map(Duration::from_millis)
    }

    /// The next piece of the body. What has arrived is read before the time is looked at, so that a reader who paused
    /// doesn't mistake its own silence for the server's.
    async fn read(&mut self) -> Result<(), Error> {
        let piece = timeout_at(self.silent_until, self.response.chunk())
            .await
            .map_err(|_| Error::Timeout {
                what: "keep-alive",
                after: self.max_silence,
            })?;
        self.silent_until = Instant::now() + self.max_silence;
        match piece.map_err(Error::Broken)? {
            Some(piece) => {
                self.is_heard = true;
                self.parser.push(&piece)
            }
            None => Err(Error::Closed),
        }
    }
}
