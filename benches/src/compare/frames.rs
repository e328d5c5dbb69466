//! A WebSocket of JSON frames.

use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::error::{BenchError, Step as _};

/// No frame takes this long, so one that does never comes.
const PATIENCE: Duration = Duration::from_mins(2);

pub(super) struct Frames(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// A frame, when it came and how long it is.
pub(super) struct Frame {
    pub(super) at: Instant,
    pub(super) bytes: usize,
    pub(super) json: Value,
}

impl Frames {
    pub(super) async fn connect(request: Request) -> Result<Self, BenchError> {
        let connected = tokio_tungstenite::connect_async_with_config(request, None, true).await;
        Ok(Self(connected.to("connect")?.0))
    }

    pub(super) async fn send(&mut self, frame: &Value) -> Result<(), BenchError> {
        let sent = self.0.send(Message::text(frame.to_string())).await;
        sent.to("send a frame")
    }

    pub(super) async fn next(&mut self) -> Result<Frame, BenchError> {
        let reading = async {
            while let Some(message) = self.0.next().await {
                let Message::Text(text) = message.to("read a frame")? else {
                    continue;
                };
                return Ok(Frame {
                    at: Instant::now(),
                    bytes: text.len(),
                    json: serde_json::from_str(&text).to("read a frame")?,
                });
            }
            Err(BenchError::Wrong("the socket was closed".to_owned()))
        };
        let read = tokio::time::timeout(PATIENCE, reading).await;
        read.to("await a frame")?
    }

    /// Reads on to the first frame of a type.
    pub(super) async fn await_type(&mut self, kind: &str) -> Result<Value, BenchError> {
        loop {
            let frame = self.next().await?.json;
            let found = frame["type"].as_str().unwrap_or_default();
            if found == kind {
                return Ok(frame);
            }
            if found.ends_with("error") {
                return Err(BenchError::Wrong(format!("the socket said {frame}")));
            }
        }
    }
}
