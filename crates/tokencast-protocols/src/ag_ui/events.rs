//! The events of an answer as those of a run.
//!
//! The whole text is one message, whose id is the session's. A newer attempt starts the text again: then a snapshot of the
//! thread's messages, without the answer, takes back what was sent.

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use tokencast_core::block::{BlockIndex, BlockType, Piece};
use tokencast_core::event::{Ending, TokenEvent, Usage};
use tokencast_core::id::{Attempt, SessionId};
use tokencast_core::session::Status;

use super::request::Messages;
use crate::tool_calls::ToolCalls;

/// The version of the protocol that is written.
const VERSION: &str = "1.0";

/// The name of the event that has a citation: AG-UI has none of its own.
const CITATION: &str = "citation";

/// A run, as its events name it.
#[derive(Clone, Debug)]
pub struct Run {
    pub thread_id: String,
    pub run_id: String,
    pub session_id: SessionId,
    /// Whether the client says that it reads version 1.0 of the protocol.
    pub reads_version_1: bool,
}

/// Writes one run's events.
#[derive(Debug)]
pub struct Events {
    run: Run,
    /// The thread's messages before the answer.
    messages: Messages,
    attempt: Option<Attempt>,
    /// Whether the answer's message was begun.
    has_text: bool,
    /// What else is open: at most one of them.
    open: Option<Open>,
    calls: ToolCalls,
    /// The messages with reasoning.
    reasoning: Vec<String>,
    /// Whether the attempt has sent anything.
    has_sent: bool,
    is_over: bool,
}

/// A block that was begun, and isn't text.
#[derive(Debug)]
struct Open {
    block: BlockIndex,
    part: Part,
}

#[derive(Debug)]
enum Part {
    Reasoning { id: String, has_text: bool },
    Tool { id: Arc<str> },
}

/// All messages of a thread.
#[derive(Serialize)]
struct Snapshot<'a> {
    r#type: &'a str,
    messages: Vec<&'a RawValue>,
}

impl Events {
    /// The events of an answer to these messages.
    pub fn new(run: Run, messages: Messages) -> Self {
        Self {
            run,
            messages,
            attempt: None,
            has_text: false,
            open: None,
            calls: ToolCalls::default(),
            reasoning: Vec::new(),
            has_sent: false,
            is_over: false,
        }
    }

    /// What comes before all events, as JSON.
    pub fn begin(&self) -> String {
        let mut started = self.of_run("RUN_STARTED");
        if self.run.reads_version_1 {
            started["protocolVersion"] = json!(VERSION);
        }
        started.to_string()
    }

    /// The next event's, each as JSON without line breaks; none for an event of an older attempt.
    pub fn event(&mut self, event: &TokenEvent) -> Vec<String> {
        let mut events = Vec::new();
        if self.is_over || self.attempt.is_some_and(|attempt| event.attempt < attempt) {
            return events;
        }
        if let Some(piece) = &event.piece {
            if self.has_sent && self.attempt != Some(event.attempt) {
                self.restart(&mut events);
            }
            self.attempt = Some(event.attempt);
            self.piece(piece, &mut events);
            self.has_sent |= !events.is_empty();
        }
        if let Some(ending) = &event.ending {
            self.close_all(&mut events);
            self.is_over = true;
            events.push(self.end(event.status, ending));
        }
        events
    }

    /// What is said of an answer that goes on without this response.
    pub fn interrupted(&mut self) -> Vec<String> {
        let mut events = Vec::new();
        if !std::mem::replace(&mut self.is_over, true) {
            self.close_all(&mut events);
            let id = self.run.session_id;
            let message =
                format!("The response was interrupted. The answer goes on, as session {id}.");
            let error = json!({ "type": "RUN_ERROR", "message": message, "code": "INTERRUPTED" });
            events.push(error.to_string());
        }
        events
    }

    pub fn is_over(&self) -> bool {
        self.is_over
    }

    fn piece(&mut self, piece: &Piece, events: &mut Vec<String>) {
        if self
            .open
            .as_ref()
            .is_some_and(|open| open.block != piece.block)
        {
            self.close(events);
        }
        match piece.block_type() {
            BlockType::Text => self.text(piece.token(), events),
            BlockType::Reasoning => {
                let text = piece.reasoning().unwrap_or_default();
                self.reasoning(piece.block, text, events);
            }
            BlockType::Citation => {
                let citation = piece.citation().unwrap_or_default();
                let mut value = json!(citation);
                value["messageId"] = json!(self.run.session_id);
                let event = json!({ "type": "CUSTOM", "name": CITATION, "value": value });
                events.push(event.to_string());
            }
            BlockType::ToolUse => self.tool(piece, events),
            BlockType::ToolResult => {
                let result = piece.tool_result().unwrap_or_default();
                let Some(id) = self.calls.of_result(&result.tool_use_id) else {
                    return;
                };
                let event = json!({
                    "type": "TOOL_CALL_RESULT", "messageId": self.id_of(piece.block), "role": "tool",
                    "toolCallId": id, "content": result.content.unwrap_or_default(),
                });
                events.push(event.to_string());
            }
        }
    }

    fn text(&mut self, delta: &str, events: &mut Vec<String>) {
        if delta.is_empty() {
            return;
        }
        let id = self.run.session_id;
        if !std::mem::replace(&mut self.has_text, true) {
            let start =
                json!({ "type": "TEXT_MESSAGE_START", "messageId": id, "role": "assistant" });
            events.push(start.to_string());
        }
        let content = json!({ "type": "TEXT_MESSAGE_CONTENT", "messageId": id, "delta": delta });
        events.push(content.to_string());
    }

    fn reasoning(&mut self, block: BlockIndex, delta: &str, events: &mut Vec<String>) {
        let id = self.id_of(block);
        let open = self.open.get_or_insert_with(|| {
            events.push(of_message("REASONING_START", &id));
            let part = Part::Reasoning {
                id: id.clone(),
                has_text: false,
            };
            Open { block, part }
        });
        let Part::Reasoning { has_text, .. } = &mut open.part else {
            return;
        };
        if delta.is_empty() {
            return;
        }
        if !std::mem::replace(has_text, true) {
            let start = json!({
                "type": "REASONING_MESSAGE_START", "messageId": id, "role": "reasoning",
            });
            events.push(start.to_string());
            self.reasoning.push(id.clone());
        }
        let content =
            json!({ "type": "REASONING_MESSAGE_CONTENT", "messageId": id, "delta": delta });
        events.push(content.to_string());
    }

    fn tool(&mut self, piece: &Piece, events: &mut Vec<String>) {
        let tool = piece.tool_use().unwrap_or_default();
        let id = self.calls.of_use(piece.block, &tool.tool_use_id);
        if self.open.is_none() {
            let start = json!({
                "type": "TOOL_CALL_START", "toolCallId": id, "toolCallName": tool.name,
                "parentMessageId": self.run.session_id,
            });
            events.push(start.to_string());
            self.open = Some(Open {
                block: piece.block,
                part: Part::Tool {
                    id: Arc::clone(&id),
                },
            });
        }
        if let Some(delta) = tool.input.filter(|delta| !delta.is_empty()) {
            let args = json!({ "type": "TOOL_CALL_ARGS", "toolCallId": id, "delta": delta });
            events.push(args.to_string());
        }
    }

    /// Ends the block that is open, if it isn't text.
    fn close(&mut self, events: &mut Vec<String>) {
        match self.open.take().map(|open| open.part) {
            None => {}
            Some(Part::Reasoning { id, has_text }) => {
                if has_text {
                    events.push(of_message("REASONING_MESSAGE_END", &id));
                }
                events.push(of_message("REASONING_END", &id));
            }
            Some(Part::Tool { id }) => {
                let end = json!({ "type": "TOOL_CALL_END", "toolCallId": id });
                events.push(end.to_string());
            }
        }
    }

    fn close_all(&mut self, events: &mut Vec<String>) {
        self.close(events);
        if std::mem::take(&mut self.has_text) {
            let id = self.run.session_id;
            events.push(of_message("TEXT_MESSAGE_END", id.as_str()));
        }
    }

    /// Takes back what was sent. A snapshot without any reasoning keeps the client's, so it has that of the answer,
    /// without its text.
    fn restart(&mut self, events: &mut Vec<String>) {
        self.close_all(events);
        self.calls = ToolCalls::default();
        let emptied: Vec<_> = self
            .reasoning
            .drain(..)
            .filter_map(|id| {
                to_raw_value(&json!({ "id": id, "role": "reasoning", "content": "" })).ok()
            })
            .collect();
        let messages = self.messages.0.iter().chain(&emptied);
        let snapshot = Snapshot {
            r#type: "MESSAGES_SNAPSHOT",
            messages: messages.map(|message| &**message).collect(),
        };
        // The client's JSON may have line breaks between its tokens, which would break a line of the stream.
        let snapshot = serde_json::to_string(&snapshot).map(|json| json.replace(['\n', '\r'], " "));
        events.extend(snapshot);
        self.has_sent = false;
    }

    fn end(&self, status: Status, ending: &Ending) -> String {
        if status == Status::Failed {
            let failure = ending.failure.as_ref();
            let message = failure.map_or("The answer failed.", |failure| &failure.message);
            let code = failure.map_or("INTERNAL", |failure| failure.code.as_str());
            let error = json!({ "type": "RUN_ERROR", "message": message, "code": code });
            return error.to_string();
        }
        let mut finished = self.of_run("RUN_FINISHED");
        let id = self.run.session_id;
        finished["result"] = json!({ "sessionId": id, "stopReason": ending.stop_reason });
        if self.run.reads_version_1 {
            let outcome = match status {
                Status::Cancelled => "cancelled",
                _ => "success",
            };
            finished["outcome"] = json!({ "type": outcome });
            if let Some(used) = ending.usage {
                finished["usage"] = json!([usage(used)]);
            }
        }
        finished.to_string()
    }

    fn of_run(&self, kind: &str) -> Value {
        let Run {
            thread_id, run_id, ..
        } = &self.run;
        json!({ "type": kind, "threadId": thread_id, "runId": run_id })
    }

    /// The id of a block that is a message of its own.
    fn id_of(&self, block: BlockIndex) -> String {
        format!("{}:{}", self.run.session_id, block.0)
    }
}

fn of_message(kind: &str, id: &str) -> String {
    json!({ "type": kind, "messageId": id }).to_string()
}

/// The usage: the input with what the model had in its cache.
fn usage(usage: Usage) -> Value {
    let cached = usage.cache_read_input_tokens.unwrap_or(0);
    let written = usage.cache_write_input_tokens.unwrap_or(0);
    let input = u64::from(usage.input_tokens) + u64::from(cached) + u64::from(written);
    json!({
        "inputTokens": input,
        "outputTokens": usage.output_tokens,
        "totalTokens": input + u64::from(usage.output_tokens),
        "cachedInputTokens": cached,
        "cacheWriteInputTokens": written,
    })
}

#[cfg(test)]
mod tests;
