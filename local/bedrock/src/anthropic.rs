//! `InvokeModel` and `InvokeModelWithResponseStream`, in the shape of Anthropic's Messages API.

use aws_smithy_eventstream::error::Error;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::ModelError;
use crate::frame::Frames;
use crate::model::{ModelEvent, Stop};
use crate::prompt::{Message, Prompt, Role, check_roles};

#[derive(Debug, Deserialize)]
struct InvokeRequest {
    anthropic_version: Option<String>,
    max_tokens: Option<i64>,
    messages: Option<Vec<WireMessage>>,
    system: Option<Content>,
    temperature: Option<f32>,
    top_p: Option<f32>,
    stop_sequences: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
struct WireMessage {
    role: String,
    content: Content,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Blocks(Vec<Block>),
}

#[derive(Debug, Deserialize)]
struct Block {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
}

/// Reads and checks a request's body.
pub(crate) fn parse(body: &[u8]) -> Result<Prompt, ModelError> {
    let request: InvokeRequest = serde_json::from_slice(body).map_err(|error| {
        ModelError::validation(format!(
            "Malformed input request: {error}, please reformat your input and try again."
        ))
    })?;
    if request.anthropic_version.is_none() {
        return Err(ModelError::validation("anthropic_version: Field required"));
    }
    let max_tokens = request
        .max_tokens
        .ok_or_else(|| ModelError::validation("max_tokens: Field required"))?;
    if max_tokens < 1 {
        return Err(ModelError::validation(
            "max_tokens: must be greater than or equal to 1",
        ));
    }
    for (value, name) in [
        (request.temperature, "temperature"),
        (request.top_p, "top_p"),
    ] {
        if value.is_some_and(|value| !(0.0..=1.0).contains(&value)) {
            return Err(ModelError::validation(format!("{name}: range: 0..1")));
        }
    }
    let messages = request
        .messages
        .ok_or_else(|| ModelError::validation("messages: Field required"))?;
    let messages: Vec<Message> = messages
        .into_iter()
        .enumerate()
        .map(|(at, message)| message.check(at))
        .collect::<Result<_, _>>()?;
    check_roles(&messages)?;
    Ok(Prompt {
        system: request
            .system
            .into_iter()
            .map(Content::into_text)
            .collect::<Result<_, _>>()?,
        messages,
        max_tokens: Some(u32::try_from(max_tokens).unwrap_or(u32::MAX)),
        temperature: request.temperature,
        top_p: request.top_p,
        stop_sequences: request
            .stop_sequences
            .unwrap_or_default()
            .into_iter()
            .filter(|s| !s.is_empty())
            .collect(),
    })
}

impl WireMessage {
    fn check(self, at: usize) -> Result<Message, ModelError> {
        let role = Role::parse(&self.role).ok_or_else(|| {
            ModelError::validation(format!(
                "messages.{at}.role: Input should be 'user' or 'assistant'"
            ))
        })?;
        Ok(Message {
            role,
            text: self.content.into_text()?,
        })
    }
}

impl Content {
    fn into_text(self) -> Result<String, ModelError> {
        let blocks = match self {
            Self::Text(text) => vec![Block {
                kind: "text".into(),
                text: Some(text),
            }],
            Self::Blocks(blocks) => blocks,
        };
        let mut texts = Vec::new();
        let empty = blocks.is_empty();
        for block in blocks {
            match block.text {
                Some(text) if block.kind == "text" && !text.trim().is_empty() => texts.push(text),
                None if block.kind != "text" => {}
                _ => {
                    return Err(ModelError::validation(
                        "messages: text content blocks must be non-empty",
                    ));
                }
            }
        }
        if empty {
            return Err(ModelError::validation(
                "messages: content must have at least one block",
            ));
        }
        Ok(texts.join("\n"))
    }
}

/// Encodes a stream's events, each as the base64 `bytes` of one `chunk`.
#[derive(Debug)]
pub(crate) struct AnthropicEncoder {
    model_id: String,
    message_id: String,
    block: usize,
    open: Option<&'static str>,
    first_byte_ms: Option<u64>,
}

impl AnthropicEncoder {
    pub(crate) fn new(model_id: &str, message_id: String) -> Self {
        Self {
            model_id: model_id.to_owned(),
            message_id,
            block: 0,
            open: None,
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
            ModelEvent::Text(text) => {
                self.open("text", &json!({ "type": "text", "text": "" }), frames)?;
                self.delta(&json!({ "type": "text_delta", "text": text }), frames)
            }
            ModelEvent::Reasoning(text) => {
                self.open(
                    "thinking",
                    &json!({ "type": "thinking", "thinking": "", "signature": "" }),
                    frames,
                )?;
                self.delta(
                    &json!({ "type": "thinking_delta", "thinking": text }),
                    frames,
                )
            }
            ModelEvent::Stop(stop) => {
                self.close(frames)?;
                let delta = json!({ "stop_reason": stop.reason, "stop_sequence": stop.sequence });
                let usage = json!({ "output_tokens": stop.usage.output_tokens });
                chunk(
                    &json!({ "type": "message_delta", "delta": delta, "usage": usage }),
                    frames,
                )?;
                let metrics = json!({
                    "inputTokenCount": stop.usage.input_tokens,
                    "outputTokenCount": stop.usage.output_tokens,
                    "invocationLatency": latency_ms,
                    "firstByteLatency": self.first_byte_ms,
                });
                chunk(
                    &json!({ "type": "message_stop", "amazon-bedrock-invocationMetrics": metrics }),
                    frames,
                )
            }
            ModelEvent::Fail(error) => frames.exception(error),
            ModelEvent::Reset => Ok(()),
        }
    }

    fn open(
        &mut self,
        kind: &'static str,
        content_block: &Value,
        frames: &mut Frames,
    ) -> Result<(), Error> {
        if self.open == Some(kind) {
            return Ok(());
        }
        self.close(frames)?;
        self.open = Some(kind);
        let event = json!({ "type": "content_block_start", "index": self.block, "content_block": content_block });
        chunk(&event, frames)
    }

    fn delta(&self, delta: &Value, frames: &mut Frames) -> Result<(), Error> {
        chunk(
            &json!({ "type": "content_block_delta", "index": self.block, "delta": delta }),
            frames,
        )
    }

    fn close(&mut self, frames: &mut Frames) -> Result<(), Error> {
        if self.open.take().is_none() {
            return Ok(());
        }
        let event = json!({ "type": "content_block_stop", "index": self.block });
        self.block += 1;
        chunk(&event, frames)
    }
}

/// The response of `InvokeModel`.
pub(crate) fn response(
    model_id: &str,
    message_id: &str,
    text: &str,
    reasoning: &str,
    stop: &Stop,
) -> Value {
    let mut content = Vec::new();
    if !reasoning.is_empty() {
        content.push(json!({ "type": "thinking", "thinking": reasoning, "signature": "" }));
    }
    content.push(json!({ "type": "text", "text": text }));
    json!({
        "id": message_id, "type": "message", "role": "assistant", "model": model_id, "content": content,
        "stop_reason": stop.reason, "stop_sequence": stop.sequence,
        "usage": { "input_tokens": stop.usage.input_tokens, "output_tokens": stop.usage.output_tokens },
    })
}

fn chunk(event: &Value, frames: &mut Frames) -> Result<(), Error> {
    frames.event(
        "chunk",
        &json!({ "bytes": STANDARD.encode(event.to_string()) }),
    )
}
