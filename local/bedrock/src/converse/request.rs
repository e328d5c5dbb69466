//! A request's body and its checks.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::reasoning;
use crate::error::ModelError;
use crate::guardrail::{Asked, Mode};
use crate::history;
use crate::prompt::{Content, Message, Prompt, Role};

/// The request's body before its checks. Members that no model here needs are ignored.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConverseRequest {
    messages: Option<Vec<WireMessage>>,
    system: Option<Vec<Block>>,
    inference_config: Option<InferenceConfig>,
    tool_config: Option<Value>,
    additional_model_request_fields: Option<Value>,
    guardrail_config: Option<GuardrailConfig>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GuardrailConfig {
    #[serde(rename = "guardrailIdentifier")]
    id: Option<String>,
    #[serde(rename = "guardrailVersion")]
    version: Option<String>,
    stream_processing_mode: Option<String>,
    trace: Option<String>,
}

/// The parts of the body that a test reads byte for byte.
#[derive(Debug, Deserialize)]
struct Given<'a> {
    #[serde(borrow)]
    system: Option<&'a RawValue>,
    #[serde(borrow)]
    messages: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct WireMessage {
    role: Option<String>,
    content: Option<Vec<Block>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Block {
    text: Option<String>,
    cache_point: Option<CachePoint>,
    reasoning_content: Option<ReasoningContent>,
    tool_use: Option<ToolUse>,
    tool_result: Option<ToolResult>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct CachePoint {
    r#type: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReasoningContent {
    reasoning_text: Option<ReasoningText>,
    redacted_content: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ReasoningText {
    text: Option<String>,
    signature: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolUse {
    #[serde(rename = "toolUseId")]
    id: Option<String>,
    name: Option<String>,
    input: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolResult {
    tool_use_id: Option<String>,
    content: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InferenceConfig {
    pub(super) max_tokens: Option<i64>,
    pub(super) temperature: Option<f32>,
    top_p: Option<f32>,
    stop_sequences: Option<Vec<String>>,
}

/// Reads and checks a request's body.
///
/// # Errors
///
/// The outer error says that the body can't be read, the inner one that it isn't valid.
pub(crate) fn parse(
    model_id: &str,
    body: &[u8],
) -> Result<Result<Prompt, ModelError>, serde_json::Error> {
    let given: Given<'_> = serde_json::from_slice(body)?;
    let mut text = String::from("{");
    for (name, value) in [("system", given.system), ("messages", given.messages)] {
        let Some(value) = value else { continue };
        let comma = if text.len() > 1 { "," } else { "" };
        text.extend([comma, "\"", name, "\":", value.get()]);
    }
    text.push('}');
    let request: ConverseRequest = serde_json::from_slice(body)?;
    Ok(request.into_prompt(model_id, text))
}

impl ConverseRequest {
    fn into_prompt(self, model_id: &str, given: String) -> Result<Prompt, ModelError> {
        let config = self.inference_config.unwrap_or_default().check()?;
        let additional = self
            .additional_model_request_fields
            .filter(|it| !it.is_null());
        let reasoning_tokens = match &additional {
            Some(additional) => reasoning::check(model_id, additional, &config)?,
            None => None,
        };
        let guardrail = self.guardrail_config.map(GuardrailConfig::check);
        let messages = self.messages.unwrap_or_default().into_iter().enumerate();
        let system = self.system.unwrap_or_default().into_iter().enumerate();
        let prompt = Prompt {
            model_id: model_id.to_owned(),
            messages: messages
                .map(|(at, message)| message.check(at))
                .collect::<Result<_, _>>()?,
            system: system
                .map(|(at, block)| {
                    block.check(&format!("SystemContentBlock object at system.{at}"))
                })
                .collect::<Result<_, _>>()?,
            tools: self.tool_config.filter(|tools| !tools.is_null()),
            max_tokens: config
                .max_tokens
                .map(|limit| u32::try_from(limit).unwrap_or(u32::MAX)),
            temperature: config.temperature,
            top_p: config.top_p,
            stop_sequences: config.stop_sequences.unwrap_or_default(),
            reasoning_tokens,
            additional,
            guardrail: guardrail.transpose()?,
            given,
        };
        history::check(&prompt)?;
        Ok(prompt)
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
        let content = content.into_iter().enumerate().map(|(block_at, block)| {
            block.check(&format!(
                "ContentBlock object at messages.{at}.content.{block_at}"
            ))
        });
        Ok(Message {
            role,
            content: content.collect::<Result<_, _>>()?,
        })
    }
}

impl Block {
    /// `place` is the block's type and where it is, for messages.
    fn check(self, place: &str) -> Result<Content, ModelError> {
        let mut others = self.others;
        others.retain(|_, value| !value.is_null());
        let named = [
            self.text.is_some(),
            self.cache_point.is_some(),
            self.reasoning_content.is_some(),
            self.tool_use.is_some(),
            self.tool_result.is_some(),
        ];
        let members = named.into_iter().filter(|named| *named).count() + others.len();
        if members != 1 {
            let how_many = if members == 0 { "one" } else { "only one" };
            return Err(ModelError::validation(format!(
                "The {place} must set {how_many} of its members, such as text. Set one and try again."
            )));
        }
        let absent = |member: &str| missing(&format!("{member} of the {place}"));
        if let Some(text) = self.text {
            if text.trim().is_empty() {
                return Err(ModelError::validation(format!(
                    "The text field in the {place} is blank. Add text to the text field, and try again."
                )));
            }
            return Ok(Content::Text(text));
        }
        if let Some(point) = self.cache_point {
            return match point.r#type.as_deref() {
                Some("default") => Ok(Content::CachePoint),
                Some(other) => Err(constraint(
                    other,
                    &format!("cachePoint.type of the {place}"),
                    "Member must satisfy enum value set: [default]",
                )),
                None => Err(absent("cachePoint.type")),
            };
        }
        if let Some(reasoning) = self.reasoning_content {
            return reasoning.check().ok_or_else(|| absent("reasoningContent"));
        }
        if let Some(tool) = self.tool_use {
            return tool.check().ok_or_else(|| absent("toolUse"));
        }
        if let Some(result) = self.tool_result {
            return result.check().ok_or_else(|| absent("toolResult"));
        }
        Ok(Content::Other(Value::Object(others)))
    }
}

impl ReasoningContent {
    fn check(self) -> Option<Content> {
        match (self.reasoning_text, self.redacted_content) {
            (Some(reasoning), None) => Some(Content::Reasoning {
                text: reasoning.text?,
                signature: reasoning.signature,
            }),
            (None, Some(redacted)) => Some(Content::Redacted(redacted)),
            _ => None,
        }
    }
}

impl GuardrailConfig {
    fn check(self) -> Result<Asked, ModelError> {
        let one_of = |value: Option<String>, member: &str, words: &[&str]| match value {
            None => Ok(words[0].to_owned()),
            Some(value) if words.contains(&value.as_str()) => Ok(value),
            Some(value) => {
                let mut words = words.to_vec();
                words.sort_unstable();
                let rule = format!("Member must satisfy enum value set: [{}]", words.join(", "));
                Err(constraint(
                    &value,
                    &format!("guardrailConfig.{member}"),
                    &rule,
                ))
            }
        };
        let absent = |member: &str| missing(&format!("guardrailConfig.{member}"));
        let mode = one_of(
            self.stream_processing_mode,
            "streamProcessingMode",
            &["sync", "async"],
        )?;
        let trace = one_of(
            self.trace,
            "trace",
            &["disabled", "enabled", "enabled_full"],
        )?;
        Ok(Asked {
            id: self.id.ok_or_else(|| absent("guardrailIdentifier"))?,
            version: self.version.ok_or_else(|| absent("guardrailVersion"))?,
            mode: if mode == "async" {
                Mode::Async
            } else {
                Mode::Sync
            },
            traces: trace != "disabled",
        })
    }
}

impl ToolUse {
    fn check(self) -> Option<Content> {
        Some(Content::ToolUse {
            id: self.id?,
            name: self.name?,
            input: self.input?,
        })
    }
}

impl ToolResult {
    fn check(self) -> Option<Content> {
        Some(Content::ToolResult {
            id: self.tool_use_id?,
            content: self.content?,
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
