//! One subscriber's socket.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::frames;
use crate::error::{BenchError, Step as _};

/// The sequence number comes last, so that a frame ends with it.
const SUBSCRIBE: &str = "subscription($sessionId: String!) { onTokenReceived(sessionId: $sessionId) { sessionId token isComplete attempt status sequence } }";

/// No answer takes this long, so one that does never comes.
const PATIENCE: Duration = Duration::from_mins(1);
const READ_BYTES: usize = 4096;

/// Whom to connect to, and as whom.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// A stack's AppSync: subscribes to a session.
    AppSync {
        address: SocketAddr,
        token: String,
        session_id: String,
    },
    /// Sends to whoever is connected.
    Broadcast { address: SocketAddr },
}

#[derive(Debug)]
pub(crate) struct Subscriber {
    stream: TcpStream,
    bytes: BytesMut,
}

impl Subscriber {
    /// Connected, and subscribed.
    pub(crate) async fn connect(target: &Target) -> Result<Self, BenchError> {
        let connecting = async {
            match target {
                Target::Broadcast { address } => Self::upgrade(*address, "/", "").await,
                Target::AppSync {
                    address,
                    token,
                    session_id,
                } => Self::subscribe(*address, token, session_id).await,
            }
        };
        tokio::time::timeout(PATIENCE, connecting)
            .await
            .to("connect a subscriber")?
    }

    async fn subscribe(
        address: SocketAddr,
        token: &str,
        session_id: &str,
    ) -> Result<Self, BenchError> {
        let host = format!("localhost:{}", address.port());
        let headers = format!("sec-websocket-protocol: graphql-ws\r\nauthorization: {token}\r\n");
        let mut subscriber = Self::upgrade(address, "/graphql/realtime", &headers).await?;
        subscriber.send(r#"{"type":"connection_init"}"#).await?;
        let variables = json!({ "sessionId": session_id });
        let data = json!({ "query": SUBSCRIBE, "variables": variables }).to_string();
        let authorization = json!({ "host": host, "Authorization": token });
        let extensions = json!({ "authorization": authorization });
        let payload = json!({ "data": data, "extensions": extensions });
        let start = json!({ "id": session_id, "type": "start", "payload": payload });
        subscriber.send(&start.to_string()).await?;
        loop {
            let frame = subscriber.next().await?;
            let text = String::from_utf8_lossy(&frame);
            if text.contains("start_ack") {
                return Ok(subscriber);
            }
            if text.contains("error") {
                return Err(BenchError::Wrong(format!("the socket said {text}")));
            }
        }
    }

    async fn upgrade(address: SocketAddr, path: &str, headers: &str) -> Result<Self, BenchError> {
        let mut stream = TcpStream::connect(address).await.to("connect")?;
        stream.set_nodelay(true).to("connect")?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).await.to("connect")?;
        let mut bytes = BytesMut::with_capacity(READ_BYTES);
        let head = loop {
            if stream.read_buf(&mut bytes).await.to("connect")? == 0 {
                return Err(BenchError::Wrong("the upgrade was refused".to_owned()));
            }
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break bytes.split_to(end + 4);
            }
        };
        if !head.starts_with(b"HTTP/1.1 101 ") {
            let head = String::from_utf8_lossy(&head).into_owned();
            return Err(BenchError::Wrong(format!("the upgrade got {head}")));
        }
        Ok(Self { stream, bytes })
    }

    async fn send(&mut self, text: &str) -> Result<(), BenchError> {
        let sent = self.stream.write_all(&frames::masked_text(text)).await;
        sent.to("send a frame")
    }

    /// The next frame that is there already.
    pub(crate) fn try_next(&mut self) -> Option<Bytes> {
        frames::take(&mut self.bytes)
    }

    /// Waits for more. False: the connection is closed.
    pub(crate) async fn fill(&mut self) -> bool {
        self.bytes.reserve(READ_BYTES);
        matches!(self.stream.read_buf(&mut self.bytes).await, Ok(1..))
    }

    async fn next(&mut self) -> Result<Bytes, BenchError> {
        loop {
            if let Some(frame) = self.try_next() {
                return Ok(frame);
            }
            if !self.fill().await {
                return Err(BenchError::Wrong("a socket was closed".to_owned()));
            }
        }
    }

    /// Whether the other side has ended the connection, once everything that it sent is read.
    pub(crate) async fn was_cut(mut self) -> bool {
        let drained = async {
            while self.fill().await {
                self.bytes.clear();
            }
        };
        tokio::time::timeout(Duration::from_secs(5), drained)
            .await
            .is_ok()
    }
}
