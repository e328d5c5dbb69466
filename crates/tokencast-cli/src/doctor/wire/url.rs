//! A Function URL: requests, and responses of server-sent events.

use std::time::Duration;

use http::{HeaderMap, Method};
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};

use super::{Wire, chain};
use crate::doctor::probe::Wrong;
use crate::doctor::probes::quotas::LIMITS;

const HEADERS_TIMEOUT: Duration = Duration::from_secs(30);

/// A request to a Function URL.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    pub method: Method,
    /// After the URL's last slash.
    pub path: &'a str,
    /// `None` sends no `Authorization`.
    pub token: Option<&'a str>,
    pub last_event_id: Option<&'a str>,
    pub body: Option<Value>,
}

/// What came, until the body's end or until the time was over.
#[derive(Clone, Debug, Default)]
pub struct Answered {
    pub status: u16,
    pub headers: HeaderMap,
    /// The time and the length of each read.
    pub reads: Vec<(Option<Instant>, usize)>,
    pub text: String,
    /// Whether the body ended as it should.
    pub has_ended: bool,
}

/// One server-sent event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SentEvent {
    pub id: String,
    pub event: String,
    pub data: Value,
}

impl Answered {
    /// The events of the body.
    pub fn events(&self) -> Vec<SentEvent> {
        let text = self.text.replace("\r\n", "\n");
        let parsed = text.split("\n\n").filter_map(|block| {
            let mut event = SentEvent::default();
            let mut data = Vec::new();
            for line in block.lines() {
                let (name, value) = line.split_once(':').unwrap_or((line, ""));
                let value = value.strip_prefix(' ').unwrap_or(value);
                match name {
                    "id" => value.clone_into(&mut event.id),
                    "event" => value.clone_into(&mut event.event),
                    "data" => data.push(value),
                    _ => {}
                }
            }
            event.data = serde_json::from_str(&data.join("\n")).unwrap_or_default();
            (!data.is_empty()).then_some(event)
        });
        parsed.collect()
    }

    /// The body, if it is JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The code of a request that failed before its stream began.
    pub fn code(&self) -> Option<String> {
        self.json()["error"]["code"].as_str().map(str::to_owned)
    }

    /// That a start was refused by the user's quota. Each protocol has another body, but the message of each names the
    /// limit.
    pub fn beyond_quota(&self) -> Option<Wrong> {
        let limit = LIMITS.iter().find(|limit| self.text.contains(*limit))?;
        let resets_at = &self.json()["error"]["resetsAt"];
        (self.status == 429).then(|| Wrong::beyond_quota(&(*limit).into(), resets_at))
    }

    pub fn as_text(&self) -> String {
        let code = self.code().map(|code| format!(", {code}"));
        format!("HTTP {}{}", self.status, code.unwrap_or_default())
    }
}

impl Wire {
    /// Sends a request, and reads its response until `until`.
    ///
    /// # Errors
    ///
    /// There is no response, or its head doesn't come.
    pub async fn url(&self, base: &str, ask: Ask<'_>, until: Instant) -> Result<Answered, String> {
        self.url_heard(base, ask, until, || {}).await
    }

    /// Sends a request, and reads its response until `until`. `heard` is called with each part of the body.
    ///
    /// # Errors
    ///
    /// There is no response, or its head doesn't come.
    pub async fn url_heard(
        &self,
        base: &str,
        ask: Ask<'_>,
        until: Instant,
        heard: impl Fn() + Send,
    ) -> Result<Answered, String> {
        let url = format!("{}/{}", base.trim_end_matches('/'), ask.path);
        let mut request = self.http.request(ask.method, url);
        if let Some(token) = ask.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(id) = ask.last_event_id {
            request = request.header("last-event-id", id);
        }
        if let Some(body) = &ask.body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let head_by = HEADERS_TIMEOUT.min(until.saturating_duration_since(Instant::now()));
        let response = timeout(head_by, request.send()).await;
        let mut response = response
            .map_err(|_| format!("no head of a response within {} s", head_by.as_secs()))?
            .map_err(|error| chain(&error))?;
        let mut answered = Answered {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            ..Answered::default()
        };
        let mut bytes = Vec::new();
        loop {
            match timeout_at(until, response.chunk()).await {
                Ok(Ok(Some(chunk))) => {
                    answered.reads.push((Some(Instant::now()), chunk.len()));
                    bytes.extend_from_slice(&chunk);
                    heard();
                }
                Ok(Ok(None)) => {
                    answered.has_ended = true;
                    break;
                }
                Ok(Err(_)) | Err(_) => break,
            }
        }
        answered.text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(answered)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_read_and_comments_are_not() {
        let answered = Answered {
            text: "id: 1\nevent: token\ndata: {\"a\":1}\n\n: keep-alive\n\nid: 2\ndata: {}\n\n"
                .into(),
            ..Answered::default()
        };
        let events = answered.events();
        assert_eq!(events.len(), 2);
        assert_eq!(
            (
                events[0].id.as_str(),
                events[0].event.as_str(),
                &events[0].data
            ),
            ("1", "token", &json!({ "a": 1 }))
        );
    }
}
