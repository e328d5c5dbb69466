//! `Converse` and `ConverseStream`: one shape for every model.

use aws_smithy_eventstream::error::Error;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::error::ModelError;
use crate::frame::Frames;
use crate::model::{ModelEvent, Stop};
use crate::prompt::{Message, Prompt, Role, check_roles};

/// The request's body before its checks. Members that no model here needs (tools, guardrails …) are ignored.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConverseRequest {
    messages: Option<Vec<WireMessage>>,
    system: Option<Vec<Block>>,
    inference_config: Option<InferenceConfig>,
}

#[derive(Debug, Deserialize)]
struct WireMessage {
    role: Option<String>,
    content: Option<Vec<Block>>,
}

#[derive(Debug, Deserialize)]
struct Block {
    text: Option<String>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct InferenceConfig {
    max_tokens: Option<i64>,
    temperature: Option<f32>,
    top_p: Option<f32>,
    stop_sequences: Option<Vec<String>>,
}

impl ConverseRequest {
    pub(crate) fn into_prompt(self) -> Result<Prompt, ModelError> {
        let config = self.inference_config.unwrap_or_default().check()?;
        let messages = self.messages.unwrap_or_default();
        let messages: Vec<Message> = messages
            .into_iter()
            .enumerate()
            .map(|(at, message)| message.check(at))
            .collect::<Result<_, _>>()?;
        check_roles(&messages)?;
        let mut system = Vec::new();
        for (at, block) in self.system.unwrap_or_default().into_iter().enumerate() {
            let Some(text) = block.text else { continue };
            if text.trim().is_empty() {
                return Err(blank(&format!("SystemContentBlock object at system.{at}")));
            }
            system.push(text);
        }
        Ok(Prompt {
            system,
            messages,
            max_tokens: config
                .max_tokens
                .map(|limit| u32::try_from(limit).unwrap_or(u32::MAX)),
            temperature: config.temperature,
            top_p: config.top_p,
            stop_sequences: config.stop_sequences.unwrap_or_default(),
        })
    }
}

impl WireMessage {
    fn check(self, at: usize) -> Result<Message, ModelError> {
        let member = format!("messages.{}.member", at + 1);
        let Some(role) = self.role else {
            return Err(missing(&format!("{member}.role")));
        };
        let Some(role) = Role::parse(&role) else {
            let constraint_text = "Member must satisfy enum value set: [user, assistant]";
            return Err(constraint(
                &role,
                &format!("{member}.role"),
                constraint_text,
            ));
        };
        let Some(content) = self.content else {
            return Err(missing(&format!("{member}.content")));
        };
        if content.is_empty() {
            return Err(ModelError::validation(format!(
                "The content field in the Message object at messages.{at} is empty. Add a ContentBlock object to the \
                 content field and try again."
            )));
        }
        let mut texts = Vec::new();
        for (block_at, block) in content.into_iter().enumerate() {
            match block.text {
                Some(text) if text.trim().is_empty() => {
                    return Err(blank(&format!(
                        "ContentBlock object at messages.{at}.content.{block_at}"
                    )));
                }
                Some(text) => texts.push(text),
                None if block.others.values().all(Value::is_null) => {
                    return Err(ModelError::validation(format!(
                        "The ContentBlock object at messages.{at}.content.{block_at} must set one of its members, \
                         such as text. Set one and try again."
                    )));
                }
                None => {}
            }
        }
        Ok(Message {
            role,
            text: texts.join("\n"),
        })
    }
}

impl InferenceConfig {
    fn check(self) -> Result<Self, ModelError> {
        if let Some(limit) = self.max_tokens.filter(|limit| *limit < 1) {
            let rule = "Member must have value greater than or equal to 1";
            return Err(constraint(
                &limit.to_string(),
                "inferenceConfig.maxTokens",
                rule,
            ));
        }
        for (value, name) in [(self.temperature, "temperature"), (self.top_p, "topP")] {
            let Some(value) = value else { continue };
            let member = format!("inferenceConfig.{name}");
            if value < 0.0 {
                let rule = "Member must have value greater than or equal to 0";
                return Err(constraint(&value.to_string(), &member, rule));
            }
            if value > 1.0 {
                let rule = "Member must have value less than or equal to 1";
                return Err(constraint(&value.to_string(), &member, rule));
            }
        }
        if self.stop_sequences.iter().flatten().any(String::is_empty) {
            let rule = "Member must have length greater than or equal to 1";
            return Err(constraint("", "inferenceConfig.stopSequences", rule));
        }
        Ok(self)
    }
}

fn blank(place: &str) -> ModelError {
    ModelError::validation(format!(
        "The text field in the {place} is blank. Add text to the text field, and try again."
    ))
}

fn missing(member: &str) -> ModelError {
    ModelError::validation(format!(
        "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must not be null"
    ))
}

fn constraint(value: &str, member: &str, rule: &str) -> ModelError {
    ModelError::validation(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {rule}"
    ))
}

/// Encodes a stream's events. Reasoning and text are separate blocks.
#[derive(Debug, Default)]
pub struct ConverseEncoder {
    block: usize,
    open: Option<BlockKind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BlockKind {
    Text,
    Reasoning,
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
            ModelEvent::Text(text) => self.delta(BlockKind::Text, &json!({ "text": text }), frames),
            ModelEvent::Reasoning(text) => self.delta(
                BlockKind::Reasoning,
                &json!({ "reasoningContent": { "text": text } }),
                frames,
            ),
            ModelEvent::Stop(stop) => {
                self.close(frames)?;
                frames.event("messageStop", &json!({ "stopReason": stop.reason }))?;
                frames.event("metadata", &metadata(stop, latency_ms))
            }
            ModelEvent::Fail(error) => frames.exception(error),
            ModelEvent::Reset => Ok(()),
        }
    }

    fn delta(&mut self, kind: BlockKind, delta: &Value, frames: &mut Frames) -> Result<(), Error> {
        if self.open.is_some_and(|open| open != kind) {
            self.close(frames)?;
        }
        self.open = Some(kind);
        frames.event(
            "contentBlockDelta",
            &json!({ "contentBlockIndex": self.block, "delta": delta }),
        )
    }

    fn close(&mut self, frames: &mut Frames) -> Result<(), Error> {
        if self.open.take().is_none() {
            return Ok(());
        }
        let payload = json!({ "contentBlockIndex": self.block });
        self.block += 1;
        frames.event("contentBlockStop", &payload)
    }
}

/// The response of `Converse`.
pub fn response(text: &str, reasoning: &str, stop: &Stop, latency_ms: u64) -> Value {
    let mut content = Vec::new();
    if !reasoning.is_empty() {
        content.push(json!({ "reasoningContent": { "reasoningText": { "text": reasoning } } }));
    }
    content.push(json!({ "text": text }));
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

fn metadata(stop: &Stop, latency_ms: u64) -> Value {
    json!({
        "usage": {
            "inputTokens": stop.usage.input_tokens,
            "outputTokens": stop.usage.output_tokens,
            "totalTokens": stop.usage.total_tokens(),
        },
        "metrics": { "latencyMs": latency_ms },
    })
}
