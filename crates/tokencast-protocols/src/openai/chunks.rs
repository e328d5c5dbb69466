//! The events of an answer as chunks of a streamed completion.

use serde_json::{Value, json};
use tokencast_core::event::{Ending, TokenEvent};
use tokencast_core::session::Status;

use super::error::{ApiError, SERVER};
use super::sent::Sent;
use super::words::{Named, annotation, finish_reason, usage};

/// What ends a stream that is complete.
const DONE: &str = "[DONE]";

/// Writes one answer's chunks.
#[derive(Debug)]
pub struct Chunks {
    named: Named,
    includes_usage: bool,
    sent: Sent,
    is_begun: bool,
    is_over: bool,
}

impl Chunks {
    pub fn new(named: Named, includes_usage: bool) -> Self {
        Self {
            named,
            includes_usage,
            sent: Sent::default(),
            is_begun: false,
            is_over: false,
        }
    }

    /// The data of the next event: chunks as JSON, and at the end `[DONE]`. None for an event that says nothing here, such
    /// as reasoning. The first chunk has the role.
    pub fn event(&mut self, event: &TokenEvent) -> Vec<String> {
        let mut data = Vec::new();
        if self.is_over {
            return data;
        }
        if let Some(piece) = &event.piece {
            match self.sent.add(event.attempt, piece.token()) {
                Ok("") => {}
                Ok(new) => self.delta(&json!({ "content": new }), &mut data),
                Err(_) => return vec![self.differs()],
            }
            if let Some(citation) = piece.citation().filter(|_| !self.sent.is_repeated()) {
                let annotation = annotation(&citation, self.sent.chars());
                if let Some(annotation) = annotation {
                    self.delta(&json!({ "annotations": [annotation] }), &mut data);
                }
            }
        }
        if let Some(ending) = &event.ending {
            self.end(event, ending, &mut data);
        }
        data
    }

    /// What is said of an answer that goes on without this response.
    pub fn interrupted(&mut self) -> Vec<String> {
        if std::mem::replace(&mut self.is_over, true) {
            return Vec::new();
        }
        let id = self.named.session_id;
        let message = format!("The response was interrupted. The answer goes on, as session {id}.");
        vec![error("interrupted", message)]
    }

    /// Whether no chunk follows any more.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    fn end(&mut self, event: &TokenEvent, ending: &Ending, data: &mut Vec<String>) {
        match (event.status, &ending.failure) {
            (Status::Failed, Some(failure)) => data.push(ApiError::from(failure).to_json()),
            (Status::Failed, None) => {
                let failed = "The answer failed.".to_owned();
                data.push(error("INTERNAL", failed));
            }
            // The newer attempt ended before it had said what was sent.
            _ if self.sent.is_repeated() => data.push(self.differs()),
            (status, _) => {
                let reason = finish_reason(status, ending);
                self.begin(data);
                data.push(self.chunk(&json!({}), Some(reason)));
                if let Some(used) = ending.usage.filter(|_| self.includes_usage) {
                    let mut last = self.named.object(CHUNK, &json!([]));
                    last["usage"] = usage(used);
                    data.push(last.to_string());
                }
                data.push(DONE.to_owned());
            }
        }
        self.is_over = true;
    }

    fn delta(&mut self, delta: &Value, data: &mut Vec<String>) {
        self.begin(data);
        data.push(self.chunk(delta, None));
    }

    /// The chunk with the role, once.
    fn begin(&mut self, data: &mut Vec<String>) {
        if !std::mem::replace(&mut self.is_begun, true) {
            let role = json!({ "role": "assistant", "content": "", "refusal": null });
            data.push(self.chunk(&role, None));
        }
    }

    fn chunk(&self, delta: &Value, finish_reason: Option<&str>) -> String {
        let choice = json!({
            "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason,
        });
        let mut chunk = self.named.object(CHUNK, &json!([choice]));
        if self.includes_usage {
            chunk["usage"] = Value::Null;
        }
        chunk.to_string()
    }

    /// The error of an answer that says something else than before.
    fn differs(&mut self) -> String {
        self.is_over = true;
        let id = self.named.session_id;
        let message = format!(
            "The answer was begun again, and says something else than what was sent. The new answer is session {id}."
        );
        error("answer_restarted", message)
    }
}

fn error(code: &'static str, message: String) -> String {
    let error = ApiError {
        message,
        kind: SERVER,
        param: None,
        code: Some(code.into()),
    };
    error.to_json()
}

/// The type of each chunk.
const CHUNK: &str = "chat.completion.chunk";

#[cfg(test)]
mod tests;
