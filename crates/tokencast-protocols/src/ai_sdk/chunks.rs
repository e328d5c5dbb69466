//! The events of an answer as chunks of the UI message stream.
//!
//! Only types that the schemas of `ai` 6 and 7 both know are written; `reset-step` is written for clients that say that
//! they take it.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;
use tokencast_core::block::{BlockIndex, BlockType, Citation, Piece, ToolResult, ToolUse};
use tokencast_core::event::{Ending, TokenEvent};
use tokencast_core::id::{Attempt, SessionId};
use tokencast_core::session::Status;

use super::chunk::{Chunk, FinishReason, OURS};
use super::written::{Compared, Written};
use crate::tool_calls::ToolCalls;

/// The error of a call whose input is no JSON.
pub(super) const NO_JSON: &str = "The input of the tool is no JSON";

/// What a chat is told whose answer starts again, if it doesn't take `reset-step`.
pub const STARTS_AGAIN: &str = "The answer starts again: resume it.";

/// A newer attempt starts the text again, and the client can't be told. The response has to end, so that the client
/// resumes and gets the answer from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartsAgain;

/// Writes one answer's chunks. An answer that is read again gets a new one.
#[derive(Debug)]
pub struct Chunks {
    session_id: SessionId,
    /// Whether the client takes `reset-step`.
    takes_reset_step: bool,
    attempt: Option<Attempt>,
    /// At most one part is open: what belongs to another block ends it.
    open: Option<Open>,
    calls: ToolCalls,
    /// The inputs of tools so far whose parts were ended, by block.
    inputs: HashMap<BlockIndex, String>,
    /// How many chunks the pieces had.
    count: usize,
    written: Written,
}

/// A part that was begun.
#[derive(Debug)]
struct Open {
    block: BlockIndex,
    part: Part,
}

#[derive(Debug)]
enum Part {
    Text { id: String },
    Reasoning { id: String },
    Tool { tool: ToolUse, input: String },
}

impl Chunks {
    pub fn new(session_id: SessionId, takes_reset_step: bool) -> Self {
        Self {
            session_id,
            takes_reset_step,
            attempt: None,
            open: None,
            calls: ToolCalls::default(),
            inputs: HashMap::new(),
            count: 0,
            written: Written::default(),
        }
    }

    /// What comes before all events.
    pub fn begin(&self) -> Vec<Chunk> {
        let message_id = self.session_id;
        vec![Chunk::Start { message_id }, Chunk::StartStep]
    }

    /// The chunks of the next event; none for an event of an older attempt, or for one that repeats what was written.
    ///
    /// # Errors
    ///
    /// [`StartsAgain`] if a newer attempt says something else than what was written, and the client doesn't take
    /// `reset-step`.
    pub fn event(&mut self, event: &TokenEvent) -> Result<Vec<Chunk>, StartsAgain> {
        let mut chunks = Vec::new();
        match self.attempt {
            Some(attempt) if event.attempt < attempt => return Ok(chunks),
            Some(attempt) if event.attempt > attempt => self.written.begin_again(),
            _ => {}
        }
        self.attempt = Some(event.attempt);
        if let Some(piece) = &event.piece {
            match self.written.compare(piece) {
                Compared::Repeats => {}
                Compared::GoesOn(piece) => self.piece(&piece, &mut chunks),
                Compared::Differs => {
                    self.start_again(&mut chunks)?;
                    self.piece(piece, &mut chunks);
                }
            }
        }
        if let Some(ending) = &event.ending {
            // An end without a text of its attempt keeps the text of the one before.
            if self.written.is_repeated_in_part() {
                self.start_again(&mut chunks)?;
            }
            self.close(&mut chunks);
            end(event.status, ending, &mut chunks);
        }
        Ok(chunks)
    }

    /// Resets the step, and writes what the newer attempt has said so far.
    fn start_again(&mut self, chunks: &mut Vec<Chunk>) -> Result<(), StartsAgain> {
        if !self.takes_reset_step {
            return Err(StartsAgain);
        }
        self.open = None;
        self.calls = ToolCalls::default();
        self.inputs.clear();
        chunks.push(Chunk::ResetStep);
        for piece in self.written.take_repeated() {
            self.piece(&piece, chunks);
        }
        Ok(())
    }

    fn piece(&mut self, piece: &Piece, chunks: &mut Vec<Chunk>) {
        self.written.push(piece);
        let before = chunks.len();
        if self
            .open
            .as_ref()
            .is_none_or(|open| open.block != piece.block)
        {
            self.close(chunks);
        }
        match piece.block_type() {
            BlockType::Text => self.text(piece.block, piece.token(), chunks),
            BlockType::Reasoning => {
                let text = piece.reasoning().unwrap_or_default();
                self.reasoning(piece.block, text, chunks);
            }
            BlockType::Citation => {
                let citation = piece.citation().unwrap_or_default();
                chunks.push(source(self.session_id, piece.block, citation));
            }
            BlockType::ToolUse => {
                let tool = piece.tool_use().unwrap_or_default();
                self.tool(piece.block, tool, chunks);
            }
            BlockType::ToolResult => {
                let result = piece.tool_result().unwrap_or_default();
                if let Some(id) = self.calls.of_result(&result.tool_use_id) {
                    chunks.push(tool_output(id, result));
                }
            }
        }
        self.count += chunks.len() - before;
    }

    fn text(&mut self, block: BlockIndex, delta: &str, chunks: &mut Vec<Chunk>) {
        let id = if let Some(Part::Text { id }) = self.open.as_ref().map(|open| &open.part) {
            id.clone()
        } else {
            let id = self.new_id();
            chunks.push(Chunk::TextStart { id: id.clone() });
            let part = Part::Text { id: id.clone() };
            self.open = Some(Open { block, part });
            id
        };
        if !delta.is_empty() {
            let delta = delta.to_owned();
            chunks.push(Chunk::TextDelta { id, delta });
        }
    }

    fn reasoning(&mut self, block: BlockIndex, delta: &str, chunks: &mut Vec<Chunk>) {
        let id = if let Some(Part::Reasoning { id }) = self.open.as_ref().map(|open| &open.part) {
            id.clone()
        } else {
            let id = self.new_id();
            chunks.push(Chunk::ReasoningStart { id: id.clone() });
            let part = Part::Reasoning { id: id.clone() };
            self.open = Some(Open { block, part });
            id
        };
        if !delta.is_empty() {
            let delta = delta.to_owned();
            chunks.push(Chunk::ReasoningDelta { id, delta });
        }
    }

    fn tool(&mut self, block: BlockIndex, mut tool: ToolUse, chunks: &mut Vec<Chunk>) {
        let mut delta = tool.input.take().unwrap_or_default();
        let tool_call_id = self.calls.of_use(block, &tool.tool_use_id);
        if let Some(Part::Tool { input, .. }) = self.open.as_mut().map(|open| &mut open.part) {
            input.push_str(&delta);
        } else {
            chunks.push(Chunk::ToolInputStart {
                tool_call_id: Arc::clone(&tool_call_id),
                tool_name: Arc::clone(&tool.name),
                tool: OURS,
            });
            // A block that goes on behind another begins its call again.
            if let Some(before) = self.inputs.remove(&block) {
                delta.insert_str(0, &before);
            }
            let input = delta.clone();
            tool.tool_use_id = Arc::clone(&tool_call_id);
            let part = Part::Tool { tool, input };
            self.open = Some(Open { block, part });
        }
        if !delta.is_empty() {
            chunks.push(Chunk::ToolInputDelta {
                tool_call_id,
                input_text_delta: delta,
            });
        }
    }

    /// Ends the part that was begun.
    fn close(&mut self, chunks: &mut Vec<Chunk>) {
        let Some(Open { block, part }) = self.open.take() else {
            return;
        };
        chunks.push(match part {
            Part::Text { id } => Chunk::TextEnd { id },
            Part::Reasoning { id } => Chunk::ReasoningEnd { id },
            Part::Tool { tool, input } => {
                self.inputs.insert(block, input.clone());
                tool_input(&tool, input)
            }
        });
    }

    /// A block that goes on behind another is another part: each has an id of its own.
    fn new_id(&self) -> String {
        self.count.to_string()
    }
}

fn end(status: Status, ending: &Ending, chunks: &mut Vec<Chunk>) {
    match (status, &ending.failure) {
        (Status::Failed, failure) => {
            let message = failure.as_ref().map(|failure| failure.message.clone());
            let error_text = message.unwrap_or_else(|| "The answer failed.".to_owned());
            chunks.push(Chunk::Error { error_text });
        }
        (Status::Cancelled, _) => chunks.extend([Chunk::FinishStep, Chunk::Abort]),
        _ => {
            let finish_reason = FinishReason::of(ending.stop_reason.as_deref());
            chunks.extend([Chunk::FinishStep, Chunk::Finish { finish_reason }]);
        }
    }
}

/// A citation as a source. The address is the model's, and pages make links of it.
fn source(session_id: SessionId, block: BlockIndex, citation: Citation) -> Chunk {
    let source_id = format!("{session_id}:{}", block.0);
    let Citation { title, url, text } = citation;
    match url {
        Some(url) if is_web_address(&url) => Chunk::SourceUrl {
            source_id,
            url,
            title,
        },
        url => Chunk::SourceDocument {
            source_id,
            media_type: "text/plain",
            title: title
                .or(text)
                .or(url)
                .unwrap_or_else(|| "Source".to_owned()),
        },
    }
}

fn is_web_address(url: &str) -> bool {
    let begins = |with: &str| {
        url.get(..with.len())
            .is_some_and(|it| it.eq_ignore_ascii_case(with))
    };
    begins("http:") || begins("https:")
}

fn tool_input(tool: &ToolUse, input: String) -> Chunk {
    let tool_call_id = Arc::clone(&tool.tool_use_id);
    let tool_name = Arc::clone(&tool.name);
    match parsed(&input) {
        Some(input) => Chunk::ToolInputAvailable {
            tool_call_id,
            tool_name,
            tool: OURS,
            input,
        },
        None => Chunk::ToolInputError {
            tool_call_id,
            tool_name,
            tool: OURS,
            input,
            error_text: NO_JSON,
        },
    }
}

/// A tool's input. One without any is an empty object.
pub(super) fn parsed(input: &str) -> Option<Value> {
    let input = if input.is_empty() { "{}" } else { input };
    serde_json::from_str(input).ok()
}

fn tool_output(tool_call_id: Arc<str>, result: ToolResult) -> Chunk {
    let ToolResult {
        status, content, ..
    } = result;
    let output = content.unwrap_or_default();
    if status.as_deref() == Some("error") {
        Chunk::ToolOutputError {
            tool_call_id,
            error_text: output,
            tool: OURS,
        }
    } else {
        Chunk::ToolOutputAvailable {
            tool_call_id,
            output,
            tool: OURS,
        }
    }
}

/// The source of a citation as a part of a message, which has the same fields as the chunk.
pub(super) fn source_part(session_id: SessionId, block: BlockIndex, citation: &Citation) -> Value {
    let chunk = source(session_id, block, citation.clone());
    serde_json::to_value(chunk).expect("strings always serialize")
}
