//! A client of the WebSocket API by hand, with the sessions that it follows.

use std::collections::HashMap;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::{TestStack, within};

/// API Gateway's limit for a frame.
const MAX_FRAME_BYTES: usize = 32 * 1024;

/// How a client shows its token.
#[derive(Clone, Copy, Debug)]
pub enum Shown {
    InQuery,
    InHeader,
}

/// One connection. Dropping it cuts the connection without a close frame.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The followed sessions, by their ids.
    pub sessions: HashMap<String, Followed>,
}

/// What arrived of one session, put together by attempt and sequence. A gap fails the test.
#[derive(Clone, Debug, Default)]
pub struct Followed {
    pub text: String,
    pub attempt: u64,
    pub sequence: u64,
    /// The number of frames with new text.
    pub pieces: usize,
    /// The number of these frames that hold several events.
    pub joined: usize,
    /// The number of frames of an older attempt.
    pub stale: usize,
    /// The terminal event's frame.
    pub ending: Option<Value>,
}

impl Followed {
    pub fn status(&self) -> &str {
        let ending = self.ending.as_ref().expect("it is over");
        ending["status"].as_str().expect("a status")
    }

    /// Returns the state that a resumed client starts from.
    #[must_use]
    pub fn known(&self) -> Self {
        Self {
            pieces: 0,
            joined: 0,
            stale: 0,
            ending: None,
            ..self.clone()
        }
    }

    fn take(&mut self, event: &Value) {
        let number = |name: &str| event[name].as_u64().unwrap_or_else(|| panic!("{event}"));
        let (attempt, last) = (number("attempt"), number("sequence"));
        let first = event["firstSequence"].as_u64().unwrap_or(last);
        if attempt < self.attempt || attempt == self.attempt && last <= self.sequence {
            self.stale += usize::from(attempt < self.attempt);
            return;
        }
        if attempt > self.attempt {
            *self = Self {
                attempt,
                ..Self::default()
            };
        }
        assert_eq!(first, self.sequence + 1, "no gap and no overlap: {event}");
        self.sequence = last;
        let token = event["token"].as_str().expect("a token");
        self.text.push_str(token);
        if event["isComplete"] == json!(true) {
            self.ending = Some(event.clone());
        } else {
            self.pieces += 1;
            self.joined += usize::from(first < last);
        }
    }
}

impl Socket {
    pub async fn send(&mut self, message: &Value) {
        self.send_text(&message.to_string()).await;
    }

    pub async fn send_text(&mut self, text: &str) {
        // API Gateway takes a message of more than 32 KB in several frames only.
        assert!(text.len() <= MAX_FRAME_BYTES, "one frame");
        let sent = self.stream.send(Message::text(text)).await;
        sent.expect("the connection lives");
    }

    /// Returns the next frame. An event's frame is first added to its session.
    pub async fn next(&mut self) -> Value {
        loop {
            let frame = within("the next frame", self.stream.next()).await;
            let text = match frame.expect("the connection lives").expect("a frame") {
                Message::Text(text) => text,
                Message::Ping(_) | Message::Pong(_) => continue,
                other => panic!("no text: {other:?}"),
            };
            assert!(text.len() < MAX_FRAME_BYTES, "{} bytes", text.len());
            let frame: Value = serde_json::from_str(&text).expect("JSON");
            if let Some(id) = frame["sessionId"].as_str()
                && frame.get("sequence").is_some()
            {
                self.sessions.entry(id.to_owned()).or_default().take(&frame);
            }
            return frame;
        }
    }

    /// Sends a message, and waits for the reply. Events may come before it.
    pub async fn ask(&mut self, message: &Value, answer: &str) -> Value {
        self.send(message).await;
        loop {
            let frame = self.next().await;
            if frame["type"] == json!(answer) && frame.get("sequence").is_none() {
                return frame;
            }
            assert!(frame.get("sequence").is_some(), "{frame}");
        }
    }

    /// Starts a session, and returns its id.
    pub async fn start(&mut self, prompt: &str) -> String {
        let message = json!({ "action": "stream", "prompt": prompt });
        let started = self.ask(&message, "started").await;
        started["sessionId"].as_str().expect("an id").to_owned()
    }

    /// Resumes a session from what is known of it. Returns the reply's status.
    pub async fn resume(&mut self, id: &str, known: Followed) -> String {
        let (attempt, sequence) = (known.attempt, known.sequence);
        self.sessions.insert(id.to_owned(), known);
        let message = json!({ "action": "resume", "sessionId": id, "attempt": attempt, "sequence": sequence });
        let resumed = self.ask(&message, "resumed").await;
        assert_eq!(resumed["sessionId"], json!(id));
        resumed["status"].as_str().expect("a status").to_owned()
    }

    /// Reads until a session is over.
    pub async fn end_of(&mut self, id: &str) -> Followed {
        self.until(id, |session| session.ending.is_some()).await
    }

    /// Reads until so many events of a session have arrived. It does not read on to the terminal event.
    pub async fn events_of(&mut self, id: &str, events: u64) -> Followed {
        let enough = |session: &Followed| session.sequence >= events;
        self.until(id, enough).await
    }

    /// Reads until so many bytes of a session's text have arrived. It does not read on to the terminal event.
    pub async fn text_of(&mut self, id: &str, bytes: usize) -> Followed {
        let enough = |session: &Followed| session.text.len() >= bytes;
        self.until(id, enough).await
    }

    async fn until(&mut self, id: &str, is_enough: impl Fn(&Followed) -> bool) -> Followed {
        loop {
            if let Some(session) = self.sessions.get(id).filter(|session| is_enough(session)) {
                return session.clone();
            }
            self.next().await;
        }
    }

    /// Closes the connection with a close frame.
    pub async fn close(mut self) {
        self.stream.close(None).await.expect("closed");
    }
}

impl TestStack {
    /// Connects as one of the users.
    pub async fn websocket(&self, user: &str) -> Socket {
        let token = self.access_token(user);
        self.websocket_with(Shown::InQuery, &token)
            .await
            .expect("connected")
    }

    /// Connects with this token.
    ///
    /// # Errors
    ///
    /// The status of the refused handshake.
    pub async fn websocket_with(&self, shown: Shown, token: &str) -> Result<Socket, u16> {
        let url = self.running.info.websocket_url.as_ref().expect("a URL");
        let mut request = match shown {
            Shown::InQuery => {
                let encode = |byte: u8| match byte {
                    b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' => {
                        char::from(byte).to_string()
                    }
                    _ => format!("%{byte:02x}"),
                };
                let token: String = token.bytes().map(encode).collect();
                format!("{url}?token={token}").into_client_request()
            }
            Shown::InHeader => url.into_client_request(),
        }
        .expect("a URL");
        if let Shown::InHeader = shown {
            let Ok(value) = format!("Bearer {token}").parse() else {
                return Err(400);
            };
            request.headers_mut().insert("authorization", value);
        }
        self.handshake(request).await
    }

    /// Connects with two `Authorization` headers.
    ///
    /// # Errors
    ///
    /// The status of the refused handshake.
    pub async fn websocket_given_twice(&self, token: &str) -> Result<Socket, u16> {
        let url = self.running.info.websocket_url.as_ref().expect("a URL");
        let mut request = url.into_client_request().expect("a URL");
        for _ in 0..2 {
            let value = format!("Bearer {token}").parse().expect("a header");
            request.headers_mut().append("authorization", value);
        }
        self.handshake(request).await
    }

    async fn handshake(&self, request: Request) -> Result<Socket, u16> {
        match Box::pin(within("a handshake", connect_async(request))).await {
            Ok((stream, _)) => Ok(Socket {
                stream,
                sessions: HashMap::new(),
            }),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("no handshake: {error}"),
        }
    }
}
