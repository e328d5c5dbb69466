//! A WebSocket API: the start, its events and `resume` on one connection.

use std::sync::Arc;

use uuid::Uuid;

use super::transport::{Flavour, Line, Loss, Message, Transport, Turn};
use crate::client::Shared;
use crate::error::Error;
use crate::position::Ask;
use crate::web_socket::{Action, Connection, Incoming};

pub(super) struct WebSocket {
    shared: Arc<Shared>,
    session_id: Uuid,
    line: Line<Connection>,
}

impl WebSocket {
    pub(super) fn new(shared: Arc<Shared>, session_id: Uuid) -> Self {
        Self {
            shared,
            session_id,
            line: Line::Down,
        }
    }
}

impl Transport for WebSocket {
    const FLAVOUR: Flavour = Flavour::Replay { asks: true };

    fn connect(&mut self, ask: Ask) {
        let (shared, session_id) = (Arc::clone(&self.shared), self.session_id);
        self.line = Line::opening(async move {
            let mut connection = Connection::open(&shared.caller, &shared.setup).await?;
            let sent = connection.send(&action(session_id, &ask)).await;
            sent.map_err(|error| Loss {
                asked: true,
                ..Loss::from(error)
            })?;
            Ok(connection)
        });
    }

    async fn next(&mut self) -> Message {
        let ours = self.session_id;
        loop {
            let connection = match self.line.turn().await {
                Turn::Opened => return Message::Connected,
                Turn::Failed(loss) => return Message::Lost(loss),
                Turn::Open(connection) => connection,
            };
            match connection.next().await {
                Ok(Incoming::Started { session_id, status }) if session_id == ours => {
                    return Message::Started(Some(status));
                }
                Ok(Incoming::Resumed { session_id, status }) if session_id == ours => {
                    return Message::Resumed(Some(status));
                }
                Ok(Incoming::Event { session_id, event }) if session_id == ours => {
                    return Message::Event(event);
                }
                Ok(Incoming::Refused { session_id, error })
                    if session_id.is_none_or(|session_id| session_id == ours) =>
                {
                    return Message::Lost(Loss::from(error));
                }
                Ok(_) => {}
                Err(error) => return Message::Lost(Loss::from(error)),
            }
        }
    }

    async fn ask(&mut self, ask: Ask) -> Result<(), Error> {
        match &mut self.line {
            Line::Open(connection) => connection.send(&action(self.session_id, &ask)).await,
            Line::Down | Line::Opening(_) => Err(Error::Closed),
        }
    }

    fn disconnect(&mut self) {
        self.line = Line::Down;
    }

    async fn close(self) {
        if let Line::Open(connection) = self.line {
            connection.close().await;
        }
    }
}

fn action(session_id: Uuid, ask: &Ask) -> Action<'_> {
    match ask {
        Ask::Start { prompt } => Action::Stream { prompt, session_id },
        Ask::Follow { after } => Action::Resume {
            session_id,
            position: after.unwrap_or_default(),
        },
    }
}
