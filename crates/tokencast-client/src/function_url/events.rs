//! The events of one response.

use reqwest::Response;
use tokio::time::{Duration, Instant, timeout_at};
use uuid::Uuid;

use super::sse::Parser;
use super::{Open, open};
use crate::bounds::Timeouts;
use crate::error::Error;
use crate::event::TokenEvent;
use crate::http::Caller;

/// A response that is being read.
pub(crate) struct EventStream {
    response: Response,
    parser: Parser,
    /// The server says something at least this often, or the connection is dead.
    max_silence: Duration,
    silent_until: Instant,
    /// When the first byte came.
    heard: Option<Instant>,
}

impl EventStream {
    /// Starts a session, or goes on with one.
    pub(crate) async fn open(
        caller: &Caller,
        timeouts: &Timeouts,
        session_id: Uuid,
        how: &Open<'_>,
    ) -> Result<Self, Error> {
        let response = open(caller, session_id, how).await?;
        let max_silence = timeouts.stream_silence;
        Ok(Self {
            response,
            parser: Parser::default(),
            max_silence,
            silent_until: Instant::now() + max_silence,
            heard: None,
        })
    }

    /// The next event. The end of the response is [`Error::Closed`]; whether it came too early, the events tell.
    pub(crate) async fn next(&mut self) -> Result<TokenEvent, Error> {
        loop {
            while let Some(event) = self.parser.next() {
                if !matches!(event.name.as_str(), "token" | "complete" | "error") {
                    continue;
                }
                if let Ok(event) = serde_json::from_str(&event.data) {
                    return Ok(event);
                }
                // Serde's own words may quote the token. The gap that it leaves will be noticed.
                tracing::warn!(id = event.id, "an event of another shape");
            }
            self.read().await?;
        }
    }

    /// When the first byte of the body came, a comment's included.
    pub(crate) fn heard(&self) -> Option<Instant> {
        self.heard
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
                self.heard.get_or_insert_with(Instant::now);
                self.parser.push(&piece)
            }
            None => Err(Error::Closed),
        }
    }
}
