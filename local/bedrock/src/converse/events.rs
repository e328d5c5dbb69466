//! A stream's events, and the response of `Converse`.

use std::collections::BTreeSet;

use aws_smithy_eventstream::error::Error;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::frame::Frames;
use crate::model::{Citation, ModelEvent, Piece, Stop};
use crate::whole::WholeBlock;

/// Encodes a stream's events. As on AWS, only the use of a tool and its result begin with `contentBlockStart`.
#[derive(Debug, Default)]
pub struct ConverseEncoder {
    open: BTreeSet<usize>,
}

impl ConverseEncoder {
    /// Writes the event that starts the message.
    ///
    /// # Errors
    ///
    /// The event can't be encoded.
    pub fn start(frames: &mut Frames) -> Result<(), Error> {
        frames.event("messageStart", &json!({ "role": "assistant" }))
    }

    /// Writes a model's event.
    ///
    /// # Errors
    ///
    /// The event can't be encoded.
    pub fn event(
        &mut self,
        event: &ModelEvent,
        latency_ms: u64,
        frames: &mut Frames,
    ) -> Result<(), Error> {
        match event {
            ModelEvent::Piece { block, piece } => {
                self.open.insert(*block);
                let (name, member, content) = match piece {
                    Piece::ToolUse { .. } | Piece::ToolResult { .. } => {
                        ("contentBlockStart", "start", start(piece))
                    }
                    _ => ("contentBlockDelta", "delta", delta(piece)),
                };
                frames.event(
                    name,
                    &json!({ "contentBlockIndex": block, member: content }),
                )
            }
            ModelEvent::BlockStop { block } => self.stop(*block, frames),
            ModelEvent::Stop(stop) => {
                for block in std::mem::take(&mut self.open) {
                    stop_event(block, frames)?;
                }
                frames.event("messageStop", &json!({ "stopReason": stop.reason }))?;
                frames.event("metadata", &metadata(stop, latency_ms))
            }
            ModelEvent::Fail(error) => frames.exception(error),
            ModelEvent::Reset => Ok(()),
        }
    }

    fn stop(&mut self, block: usize, frames: &mut Frames) -> Result<(), Error> {
        if self.open.remove(&block) {
            stop_event(block, frames)?;
        }
        Ok(())
    }
}

fn stop_event(block: usize, frames: &mut Frames) -> Result<(), Error> {
    frames.event("contentBlockStop", &json!({ "contentBlockIndex": block }))
}

fn start(piece: &Piece) -> Value {
    match piece {
        Piece::ToolUse { id, name } => json!({ "toolUse": { "toolUseId": id, "name": name } }),
        Piece::ToolResult { id, status } => {
            json!({ "toolResult": said([("toolUseId", Some(json!(id))), ("status", status.as_ref().map(|status| json!(status)))]) })
        }
        _ => json!({}),
    }
}

fn delta(piece: &Piece) -> Value {
    match piece {
        Piece::Text(text) => json!({ "text": text }),
        Piece::Reasoning(text) => json!({ "reasoningContent": { "text": text } }),
        Piece::Signature(signature) => json!({ "reasoningContent": { "signature": signature } }),
        Piece::Redacted(bytes) => {
            json!({ "reasoningContent": { "redactedContent": STANDARD.encode(bytes) } })
        }
        Piece::Citation(source) => json!({ "citation": citation(source) }),
        Piece::ToolInput(input) => json!({ "toolUse": { "input": input } }),
        Piece::ToolResultText(text) => json!({ "toolResult": [{ "text": text }] }),
        Piece::ToolUse { .. } | Piece::ToolResult { .. } => json!({}),
    }
}

fn citation(citation: &Citation) -> Value {
    let Citation { title, url, text } = citation;
    said([
        ("title", title.as_ref().map(|title| json!(title))),
        (
            "sourceContent",
            text.as_ref().map(|text| json!([{ "text": text }])),
        ),
        (
            "location",
            url.as_ref().map(|url| json!({ "web": { "url": url } })),
        ),
    ])
}

/// The members that have a value.
fn said<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let said = members
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(said.collect::<Map<_, _>>())
}

/// The response of `Converse`.
pub(crate) fn response(blocks: &[WholeBlock], stop: &Stop, latency_ms: u64) -> Value {
    let content: Vec<Value> = blocks.iter().map(block).collect();
    let mut response = json!({
        "output": { "message": { "role": "assistant", "content": content } },
        "stopReason": stop.reason,
    });
    if let (Value::Object(response), Value::Object(metadata)) =
        (&mut response, metadata(stop, latency_ms))
    {
        response.extend(metadata);
    }
    response
}

fn block(block: &WholeBlock) -> Value {
    match block {
        WholeBlock::Text { text, citations } if citations.is_empty() => json!({ "text": text }),
        WholeBlock::Text { text, citations } => {
            let citations: Vec<Value> = citations.iter().map(citation).collect();
            json!({ "citationsContent": { "content": [{ "text": text }], "citations": citations } })
        }
        WholeBlock::Reasoning { text, signature } => {
            let reasoning = said([
                ("text", Some(json!(text))),
                (
                    "signature",
                    signature.as_ref().map(|signature| json!(signature)),
                ),
            ]);
            json!({ "reasoningContent": { "reasoningText": reasoning } })
        }
        WholeBlock::Redacted(bytes) => {
            json!({ "reasoningContent": { "redactedContent": STANDARD.encode(bytes) } })
        }
        WholeBlock::ToolUse { id, name, input } => {
            let input: Value = serde_json::from_str(input).unwrap_or_else(|_| json!({}));
            json!({ "toolUse": { "toolUseId": id, "name": name, "input": input } })
        }
        WholeBlock::ToolResult { id, status, text } => {
            let result = said([
                ("toolUseId", Some(json!(id))),
                ("status", status.as_ref().map(|status| json!(status))),
                ("content", Some(json!([{ "text": text }]))),
            ]);
            json!({ "toolResult": result })
        }
    }
}

fn metadata(stop: &Stop, latency_ms: u64) -> Value {
    let mut usage = json!({
        "inputTokens": stop.usage.input_tokens,
        "outputTokens": stop.usage.output_tokens,
        "totalTokens": stop.usage.total_tokens(),
    });
    if let Some(cache) = stop.usage.cache {
        usage["cacheReadInputTokens"] = json!(cache.read_tokens);
        usage["cacheWriteInputTokens"] = json!(cache.write_tokens);
    }
    let mut metadata = json!({ "usage": usage, "metrics": { "latencyMs": latency_ms } });
    if let Some(trace) = &stop.trace {
        metadata["trace"] = trace.clone();
    }
    metadata
}
