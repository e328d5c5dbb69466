//! A chat of the AI SDK by hand: requests, and chunks as they come, over the Function URL and over a WebSocket.

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::websocket::Socket;
use crate::{TestStack, within};

/// A UI message stream as it arrives.
#[derive(Debug)]
pub struct Chunks {
    response: Response,
    waiting: Vec<u8>,
    /// How many comments came.
    pub comments: usize,
}

/// The end of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By `[DONE]`.
    Done,
    /// Without a last chunk: a chat takes that for a lost connection.
    BrokenOff,
}

impl Chunks {
    /// Reads a response, which must be a UI message stream.
    pub fn of(response: Response) -> Self {
        assert_eq!(response.status(), StatusCode::OK);
        for (name, expected) in [
            ("content-type", "text/event-stream"),
            ("cache-control", "no-store, no-transform"),
            ("x-accel-buffering", "no"),
            ("x-vercel-ai-ui-message-stream", "v1"),
        ] {
            let value = response.headers().get(name);
            let value = value.and_then(|it| it.to_str().ok());
            assert_eq!(value, Some(expected), "{name}");
        }
        Self {
            response,
            waiting: Vec::new(),
            comments: 0,
        }
    }

    /// The next chunk.
    ///
    /// # Errors
    ///
    /// The stream is over.
    pub async fn next(&mut self) -> Result<Value, End> {
        loop {
            if let Some(end) = self.waiting.windows(2).position(|two| two == b"\n\n") {
                let lines: Vec<_> = self.waiting.drain(..end + 2).collect();
                let lines = std::str::from_utf8(&lines).expect("UTF-8").trim_end();
                if lines.starts_with(':') {
                    self.comments += 1;
                    continue;
                }
                let data = lines.strip_prefix("data: ").expect("data");
                if data == "[DONE]" {
                    return Err(End::Done);
                }
                return Ok(serde_json::from_str(data).expect("JSON"));
            }
            match within("more of a stream", self.response.chunk()).await {
                Ok(Some(bytes)) => self.waiting.extend_from_slice(&bytes),
                Ok(None) | Err(_) => return Err(End::BrokenOff),
            }
        }
    }

    /// Reads until the answer's text has come so far.
    pub async fn until_text(&mut self, at_least: usize) -> String {
        let mut text = String::new();
        while text.len() < at_least {
            let chunk = self.next().await.expect("more");
            text.push_str(chunk["delta"].as_str().unwrap_or_default());
        }
        text
    }

    /// Reads to the end.
    pub async fn rest(&mut self) -> (Vec<Value>, End) {
        let mut chunks = Vec::new();
        loop {
            match self.next().await {
                Ok(chunk) => chunks.push(chunk),
                Err(end) => return (chunks, end),
            }
        }
    }

    /// Reads an answer that ends well, and puts it together as a chat does.
    pub async fn whole(&mut self) -> Message {
        let (chunks, end) = self.rest().await;
        assert_eq!(end, End::Done);
        Message::of(&chunks)
    }
}

/// An answer as a chat shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    pub id: String,
    pub text: String,
    pub reasoning: String,
    /// `finishReason`, `abort`, or `error: …`.
    pub end: String,
    /// How often the step was reset.
    pub resets: usize,
}

impl Message {
    /// Puts chunks together. One out of place fails the test.
    pub fn of(chunks: &[Value]) -> Self {
        let (mut message, mut open) = (Self::default(), None);
        for chunk in chunks {
            let text = |name: &str| chunk[name].as_str().unwrap_or_default().to_owned();
            assert!(message.end.is_empty(), "behind the end: {chunk}");
            match chunk["type"].as_str().expect("a type") {
                "start" => message.id = text("messageId"),
                "start-step" | "finish-step" | "source-url" => {}
                "text-start" | "reasoning-start" => {
                    assert_eq!(open.replace(text("id")), None, "{chunk}");
                }
                "text-delta" => {
                    assert_eq!(open, Some(text("id")), "{chunk}");
                    message.text.push_str(&text("delta"));
                }
                "reasoning-delta" => {
                    assert_eq!(open, Some(text("id")), "{chunk}");
                    message.reasoning.push_str(&text("delta"));
                }
                "text-end" | "reasoning-end" => {
                    assert_eq!(open.take(), Some(text("id")), "{chunk}");
                }
                "reset-step" => {
                    open = None;
                    message.resets += 1;
                    message.text.clear();
                    message.reasoning.clear();
                }
                "finish" => message.end = text("finishReason"),
                "abort" => "abort".clone_into(&mut message.end),
                "error" => message.end = format!("error: {}", text("errorText")),
                other => panic!("{other}: {chunk}"),
            }
        }
        message
    }
}

/// A message of the user.
pub fn user(id: &str, text: &str) -> Value {
    json!({ "id": id, "role": "user", "parts": [{ "type": "text", "text": text }] })
}

/// An answer as a chat sends it back.
pub fn answer(id: &str, text: &str) -> Value {
    let text = json!({ "type": "text", "text": text, "state": "done" });
    json!({ "id": id, "role": "assistant", "parts": [{ "type": "step-start" }, text] })
}

impl TestStack {
    /// Makes the request of a chat, as `alice`.
    pub fn chat_request(&self, chat: &str, trigger: &str, messages: &[Value]) -> RequestBuilder {
        let body = json!({ "id": chat, "trigger": trigger, "messages": messages });
        self.url(Method::POST, "ai-sdk", "alice").json(&body)
    }

    /// Submits the last of these messages.
    pub async fn chat(&self, chat: &str, messages: &[Value]) -> Chunks {
        let request = self.chat_request(chat, "submit-message", messages);
        self.chat_of(request).await
    }

    /// Sends a request whose response is a stream.
    pub async fn chat_of(&self, request: RequestBuilder) -> Chunks {
        Chunks::of(self.sent(request).await)
    }

    /// Resumes the answer that runs in a chat. `None` if there is none.
    pub async fn resume_chat(&self, chat: &str) -> Option<Chunks> {
        let path = format!("ai-sdk/{chat}/stream");
        let response = self.sent(self.url(Method::GET, &path, "alice")).await;
        (response.status() != StatusCode::NO_CONTENT).then(|| Chunks::of(response))
    }

    /// The turn that another one continues.
    pub async fn parent_of(&self, session_id: &str) -> Value {
        let document = "query($id: String!) { getStream(sessionId: $id) { parentId } }";
        let answer = self.graphql("alice", document, json!({ "id": session_id }));
        answer.await["data"]["getStream"]["parentId"].clone()
    }

    /// The messages of a chat, as a page reads them that loads.
    pub async fn chat_messages(&self, chat: &str) -> Vec<Value> {
        let path = format!("ai-sdk/{chat}/messages");
        let response = self.sent(self.url(Method::GET, &path, "alice")).await;
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.expect("messages")
    }

    /// Sends a request.
    pub async fn sent(&self, request: RequestBuilder) -> Response {
        let sent = within("a response", request.send());
        sent.await.expect("a response")
    }
}

/// One request over a WebSocket, by the rules of `WebSocketChatTransport`.
#[derive(Debug)]
pub struct ChatRequest {
    id: String,
    /// The number of the next chunk.
    sequence: u64,
    pub chunks: Vec<Value>,
}

/// How a request over a WebSocket ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestEnd {
    End,
    NoActive,
    Error(String),
}

impl ChatRequest {
    /// Submits the last of these messages.
    pub async fn send(socket: &mut Socket, id: &str, chat: &str, messages: &[Value]) -> Self {
        let frame = json!({
            "type": "send", "requestId": id, "id": chat, "trigger": "submit-message", "messages": messages,
            "headers": {}, "body": {},
        });
        Self::of(socket, id, &frame).await
    }

    /// Resumes the answer that runs in a chat.
    pub async fn resume(socket: &mut Socket, id: &str, chat: &str) -> Self {
        let frame =
            json!({ "type": "resume", "requestId": id, "id": chat, "headers": {}, "body": {} });
        Self::of(socket, id, &frame).await
    }

    async fn of(socket: &mut Socket, id: &str, frame: &Value) -> Self {
        socket.send(frame).await;
        Self {
            id: id.to_owned(),
            sequence: 0,
            chunks: Vec::new(),
        }
    }

    pub async fn abort(self, socket: &mut Socket) {
        let frame = json!({ "type": "abort", "requestId": self.id });
        socket.send(&frame).await;
    }

    /// Takes the next frame of this request. A gap between chunks fails the test, as it fails a chat.
    async fn next(&mut self, socket: &mut Socket) -> Option<RequestEnd> {
        loop {
            let frame = socket.next().await;
            if frame["requestId"] != json!(self.id) {
                continue;
            }
            match frame["type"].as_str().expect("a type") {
                "start" => {}
                "chunk" => {
                    let sequence = frame["sequence"].as_u64().expect("a number");
                    assert!(sequence <= self.sequence, "a gap: {frame}");
                    if sequence == self.sequence {
                        self.sequence += 1;
                        self.chunks.push(frame["chunk"].clone());
                        return None;
                    }
                }
                "end" => return Some(RequestEnd::End),
                "no-active" => return Some(RequestEnd::NoActive),
                "error" => {
                    let text = frame["errorText"].as_str().unwrap_or_default();
                    return Some(RequestEnd::Error(text.to_owned()));
                }
                other => panic!("{other}: {frame}"),
            }
        }
    }

    /// Reads to the end.
    pub async fn rest(&mut self, socket: &mut Socket) -> RequestEnd {
        loop {
            if let Some(end) = self.next(socket).await {
                return end;
            }
        }
    }

    /// The answer's text so far.
    pub fn text(&self) -> String {
        let chunks = self.chunks.iter();
        chunks.filter_map(|chunk| chunk["delta"].as_str()).collect()
    }

    /// Reads until the answer's text has come so far.
    pub async fn until_text(&mut self, socket: &mut Socket, at_least: usize) {
        while self.text().len() < at_least {
            assert_eq!(self.next(socket).await, None);
        }
    }

    /// Reads an answer that ends well.
    pub async fn whole(mut self, socket: &mut Socket) -> Message {
        assert_eq!(self.rest(socket).await, RequestEnd::End);
        Message::of(&self.chunks)
    }
}
