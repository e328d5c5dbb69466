//! A response as server-sent events, and the requests that have one.

use local_stack::config::ScriptBlock;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use system_tests::{TestStack, within};

/// A stream of server-sent events as it arrives.
#[derive(Debug)]
pub(crate) struct Stream {
    response: Response,
    waiting: Vec<u8>,
}

/// The end of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The body is whole.
    Whole,
    /// The connection broke.
    BrokenOff,
}

impl Stream {
    /// Reads a response, which must be a stream that nothing holds back.
    pub(crate) fn of(response: Response) -> Self {
        assert_eq!(response.status(), StatusCode::OK);
        for (name, expected) in [
            ("content-type", "text/event-stream"),
            ("cache-control", "no-store, no-transform"),
            ("x-accel-buffering", "no"),
        ] {
            let value = response.headers().get(name);
            assert_eq!(
                value.and_then(|it| it.to_str().ok()),
                Some(expected),
                "{name}"
            );
        }
        Self {
            response,
            waiting: Vec::new(),
        }
    }

    pub(crate) fn session_id(&self) -> String {
        let id = &self.response.headers()["x-tokencast-session-id"];
        id.to_str().expect("a text").to_owned()
    }

    /// The data of the next event. What is no JSON is a string.
    pub(crate) async fn next(&mut self) -> Result<Value, End> {
        loop {
            if let Some(end) = self.waiting.windows(2).position(|two| two == b"\n\n") {
                let lines: Vec<_> = self.waiting.drain(..end + 2).collect();
                let lines = std::str::from_utf8(&lines).expect("UTF-8").trim_end();
                if lines.starts_with(':') {
                    continue;
                }
                let data = lines.strip_prefix("data: ").expect("data");
                return Ok(serde_json::from_str(data).unwrap_or_else(|_| data.into()));
            }
            match within("more of a stream", self.response.chunk()).await {
                Ok(Some(bytes)) => self.waiting.extend_from_slice(&bytes),
                Ok(None) => return Err(End::Whole),
                Err(_) => return Err(End::BrokenOff),
            }
        }
    }

    pub(crate) async fn rest(&mut self) -> (Vec<Value>, End) {
        let mut data = Vec::new();
        loop {
            match self.next().await {
                Ok(next) => data.push(next),
                Err(end) => return (data, end),
            }
        }
    }
}

/// A request for a completion of these messages, with these fields besides.
pub(crate) fn completion(stack: &TestStack, messages: &Value, fields: &Value) -> RequestBuilder {
    let mut body = json!({ "model": "default", "messages": messages });
    for (name, value) in fields.as_object().expect("an object") {
        body[name] = value.clone();
    }
    stack
        .url(Method::POST, "v1/chat/completions", "alice")
        .json(&body)
}

/// A streamed completion of one message.
pub(crate) fn streamed(stack: &TestStack) -> RequestBuilder {
    completion(stack, &hello(), &json!({ "stream": true }))
}

/// A completion of one message that isn't streamed.
pub(crate) fn at_once(stack: &TestStack) -> RequestBuilder {
    completion(stack, &hello(), &json!({}))
}

fn hello() -> Value {
    json!([{ "role": "user", "content": "Why do rivers meander?" }])
}

/// A request for a run of a thread.
pub(crate) fn run(
    stack: &TestStack,
    thread: &str,
    run: &str,
    messages: &[Value],
) -> RequestBuilder {
    let body = json!({
        "threadId": thread, "runId": run, "messages": messages, "tools": [], "context": [], "state": {},
        "forwardedProps": {},
    });
    stack.url(Method::POST, "ag-ui", "alice").json(&body)
}

/// A message of AG-UI.
pub(crate) fn message(id: &str, role: &str, content: &str) -> Value {
    json!({ "id": id, "role": role, "content": content })
}

pub(crate) async fn sent(request: RequestBuilder) -> Response {
    within("a response", request.send())
        .await
        .expect("a response")
}

pub(crate) async fn stream(request: RequestBuilder) -> Stream {
    Stream::of(sent(request).await)
}

/// The text of a streamed completion's chunks.
pub(crate) fn text_of(chunks: &[Value]) -> String {
    let contents = chunks.iter();
    let contents = contents.filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str());
    contents.collect()
}

/// The text of a run's events.
pub(crate) fn text_of_run(events: &[Value]) -> String {
    let is_text = |event: &&Value| event["type"] == "TEXT_MESSAGE_CONTENT";
    let deltas = events.iter().filter(is_text);
    deltas
        .map(|event| event["delta"].as_str().expect("a delta"))
        .collect()
}

/// An answer with reasoning before its text, "Rivers bend.".
pub(crate) fn blocks() -> Vec<ScriptBlock> {
    let blocks = json!([{ "reasoning": ["Hm. ", "So."] }, { "text": ["Rivers ", "bend."] }]);
    serde_json::from_value(blocks).expect("a script's blocks")
}

/// Where a session is: its conversation and its parent.
pub(crate) async fn place(stack: &TestStack, id: &str) -> Value {
    let document = "query($id: String!) { getStream(sessionId: $id) { conversationId parentId } }";
    let answer = stack.graphql("alice", document, json!({ "id": id })).await;
    answer["data"]["getStream"].clone()
}
