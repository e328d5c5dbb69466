//! API Gateway's WebSocket API.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use http::header::AUTHORIZATION;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::{Refused, WebSocket, Wire};

/// API Gateway takes frames of 32 KB, with their headers.
const FRAME_BYTES: usize = 30 * 1024;

/// Where a connection shows its token.
#[derive(Clone, Copy, Debug)]
pub enum Shown {
    InQuery,
    InHeader,
}

pub struct Connection {
    socket: WebSocket,
}

impl Wire {
    /// Connects.
    ///
    /// # Errors
    ///
    /// What came in place of a connection.
    pub async fn websocket(
        &self,
        url: &str,
        shown: Shown,
        token: &str,
    ) -> Result<Connection, Refused> {
        let socket = match shown {
            Shown::InQuery => {
                // A JWT has no character that a query string would have to escape.
                self.dial(&format!("{url}?token={token}"), None).await?
            }
            Shown::InHeader => {
                let header = (AUTHORIZATION, format!("Bearer {token}"));
                self.dial(url, Some(header)).await?
            }
        };
        Ok(Connection { socket })
    }
}

impl Connection {
    /// Sends a message, in several frames if it is long.
    ///
    /// # Errors
    ///
    /// The connection is gone.
    pub async fn send(&mut self, message: &Value) -> Result<(), String> {
        let text = message.to_string();
        let pieces: Vec<_> = text.as_bytes().chunks(FRAME_BYTES).collect();
        let last = pieces.len().saturating_sub(1);
        for (index, piece) in pieces.into_iter().enumerate() {
            let kind = if index == 0 {
                Data::Text
            } else {
                Data::Continue
            };
            let frame = Frame::message(piece.to_vec(), OpCode::Data(kind), index == last);
            let fed = self.socket.feed(Message::Frame(frame)).await;
            fed.map_err(|error| error.to_string())?;
        }
        self.socket.flush().await.map_err(|error| error.to_string())
    }

    /// The next frame.
    ///
    /// # Errors
    ///
    /// None comes in time, or the connection is gone.
    pub async fn next(&mut self, until: Instant) -> Result<Value, String> {
        loop {
            match timeout_at(until, self.socket.next()).await {
                Ok(Some(Ok(Message::Text(text)))) if !text.is_empty() => {
                    return serde_json::from_str(&text)
                        .map_err(|_| "a frame that is no JSON".into());
                }
                Ok(Some(Ok(Message::Close(frame)))) => {
                    let code = frame.map(|frame| frame.code.to_string());
                    return Err(format!("closed, {}", code.unwrap_or_default()));
                }
                Ok(None) => return Err("the connection has ended".into()),
                Ok(Some(Ok(_))) => {}
                Ok(Some(Err(error))) => return Err(error.to_string()),
                Err(_) => return Err("no frame came in time".into()),
            }
        }
    }

    /// Reads until a frame is wanted, and returns all frames up to it.
    ///
    /// # Errors
    ///
    /// None of them is.
    pub async fn until(
        &mut self,
        until: Instant,
        is_wanted: impl Fn(&Value) -> bool,
    ) -> Result<Vec<Value>, String> {
        let mut frames = Vec::new();
        loop {
            let frame = self.next(until).await?;
            let wanted = is_wanted(&frame);
            frames.push(frame);
            if wanted {
                return Ok(frames);
            }
        }
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        let farewell = self.socket.close(None);
        // A server that doesn't answer the farewell notices the end by itself.
        let _ = tokio::time::timeout(Duration::from_secs(1), farewell).await;
    }
}
