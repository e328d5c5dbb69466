//! Turns events into the bytes of a response.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use thiserror::Error;
use tokencast_core::block::PieceKind;
use tokencast_core::event::TokenEvent;
use tokencast_core::failure::Failure;
use tokencast_core::id::Attempt;
use tokencast_core::ports::Clock;
use tokencast_core::session::Status;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::error::UrlError;
use crate::protocols::{Wait, Writer};
use crate::reply::Whole;
use crate::sse;

/// The longest silence in a stream of events.
pub const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// The format of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `text/event-stream`.
    Events,
    /// `text/plain`: the answer's text, and nothing else.
    Text,
}

impl Format {
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Events => "text/event-stream",
            Self::Text => "text/plain; charset=utf-8",
        }
    }
}

/// The text of an answer without text. A response must have a byte, or some accounts keep it open for many minutes.
const NO_TEXT: Bytes = Bytes::from_static(b"\n");

/// The words of a body: our own, or a protocol's.
pub struct Words(Kind);

enum Kind {
    Native(Format),
    Protocol {
        writer: Box<dyn Writer>,
        /// Whether what comes before all events was taken.
        begun: bool,
    },
}

impl From<Format> for Words {
    fn from(format: Format) -> Self {
        Self(Kind::Native(format))
    }
}

impl<W: Writer + 'static> From<W> for Words {
    fn from(writer: W) -> Self {
        let writer = Box::new(writer);
        let begun = false;
        Self(Kind::Protocol { writer, begun })
    }
}

/// A response's body. If it is dropped before its end, the sender of the events hears that nobody listens.
pub struct Body<C> {
    words: Words,
    events: mpsc::Receiver<TokenEvent>,
    clock: C,
    /// The first event with text, or the last event. The head of the response has waited for it.
    first: Option<Box<TokenEvent>>,
    /// The attempt that a text is from, once there is some text.
    attempt: Option<Attempt>,
    /// The bytes of a whole answer, which the head has waited for.
    whole: Option<Bytes>,
    is_over: bool,
}

/// The rest of the answer can't go into this response. The session's record has it, or will.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BrokenOff {
    #[error("the answer failed")]
    Failed,
    #[error("the answer began anew")]
    Restarted,
    #[error("the answer goes on elsewhere")]
    Interrupted,
}

impl<C: Clock> Body<C> {
    pub fn new(words: impl Into<Words>, events: mpsc::Receiver<TokenEvent>, clock: C) -> Self {
        let words = words.into();
        Self {
            words,
            events,
            clock,
            first: None,
            attempt: None,
            whole: None,
            is_over: false,
        }
    }

    pub fn content_type(&self) -> &'static str {
        match &self.words.0 {
            Kind::Native(format) => format.content_type(),
            Kind::Protocol { writer, .. } => writer.content_type(),
        }
    }

    /// The headers that the protocol has besides.
    pub fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        match &self.words.0 {
            Kind::Native(_) => Vec::new(),
            Kind::Protocol { writer, .. } => writer.headers(),
        }
    }

    /// The response to an answer that failed before its head was sent.
    pub fn refusal(&self, error: UrlError) -> Whole {
        match &self.words.0 {
            Kind::Native(_) => error.into(),
            Kind::Protocol { writer, .. } => writer.refusal(error),
        }
    }

    fn is_text(&self) -> bool {
        matches!(self.words.0, Kind::Native(Format::Text))
    }

    /// Waits until there is an answer. A stream of events can tell a failure later, a text cannot.
    ///
    /// # Errors
    ///
    /// The answer failed or was interrupted before the head of the response may be sent.
    pub async fn begin(&mut self) -> Result<(), UrlError> {
        match &self.words.0 {
            Kind::Native(Format::Events) => Ok(()),
            Kind::Native(Format::Text) => self.first_text().await,
            Kind::Protocol { writer, .. } => match writer.waits() {
                Wait::Nothing => Ok(()),
                Wait::Begin => self.first_event().await,
                Wait::End => self.whole().await,
            },
        }
    }

    /// Waits for the first event, but no longer than a stream may be silent.
    async fn first_event(&mut self) -> Result<(), UrlError> {
        let Ok(event) = timeout(KEEP_ALIVE_INTERVAL, self.events.recv()).await else {
            return Ok(());
        };
        let event = event.ok_or(UrlError::Interrupted)?;
        if let Some(failure) = failure(&event) {
            self.is_over = true;
            return Err(UrlError::Answer(failure));
        }
        self.first = Some(Box::new(event));
        Ok(())
    }

    /// Waits for the whole answer.
    async fn whole(&mut self) -> Result<(), UrlError> {
        while let Some(event) = self.events.recv().await {
            self.is_over = event.is_complete();
            if let Some(failure) = failure(&event) {
                return Err(UrlError::Answer(failure));
            }
            let Kind::Protocol { writer, .. } = &mut self.words.0 else {
                break;
            };
            let bytes = writer.event(&event).map_err(|_| UrlError::Interrupted)?;
            if self.is_over {
                self.whole = Some(bytes);
                return Ok(());
            }
        }
        Err(UrlError::Interrupted)
    }

    /// Waits for the first text.
    async fn first_text(&mut self) -> Result<(), UrlError> {
        loop {
            let Some(event) = self.events.recv().await else {
                return Err(UrlError::Interrupted);
            };
            match failure(&event) {
                Some(failure) => {
                    self.is_over = true;
                    return Err(UrlError::Answer(failure));
                }
                // Reasoning and the like are no part of a text.
                _ if !event.is_complete() && event.token().is_empty() => {}
                _ => {
                    self.first = Some(Box::new(event));
                    return Ok(());
                }
            }
        }
    }

    /// The next bytes; `None` at the end. Cancel-safe.
    pub async fn next(&mut self) -> Option<Result<Bytes, BrokenOff>> {
        if let Kind::Protocol { writer, begun } = &mut self.words.0
            && !*begun
        {
            *begun = true;
            let bytes = writer.begin();
            if !bytes.is_empty() {
                return Some(Ok(bytes));
            }
        }
        if let Some(whole) = self.whole.take() {
            return Some(Ok(whole));
        }
        while !self.is_over {
            let event = match self.first.take() {
                Some(first) => Some(*first),
                None if self.is_text() => self.events.recv().await,
                None => match timeout(KEEP_ALIVE_INTERVAL, self.events.recv()).await {
                    Ok(event) => event,
                    Err(_) => return Some(Ok(sse::KEEP_ALIVE)),
                },
            };
            let Some(event) = event else {
                self.is_over = true;
                return Some(self.interrupted());
            };
            self.is_over = event.is_complete();
            match &mut self.words.0 {
                Kind::Native(Format::Events) => {
                    return Some(Ok(sse::frame(&event, self.clock.now())));
                }
                Kind::Native(Format::Text) => {
                    if let Some(bytes) = self.text(event).transpose() {
                        return Some(bytes);
                    }
                    if self.is_over && self.attempt.is_none() {
                        return Some(Ok(NO_TEXT));
                    }
                }
                // The response stays open: Lambda takes the invocation for done once it is complete.
                Kind::Protocol { writer, .. } if writer.has_ended() => {}
                Kind::Protocol { writer, .. } => {
                    let written = writer.event(&event);
                    self.is_over |= written.is_err();
                    match written {
                        Ok(bytes) if bytes.is_empty() => {}
                        written => return Some(written),
                    }
                }
            }
        }
        None
    }

    /// The end of a response whose answer goes on elsewhere.
    fn interrupted(&mut self) -> Result<Bytes, BrokenOff> {
        match &mut self.words.0 {
            Kind::Native(_) => Err(BrokenOff::Interrupted),
            Kind::Protocol { writer, .. } => {
                let last = writer.interrupted();
                (!last.is_empty())
                    .then_some(last)
                    .ok_or(BrokenOff::Interrupted)
            }
        }
    }

    /// The bytes that an event adds to a text, if any.
    fn text(&mut self, event: TokenEvent) -> Result<Option<Bytes>, BrokenOff> {
        if event.status == Status::Failed {
            return Err(BrokenOff::Failed);
        }
        // An end without a piece of its own attempt keeps the text of the one before.
        let Some(piece) = event.piece else {
            return Ok(None);
        };
        // The newer answer may have no text at all. What was sent isn't it in any case.
        if self.attempt.is_some_and(|attempt| attempt != event.attempt) {
            self.is_over = true;
            return Err(BrokenOff::Restarted);
        }
        if piece.kind != PieceKind::Text {
            return Ok(None);
        }
        self.attempt = Some(event.attempt);
        Ok(Some(Bytes::from(piece.content)))
    }
}

/// Why an answer failed, if the event says so.
fn failure(event: &TokenEvent) -> Option<Failure> {
    let ending = event.ending.as_ref();
    let failure = ending.and_then(|ending| ending.failure.clone());
    failure.filter(|_| event.status == Status::Failed)
}

#[cfg(test)]
mod tests;
