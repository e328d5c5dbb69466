//! What a socket of the WebSocket API says and hears.

use axum::extract::ws::Message;
use serde_json::{Value, json};

use super::Socket;

impl Socket {
    /// The next action, which has to be this one.
    pub async fn action(&mut self, name: &str) -> Value {
        let action = self.receive().await;
        assert_eq!(action["action"], name, "{action}");
        action["sessionId"]
            .as_str()
            .expect("an id")
            .clone_into(&mut self.session_id);
        action
    }

    /// Takes `stream` and answers it.
    pub async fn started(&mut self) -> Value {
        let action = self.action("stream").await;
        self.answer("started", "QUEUED").await;
        action
    }

    /// Takes `resume` and answers it. Returns the attempt and the sequence that the client has.
    pub async fn resumed(&mut self, status: &str) -> (u64, u64) {
        let action = self.action("resume").await;
        self.answer("resumed", status).await;
        let count = |name: &str| action[name].as_u64().expect("a count");
        (count("attempt"), count("sequence"))
    }

    /// Answers whatever comes and ends the session, for as long as the client wants to hear of it.
    pub async fn complete(mut self, end: Value) {
        let mut end = end;
        end["type"] = "complete".into();
        while let Some(action) = self.incoming.recv().await {
            end["sessionId"] = action["sessionId"].clone();
            let resumed = json!({ "type": "resumed", "sessionId": action["sessionId"], "status": "COMPLETED" });
            for frame in [&resumed, &end] {
                let _ = self.outgoing.send(Message::text(frame.to_string())).await;
            }
        }
    }

    pub async fn answer(&self, kind: &str, status: &str) {
        let id = &self.session_id;
        self.send(json!({ "type": kind, "sessionId": id, "status": status, "timestamp": "t" }))
            .await;
    }

    pub async fn refuse(&self, action: &str, code: &str, retryable: bool) {
        let error = json!({ "code": code, "message": "said the server", "retryable": retryable });
        let id = &self.session_id;
        self.send(json!({ "type": "error", "action": action, "sessionId": id, "error": error }))
            .await;
    }

    /// One token event, as its own frame.
    pub async fn frame(&self, mut event: Value) {
        let kind = match (&event["isComplete"], event["status"].as_str()) {
            (Value::Bool(false), _) => "token",
            (_, Some("FAILED")) => "error",
            _ => "complete",
        };
        event["type"] = kind.into();
        event["sessionId"] = self.session_id.clone().into();
        self.send(event).await;
    }

    pub async fn frames(&self, events: impl IntoIterator<Item = Value>) {
        for event in events {
            self.frame(event).await;
        }
    }
}

/// An event that joins those from `first` on.
pub fn joined(attempt: u64, first: u64, sequence: u64, text: &str) -> Value {
    let mut event = super::token(attempt, sequence, text);
    event["firstSequence"] = first.into();
    event
}
