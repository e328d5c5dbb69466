//! The URL of a function whose responses are the test's to write, byte by byte: one request to a connection.
//!
//! Writing doesn't fail: a client may leave at any time, and what it makes of that is what tests look at.

use std::collections::HashMap;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::within;

pub struct FakeFunction {
    pub url: String,
    requests: mpsc::Receiver<Request>,
    server: JoinHandle<()>,
}

impl FakeFunction {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (sender, requests) = mpsc::channel(16);
        let server = tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.expect("it accepts");
                let sender = sender.clone();
                tokio::spawn(async move {
                    // `None` is a connection without a request.
                    if let Some(request) = Request::read(socket).await {
                        let _ = sender.send(request).await;
                    }
                });
            }
        });
        Self {
            url: format!("http://{address}/function-urls/function-url/"),
            requests,
            server,
        }
    }

    pub async fn request(&mut self) -> Request {
        within(self.requests.recv()).await.expect("the server runs")
    }
}

impl Drop for FakeFunction {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A request, as it came. Dropping it closes the connection without an answer.
#[derive(Debug)]
pub struct Request {
    pub method: String,
    /// Behind the function's URL, such as the session's id.
    pub path: String,
    headers: HashMap<String, String>,
    /// `null` if there is none.
    pub body: Value,
    /// As it came.
    pub bytes: Vec<u8>,
    socket: TcpStream,
}

impl Request {
    async fn read(mut socket: TcpStream) -> Option<Self> {
        let mut reader = BufReader::new(&mut socket);
        let mut line = String::new();
        reader.read_line(&mut line).await.ok()?;
        let mut words = line.split_whitespace();
        let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut headers = HashMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).await.ok()?;
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                break;
            };
            headers.insert(name.to_lowercase(), value.to_owned());
        }
        let length = headers.get("content-length");
        let length = length.map_or(0, |length| length.parse().expect("a number"));
        let mut body = vec![0; length];
        reader.read_exact(&mut body).await.ok()?;
        let path = path.strip_prefix("/function-urls/function-url/");
        Some(Self {
            method,
            path: path.expect("the function's own").to_owned(),
            headers,
            body: serde_json::from_slice(&body).unwrap_or_default(),
            bytes: body,
            socket,
        })
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Begins a stream of events.
    pub async fn stream(self) -> Body {
        self.stream_of("text/event-stream; charset=utf-8").await
    }

    pub async fn stream_of(self, content_type: &str) -> Body {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
        );
        let mut socket = self.socket;
        let _ = socket.write_all(head.as_bytes()).await;
        Body { socket }
    }

    /// Sends the headers of a response that has no body, and leaves the connection open.
    pub async fn hold(self, status: u16) -> Body {
        let head = format!("HTTP/1.1 {status} Said\r\ncontent-type: text/event-stream\r\n\r\n");
        let mut socket = self.socket;
        let _ = socket.write_all(head.as_bytes()).await;
        Body { socket }
    }

    pub async fn answer(mut self, status: u16, body: &str) {
        let length = body.len();
        let text = format!(
            "HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        let _ = self.socket.write_all(text.as_bytes()).await;
    }

    pub async fn refuse(self, status: u16, code: &str, retryable: bool) {
        let error = json!({ "code": code, "message": "said the server", "retryable": retryable });
        self.answer(status, &json!({ "error": error }).to_string())
            .await;
    }
}

/// A response's body. Dropping it breaks the connection off.
pub struct Body {
    socket: TcpStream,
}

impl Body {
    /// As one chunk of its own.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        // An empty chunk would be the last.
        if bytes.is_empty() {
            return;
        }
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        let _ = self.socket.write_all(&chunk).await;
    }

    pub async fn events(&mut self, events: &[Value]) {
        for event in events {
            self.send(sse(event)).await;
        }
    }

    /// Ends the response as if it were whole.
    pub async fn end(mut self) {
        let _ = self.socket.write_all(b"0\r\n\r\n").await;
    }

    /// Returns once the client has gone.
    pub async fn gone(mut self) {
        let mut rest = Vec::new();
        let _ = within(self.socket.read_to_end(&mut rest)).await;
    }
}

/// An event as the function writes it.
pub fn sse(event: &Value) -> String {
    let name = match (&event["isComplete"], event["status"].as_str()) {
        (Value::Bool(false), _) => "token",
        (_, Some("FAILED")) => "error",
        _ => "complete",
    };
    let (attempt, sequence) = (&event["attempt"], &event["sequence"]);
    let id = if *attempt == 1 {
        sequence.to_string()
    } else {
        format!("{attempt}.{sequence}")
    };
    format!("id: {id}\nevent: {name}\ndata: {event}\n\n")
}
