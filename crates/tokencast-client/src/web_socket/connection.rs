//! One connection.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::split::{self, MAX_MESSAGE_BYTES};
use super::{Action, Incoming};
use crate::bounds::CLOSE;
use crate::dial::{Setup, Socket, broken, dial};
use crate::error::Error;
use crate::http::Caller;

pub(crate) struct Connection {
    socket: Socket,
    /// For a message to go out: a server that reads nothing keeps it here.
    send_within: Duration,
}

impl Connection {
    /// Connects. The token goes into a header: a URL is more likely to be written down somewhere.
    pub(crate) async fn open(caller: &Caller, setup: &Setup) -> Result<Self, Error> {
        let authorization = format!("Bearer {}", caller.bearer().await?);
        let header = (http::header::AUTHORIZATION, authorization);
        let socket = dial(setup, &caller.url, header).await?;
        Ok(Self {
            socket,
            send_within: caller.timeout,
        })
    }

    pub(crate) async fn send(&mut self, action: &Action<'_>) -> Result<(), Error> {
        let text =
            serde_json::to_string(action).map_err(|error| Error::Protocol(error.to_string()))?;
        if text.len() > MAX_MESSAGE_BYTES {
            return Err(too_long(&format!(
                "the prompt makes a message of {} bytes",
                text.len()
            )));
        }
        let sending = async {
            for frame in split::frames(text) {
                self.socket.feed(frame).await?;
            }
            self.socket.flush().await
        };
        let sent = timeout(self.send_within, sending).await;
        sent.map_err(|_| Error::Timeout {
            what: "reader of an action",
            after: self.send_within,
        })?
        .map_err(broken)
    }

    /// The next frame. Dropping the future loses none.
    pub(crate) async fn next(&mut self) -> Result<Incoming, Error> {
        loop {
            match self.socket.next().await {
                // A route's response without a body may arrive as an empty frame.
                Some(Ok(Message::Text(text))) if text.is_empty() => {}
                Some(Ok(Message::Text(text))) => return Incoming::parse(&text),
                Some(Ok(Message::Close(Some(CloseFrame {
                    code: CloseCode::Size,
                    ..
                })))) => return Err(too_long("the API closed the connection over a message")),
                Some(Ok(Message::Close(_))) | None => return Err(Error::Closed),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(broken(error)),
            }
        }
    }

    /// Says goodbye. What doesn't get through in time is left to the server to notice.
    pub(crate) async fn close(mut self) {
        if !matches!(timeout(CLOSE, self.socket.close(None)).await, Ok(Ok(()))) {
            tracing::debug!("the socket was gone before it was closed");
        }
    }
}

/// The same message would be refused each time.
fn too_long(what: &str) -> Error {
    Error::Refused {
        code: "INVALID_PROMPT".into(),
        message: format!(
            "{what}, and a WebSocket API takes {MAX_MESSAGE_BYTES} bytes at most; AppSync and a Function URL take longer prompts"
        ),
        retryable: false,
    }
}
