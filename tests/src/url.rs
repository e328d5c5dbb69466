//! A client of the function URL by hand: requests, and server-sent events as they come.

use local_stack::lambda::service::ProcessInfo;
use reqwest::header::{ACCEPT, AUTHORIZATION};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokencast::stack::FUNCTION_URL_FUNCTION;

use crate::{TestStack, eventually, within};

/// One server-sent event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub id: String,
    pub kind: String,
    pub data: Value,
}

impl Event {
    pub fn token(&self) -> &str {
        self.data["token"].as_str().expect("a token")
    }

    /// Removes the time of sending, which differs each time.
    #[must_use]
    pub fn timeless(mut self) -> Self {
        let data = self.data.as_object_mut().expect("an object");
        data.remove("timestamp").expect("a time");
        self
    }
}

/// A stream of events as they arrive.
#[derive(Debug)]
pub struct Events {
    response: Response,
    waiting: Vec<u8>,
    /// The number of bytes of `waiting` that were read.
    read_bytes: usize,
}

/// The stream broke off before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

impl Events {
    /// Reads a response, which must be an event stream.
    pub fn of(response: Response) -> Self {
        assert_eq!(response.status(), StatusCode::OK);
        let header = |name: &str| response.headers().get(name).and_then(|it| it.to_str().ok());
        assert_eq!(header("content-type"), Some("text/event-stream"));
        assert_eq!(header("cache-control"), Some("no-store, no-transform"));
        assert!(header("x-tokencast-session-id").is_some());
        Self {
            response,
            waiting: Vec::new(),
            read_bytes: 0,
        }
    }

    pub fn session_id(&self) -> String {
        let id = &self.response.headers()["x-tokencast-session-id"];
        id.to_str().expect("a text").to_owned()
    }

    /// Returns the next event; `None` at the end.
    ///
    /// # Errors
    ///
    /// The stream broke off.
    pub async fn next(&mut self) -> Result<Option<Event>, Broken> {
        loop {
            let unread = &self.waiting[self.read_bytes..];
            if let Some(end) = unread.windows(2).position(|two| two == b"\n\n") {
                let lines = unread[..end].to_vec();
                self.read_bytes += end + 2;
                match read(std::str::from_utf8(&lines).expect("UTF-8")) {
                    Some(event) => return Ok(Some(event)),
                    None => continue,
                }
            }
            self.waiting.drain(..std::mem::take(&mut self.read_bytes));
            match within("more of a stream", self.response.chunk()).await {
                Ok(Some(bytes)) => self.waiting.extend_from_slice(&bytes),
                Ok(None) if self.waiting.is_empty() => return Ok(None),
                Ok(None) | Err(_) => return Err(Broken),
            }
        }
    }

    /// Returns so many of the next events.
    pub async fn take(&mut self, count: usize) -> Vec<Event> {
        let mut events = Vec::new();
        while events.len() < count {
            events.push(self.next().await.expect("whole").expect("more"));
        }
        events
    }

    /// Returns the remaining events of a stream that ends well.
    pub async fn rest(&mut self) -> Vec<Event> {
        let (events, end) = self.rest_or_broken().await;
        assert_eq!(end, Ok(()), "the stream breaks off");
        events
    }

    /// Returns the remaining events, and whether the stream broke off.
    pub async fn rest_or_broken(&mut self) -> (Vec<Event>, Result<(), Broken>) {
        let mut events = Vec::new();
        loop {
            match self.next().await {
                Ok(Some(event)) => events.push(event),
                Ok(None) => return (events, Ok(())),
                Err(broken) => return (events, Err(broken)),
            }
        }
    }
}

/// Parses an event; `None` for a comment.
fn read(lines: &str) -> Option<Event> {
    let lines: Vec<&str> = lines.trim_end().lines().collect();
    if lines.iter().all(|line| line.starts_with(':')) {
        return None;
    }
    let [id, kind, data] = lines[..] else {
        panic!("an event of other lines than three: {lines:?}")
    };
    let field = |line: &str, name: &str| {
        let value = line.strip_prefix(name);
        value.unwrap_or_else(|| panic!("{name} {line}")).to_owned()
    };
    Some(Event {
        id: field(id, "id: "),
        kind: field(kind, "event: "),
        data: serde_json::from_str(&field(data, "data: ")).expect("JSON"),
    })
}

/// Returns the text of an answer. Its events must be complete and in one attempt, with the terminal event last.
pub fn text_of(events: &[Event]) -> String {
    let (end, tokens) = events.split_last().expect("events");
    assert_eq!(end.data["isComplete"], json!(true), "{end:?}");
    let attempt = &end.data["attempt"];
    for (event, sequence) in events.iter().zip(1..) {
        assert_eq!(event.data["sequence"], json!(sequence), "{event:?}");
        assert_eq!(event.data["attempt"], *attempt, "{event:?}");
        let id = match attempt.as_u64() {
            Some(1) => format!("{sequence}"),
            _ => format!("{attempt}.{sequence}"),
        };
        assert_eq!(event.id, id);
    }
    assert!(tokens.iter().all(|event| event.kind == "token"));
    tokens.iter().map(Event::token).collect()
}

impl TestStack {
    /// Makes a request to the function URL with a token of `alice` or `bob`.
    pub fn url(&self, method: Method, path: &str, user: &str) -> RequestBuilder {
        let token = format!("Bearer {}", self.access_token(user));
        self.url_anonymous(method, path)
            .header(AUTHORIZATION, token)
    }

    /// Makes a request to the function URL without a token.
    pub fn url_anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        let url = self.running.info.function_url.as_ref().expect("a URL");
        self.http().request(method, format!("{url}{path}"))
    }

    /// Asks as `alice`, and returns the events as they arrive.
    pub async fn url_ask(&self, session_id: Option<&str>) -> Events {
        let question = json!({ "prompt": "Why do rivers meander?", "sessionId": session_id });
        let request = self.url(Method::POST, "", "alice").json(&question);
        Events::of(
            within("a response", request.send())
                .await
                .expect("a response"),
        )
    }

    /// Asks for the text alone.
    pub async fn url_text(&self) -> Response {
        let question = json!({ "prompt": "Why do rivers meander?" });
        let request = self.url(Method::POST, "", "alice").json(&question);
        let request = request.header(ACCEPT, "text/plain");
        within("a response", request.send())
            .await
            .expect("a response")
    }

    /// Resumes a session after an event.
    pub async fn url_resume(&self, session_id: &str, last_event_id: Option<&str>) -> Events {
        let mut request = self.url(Method::GET, session_id, "alice");
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        Events::of(
            within("a response", request.send())
                .await
                .expect("a response"),
        )
    }

    /// Stops a session. Returns the status and the body.
    pub async fn url_stop(&self, session_id: &str) -> (StatusCode, Value) {
        let request = self.url(Method::DELETE, session_id, "alice");
        let response = within("a response", request.send())
            .await
            .expect("a response");
        (response.status(), response.json().await.expect("JSON"))
    }

    /// Waits for a process of the function URL's function that runs an invocation.
    pub async fn busy_function_url(&self) -> ProcessInfo {
        eventually("a busy function", || async {
            let processes = self.running.local.lambda().processes(FUNCTION_URL_FUNCTION);
            processes.into_iter().find(|it| it.request_id.is_some())
        })
        .await
    }
}
