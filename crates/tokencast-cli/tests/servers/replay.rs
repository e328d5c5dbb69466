//! A server that answers each POST with given bytes.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

#[derive(Debug)]
pub(crate) struct Replay {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Value>>>,
}

impl Replay {
    /// Starts the server. The n-th request gets the n-th answer, and later requests get the last one.
    pub(crate) async fn start(answers: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let requests: Arc<Mutex<Vec<Value>>> = Arc::default();
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let Some(request) = read(&mut socket).await else {
                    continue;
                };
                let number = {
                    let mut seen = seen.lock().expect("not poisoned");
                    seen.push(request);
                    seen.len() - 1
                };
                let answer = answers.get(number).or(answers.last()).expect("an answer");
                // A client may leave before the end.
                let _ = socket.write_all(answer).await;
                let _ = socket.shutdown().await;
            }
        });
        Self { url, requests }
    }

    /// Returns the bodies of the requests so far.
    pub(crate) fn requests(&self) -> Vec<Value> {
        self.requests.lock().expect("not poisoned").clone()
    }
}

/// Reads a request's body; `None` for a connection without a request.
async fn read(socket: &mut TcpStream) -> Option<Value> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length")
                    .then(|| value.trim().parse().ok())?
            });
            let length: usize = length.expect("a length");
            if body.len() >= length {
                return serde_json::from_str(body).ok();
            }
        }
        if !matches!(socket.read_buf(&mut bytes).await, Ok(1..)) {
            return None;
        }
    }
}

/// Returns a response that ends with its connection.
pub(crate) fn response(status: u16, content_type: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status} Status\r\ncontent-type: {content_type}\r\nconnection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

pub(crate) fn json(status: u16, body: &str) -> Vec<u8> {
    response(status, "application/json", body)
}

pub(crate) fn events(body: &str) -> Vec<u8> {
    response(200, "text/event-stream", body)
}

/// Returns an event with a piece of the text.
pub(crate) fn said(text: &str) -> String {
    let text = Value::from(text);
    format!(
        "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":{text}}},\"finish_reason\":null}}]}}\n\n"
    )
}

/// Returns the end of a good stream.
pub(crate) const STOP: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
