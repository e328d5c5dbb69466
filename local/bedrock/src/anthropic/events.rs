//! A stream's events, and the response of `InvokeModel`.

use std::collections::BTreeSet;

use aws_smithy_eventstream::error::Error;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::frame::Frames;
use crate::model::{Citation, ModelEvent, Piece, Stop, Usage};
use crate::whole::WholeBlock;

/// Encodes a stream's events, each as the base64 `bytes` of one `chunk`.
#[derive(Debug)]
pub(crate) struct AnthropicEncoder {
    model_id: String,
    message_id: String,
    open: BTreeSet<usize>,
    first_byte_ms: Option<u64>,
}

impl AnthropicEncoder {
    pub(crate) fn new(model_id: &str, message_id: String) -> Self {
        Self {
            model_id: model_id.to_owned(),
            message_id,
            open: BTreeSet::new(),
            first_byte_ms: None,
        }
    }

    pub(crate) fn start(&self, input_tokens: u64, frames: &mut Frames) -> Result<(), Error> {
        let message = json!({
            "id": self.message_id, "type": "message", "role": "assistant", "model": self.model_id,
            "content": [], "stop_reason": null, "stop_sequence": null,
            "usage": { "input_tokens": input_tokens, "output_tokens": 0 },
        });
        chunk(
            &json!({ "type": "message_start", "message": message }),
            frames,
        )
    }

    pub(crate) fn event(
        &mut self,
        event: &ModelEvent,
        latency_ms: u64,
        frames: &mut Frames,
    ) -> Result<(), Error> {
        self.first_byte_ms.get_or_insert(latency_ms);
        match event {
            ModelEvent::Piece { block, piece } => self.piece(*block, piece, frames),
            ModelEvent::BlockStop { block } => {
                if self.open.remove(block) {
                    stop(*block, frames)?;
                }
                Ok(())
            }
            ModelEvent::Stop(end) => {
                for block in std::mem::take(&mut self.open) {
                    stop(block, frames)?;
                }
                self.end(end, latency_ms, frames)
            }
            ModelEvent::Fail(error) => frames.exception(error),
            ModelEvent::Reset => Ok(()),
        }
    }

    fn piece(&mut self, block: usize, piece: &Piece, frames: &mut Frames) -> Result<(), Error> {
        if self.open.insert(block) {
            let event = json!({ "type": "content_block_start", "index": block, "content_block": start(piece) });
            chunk(&event, frames)?;
        }
        match delta(piece) {
            Some(delta) => chunk(
                &json!({ "type": "content_block_delta", "index": block, "delta": delta }),
                frames,
            ),
            None => Ok(()),
        }
    }

    fn end(&self, end: &Stop, latency_ms: u64, frames: &mut Frames) -> Result<(), Error> {
        let delta = json!({ "stop_reason": end.reason, "stop_sequence": end.sequence });
        let mut usage = json!({ "output_tokens": end.usage.output_tokens });
        add_cache(&mut usage, end.usage);
        chunk(
            &json!({ "type": "message_delta", "delta": delta, "usage": usage }),
            frames,
        )?;
        let metrics = json!({
            "inputTokenCount": end.usage.input_tokens,
            "outputTokenCount": end.usage.output_tokens,
            "invocationLatency": latency_ms,
            "firstByteLatency": self.first_byte_ms,
        });
        chunk(
            &json!({ "type": "message_stop", "amazon-bedrock-invocationMetrics": metrics }),
            frames,
        )
    }
}

fn stop(block: usize, frames: &mut Frames) -> Result<(), Error> {
    chunk(
        &json!({ "type": "content_block_stop", "index": block }),
        frames,
    )
}

/// The block as it begins.
fn start(piece: &Piece) -> Value {
    match piece {
        Piece::Text(_) | Piece::Citation(_) => json!({ "type": "text", "text": "" }),
        Piece::Reasoning(_) | Piece::Signature(_) => {
            json!({ "type": "thinking", "thinking": "", "signature": "" })
        }
        Piece::Redacted(bytes) => {
            json!({ "type": "redacted_thinking", "data": STANDARD.encode(bytes) })
        }
        Piece::ToolUse { id, name } => {
            json!({ "type": "tool_use", "id": id, "name": name, "input": {} })
        }
        Piece::ToolInput(_) => json!({ "type": "tool_use", "id": "", "name": "", "input": {} }),
        Piece::ToolResult { id, .. } => {
            json!({ "type": "tool_result", "tool_use_id": id, "content": "" })
        }
        Piece::ToolResultText(_) => {
            json!({ "type": "tool_result", "tool_use_id": "", "content": "" })
        }
    }
}

/// What a piece adds to its block. `None` if the block's start has it all.
fn delta(piece: &Piece) -> Option<Value> {
    Some(match piece {
        Piece::Text(text) | Piece::ToolResultText(text) => {
            json!({ "type": "text_delta", "text": text })
        }
        Piece::Reasoning(text) => json!({ "type": "thinking_delta", "thinking": text }),
        Piece::Signature(signature) => {
            json!({ "type": "signature_delta", "signature": signature })
        }
        Piece::Citation(source) => {
            json!({ "type": "citations_delta", "citation": citation(source) })
        }
        Piece::ToolInput(input) => json!({ "type": "input_json_delta", "partial_json": input }),
        Piece::Redacted(_) | Piece::ToolUse { .. } | Piece::ToolResult { .. } => return None,
    })
}

fn citation(citation: &Citation) -> Value {
    json!({
        "type": "web_search_result_location", "title": citation.title, "url": citation.url,
        "cited_text": citation.text.as_deref().unwrap_or_default(), "encrypted_index": "",
    })
}

/// The response of `InvokeModel`.
pub(crate) fn response(
    model_id: &str,
    message_id: &str,
    blocks: &[WholeBlock],
    stop: &Stop,
) -> Value {
    let content: Vec<Value> = blocks.iter().map(block).collect();
    let mut usage = json!({
        "input_tokens": stop.usage.input_tokens,
        "output_tokens": stop.usage.output_tokens,
    });
    add_cache(&mut usage, stop.usage);
    json!({
        "id": message_id, "type": "message", "role": "assistant", "model": model_id, "content": content,
        "stop_reason": stop.reason, "stop_sequence": stop.sequence, "usage": usage,
    })
}

fn block(block: &WholeBlock) -> Value {
    match block {
        WholeBlock::Text { text, citations } => {
            let mut block = json!({ "type": "text", "text": text });
            if !citations.is_empty() {
                block["citations"] = citations.iter().map(citation).collect();
            }
            block
        }
        WholeBlock::Reasoning { text, signature } => json!({
            "type": "thinking", "thinking": text, "signature": signature.as_deref().unwrap_or_default(),
        }),
        WholeBlock::Redacted(bytes) => {
            json!({ "type": "redacted_thinking", "data": STANDARD.encode(bytes) })
        }
        WholeBlock::ToolUse { id, name, input } => {
            let input: Value = serde_json::from_str(input).unwrap_or_else(|_| json!({}));
            json!({ "type": "tool_use", "id": id, "name": name, "input": input })
        }
        WholeBlock::ToolResult { id, text, .. } => {
            json!({ "type": "tool_result", "tool_use_id": id, "content": text })
        }
    }
}

fn add_cache(usage: &mut Value, used: Usage) {
    if let Some(cache) = used.cache {
        usage["cache_read_input_tokens"] = json!(cache.read_tokens);
        usage["cache_creation_input_tokens"] = json!(cache.write_tokens);
    }
}

fn chunk(event: &Value, frames: &mut Frames) -> Result<(), Error> {
    frames.event(
        "chunk",
        &json!({ "bytes": STANDARD.encode(event.to_string()) }),
    )
}
