//! A Function URL: one response after the other, each behind what the last one brought.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::transport::{Flavour, Line, Loss, Message, Transport, Turn};
use crate::bounds::MAX_SERVERS_PAUSE;
use crate::client::Shared;
use crate::error::Error;
use crate::function_url::{EventStream, Incoming};
use crate::position::Ask;

pub(super) struct FunctionUrl {
    shared: Arc<Shared>,
    session_id: Uuid,
    line: Line<EventStream>,
    /// What an open response says before its first event.
    answer: Option<Message>,
    pause: Duration,
}

impl FunctionUrl {
    pub(super) fn new(shared: Arc<Shared>, session_id: Uuid) -> Self {
        Self {
            shared,
            session_id,
            line: Line::Down,
            answer: None,
            pause: Duration::ZERO,
        }
    }
}

impl Transport for FunctionUrl {
    const FLAVOUR: Flavour = Flavour::Replay { asks: false };

    fn connect(&mut self, ask: Ask) {
        self.answer = Some(match ask {
            Ask::Start { .. } => Message::Started(None),
            Ask::Follow { .. } => Message::Resumed(None),
        });
        let (shared, session_id) = (Arc::clone(&self.shared), self.session_id);
        self.line = Line::opening(async move {
            let timeouts = &shared.setup.timeouts;
            let opened = EventStream::open(&shared.caller, timeouts, session_id, &ask).await;
            opened.map_err(|error| Loss {
                asked: !error.is_unreached(),
                // AWS may hold an empty response open, and its headers with it.
                is_empty: matches!(error, Error::Closed | Error::Timeout { .. }),
                error,
            })
        });
    }

    async fn next(&mut self) -> Message {
        let events = match self.line.turn().await {
            Turn::Opened => return Message::Connected,
            Turn::Failed(loss) => return Message::Lost(loss),
            Turn::Open(events) => events,
        };
        if let Some(answer) = self.answer.take() {
            return answer;
        }
        let incoming = events.next().await;
        if let Some(pause) = events.retry() {
            self.pause = pause.min(MAX_SERVERS_PAUSE);
        }
        match incoming {
            Ok(Incoming::FirstByte) => Message::Heard,
            Ok(Incoming::Event(event)) => Message::Event(event),
            Err(error) => Message::Lost(Loss {
                asked: true,
                is_empty: match error {
                    Error::Closed => true,
                    Error::Timeout { .. } => !events.is_heard(),
                    _ => false,
                },
                error,
            }),
        }
    }

    /// Never asked: a response takes no questions.
    async fn ask(&mut self, _ask: Ask) -> Result<(), Error> {
        Ok(())
    }

    fn pause(&self) -> Duration {
        self.pause
    }

    fn disconnect(&mut self) {
        self.line = Line::Down;
    }

    async fn close(self) {}
}
