//! A request's body and its checks.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::error::ModelError;
use crate::history;
use crate::prompt::{Content, Message, Prompt, Role};

#[derive(Debug, Deserialize)]
struct InvokeRequest<'a> {
    anthropic_version: Option<String>,
    max_tokens: Option<i64>,
    #[serde(borrow)]
    messages: Option<&'a RawValue>,
    #[serde(borrow)]
    system: Option<&'a RawValue>,
    tools: Option<Value>,
    temperature: Option<f32>,
    top_p: Option<f32>,
    stop_sequences: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
struct WireMessage {
    role: String,
    content: WireContent,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum WireContent {
    Text(String),
    Blocks(Vec<Block>),
}

#[derive(Debug, Deserialize)]
struct Block {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    thinking: Option<String>,
    signature: Option<String>,
    data: Option<String>,
    id: Option<String>,
    name: Option<String>,
    input: Option<Value>,
    tool_use_id: Option<String>,
    content: Option<Value>,
    cache_control: Option<Value>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// Reads and checks a request's body.
pub(crate) fn parse(model_id: &str, body: &[u8]) -> Result<Prompt, ModelError> {
    let request: InvokeRequest<'_> = serde_json::from_slice(body).map_err(malformed)?;
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
    let given_messages = request
        .messages
        .ok_or_else(|| ModelError::validation("messages: Field required"))?
        .get();
    let messages: Vec<WireMessage> = serde_json::from_str(given_messages).map_err(malformed)?;
    let messages = messages.into_iter().enumerate();
    let system: Option<WireContent> = match request.system {
        Some(system) => serde_json::from_str(system.get()).map_err(malformed)?,
        None => None,
    };
    let given_system = request.system.map_or_else(String::new, |system| {
        format!("\"system\":{},", system.get())
    });
    let prompt = Prompt {
        model_id: model_id.to_owned(),
        messages: messages
            .map(|(at, message)| message.check(at))
            .collect::<Result<_, _>>()?,
        system: system.map_or(Ok(Vec::new()), |system| system.check("system"))?,
        tools: request.tools.filter(|tools| !tools.is_null()),
        max_tokens: Some(u32::try_from(max_tokens).unwrap_or(u32::MAX)),
        temperature: request.temperature,
        top_p: request.top_p,
        stop_sequences: request
            .stop_sequences
            .unwrap_or_default()
            .into_iter()
            .filter(|s| !s.is_empty())
            .collect(),
        reasoning_tokens: None,
        additional: None,
        guardrail: None,
        given: format!("{{{given_system}\"messages\":{given_messages}}}"),
    };
    history::check(&prompt)?;
    Ok(prompt)
}

#[expect(clippy::needless_pass_by_value, reason = "it is passed to `map_err`")]
fn malformed(error: serde_json::Error) -> ModelError {
    ModelError::validation(format!(
        "Malformed input request: {error}, please reformat your input and try again."
    ))
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
            content: self.content.check(&format!("messages.{at}.content"))?,
        })
    }
}

impl WireContent {
    fn check(self, place: &str) -> Result<Vec<Content>, ModelError> {
        let blocks = match self {
            Self::Text(text) => {
                if text.trim().is_empty() {
                    return Err(blank());
                }
                return Ok(vec![Content::Text(text)]);
            }
            Self::Blocks(blocks) => blocks,
        };
        if blocks.is_empty() {
            return Err(ModelError::validation(
                "messages: content must have at least one block",
            ));
        }
        let mut contents = Vec::new();
        for (at, block) in blocks.into_iter().enumerate() {
            let is_cached = block.cache_control.as_ref().is_some_and(|it| !it.is_null());
            contents.push(block.check(&format!("{place}.{at}"))?);
            if is_cached {
                contents.push(Content::CachePoint);
            }
        }
        Ok(contents)
    }
}

impl Block {
    fn check(self, place: &str) -> Result<Content, ModelError> {
        let required =
            |member: &str| ModelError::validation(format!("{place}.{member}: Field required"));
        Ok(match self.kind.as_str() {
            "text" => match self.text {
                Some(text) if !text.trim().is_empty() => Content::Text(text),
                _ => return Err(blank()),
            },
            "thinking" => Content::Reasoning {
                text: self.thinking.ok_or_else(|| required("thinking.thinking"))?,
                signature: self.signature,
            },
            "redacted_thinking" => Content::Redacted(
                self.data
                    .ok_or_else(|| required("redacted_thinking.data"))?,
            ),
            "tool_use" => Content::ToolUse {
                id: self.id.ok_or_else(|| required("tool_use.id"))?,
                name: self.name.ok_or_else(|| required("tool_use.name"))?,
                input: self.input.ok_or_else(|| required("tool_use.input"))?,
            },
            "tool_result" => Content::ToolResult {
                id: self
                    .tool_use_id
                    .ok_or_else(|| required("tool_result.tool_use_id"))?,
                content: self.content.unwrap_or_default(),
            },
            _ => Content::Other(Value::Object(self.others)),
        })
    }
}

fn blank() -> ModelError {
    ModelError::validation("messages: text content blocks must be non-empty")
}
