//! A request for a completion.
//!
//! A parameter that only tunes the model is ignored, as other servers of this protocol do. One without which the answer
//! would be another thing (several choices, tools, audio, a format) is refused by its name. An unknown one is refused, as
//! OpenAI does.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Number, Value};
use tokencast_core::brought::Brought;
use tokencast_core::json_text::JsonText;
use tokencast_core::ports::{ModelTurn, Role};

use super::invalid::InvalidRequest;
use crate::ai_sdk::request::BETWEEN_PARTS;
use crate::json::Object;
use crate::system;

/// What `POST /v1/chat/completions` asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatRequest {
    /// The assistant's name.
    pub model: String,
    /// The last message, which is the user's.
    pub prompt: Prompt,
    /// The messages before it, and what the answer shall be like.
    pub brought: Brought,
    pub is_streamed: bool,
    /// Whether a last chunk tells the usage.
    pub includes_usage: bool,
}

/// A prompt, which no log may hold.
#[derive(Clone, PartialEq, Eq)]
pub struct Prompt(pub String);

impl std::fmt::Debug for Prompt {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_tuple("Prompt")
            .field(&self.0.len())
            .finish()
    }
}

/// Parameters that only tune a model, or the service around it.
const IGNORED: [&str; 16] = [
    "frequency_penalty",
    "logit_bias",
    "metadata",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning_effort",
    "safety_identifier",
    "seed",
    "service_tier",
    "store",
    "top_p",
    "user",
    "verbosity",
];

/// Whether a parameter's value is one that asks for nothing.
type IsAllowed = fn(&Value) -> bool;

/// Parameters that are refused, with the only values that are not.
const REFUSED: [(&str, &str, IsAllowed); 11] = [
    ("n", "1", |value| *value == 1),
    ("tools", "none", is_empty),
    ("tool_choice", "`none` or `auto`", is_none_or_auto),
    ("functions", "none", is_empty),
    ("function_call", "`none` or `auto`", is_none_or_auto),
    ("audio", "none", |_| false),
    ("modalities", "`[\"text\"]`", |value| {
        value
            .as_array()
            .is_some_and(|all| all.iter().all(|one| *one == "text"))
    }),
    ("logprobs", "false", |value| *value == false),
    ("top_logprobs", "none", |value| *value == 0),
    ("response_format", "`{\"type\": \"text\"}`", |value| {
        value["type"] == "text"
    }),
    ("web_search_options", "none", |_| false),
];

/// As OpenAI has it.
const MAX_STOP_SEQUENCES: usize = 4;

/// What `messages` may be, for errors.
const ROLES: &str = "`system`, `developer`, `user` or `assistant`";

fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty)
}

fn is_none_or_auto(value: &Value) -> bool {
    *value == "none" || *value == "auto"
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: Option<bool>,
}

/// `stop`: one text, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stop {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(default)]
    role: Option<String>,
    #[serde(default, borrow)]
    content: Option<&'a RawValue>,
    #[serde(default, borrow)]
    tool_calls: Option<&'a RawValue>,
    #[serde(default, borrow)]
    function_call: Option<&'a RawValue>,
    #[serde(default, borrow)]
    audio: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    r#type: Option<String>,
    #[serde(default)]
    text: Option<JsonText>,
    #[serde(default)]
    refusal: Option<JsonText>,
}

impl ChatRequest {
    /// # Errors
    ///
    /// [`InvalidRequest`] names the parameter that is wrong, or that isn't supported.
    pub fn read(body: &[u8]) -> Result<Self, InvalidRequest> {
        let mut given: HashMap<String, &RawValue> =
            serde_json::from_slice(body).map_err(|_| InvalidRequest::NoJson)?;
        given.retain(|_, value| value.get() != "null");
        let mut parameters = Parameters(given);
        parameters.refuse()?;
        let model: Option<String> = parameters.take("model", "a string")?;
        let model = model.ok_or_else(|| InvalidRequest::Missing("model".to_owned()))?;
        let is_streamed = parameters.take("stream", "a boolean")?.unwrap_or(false);
        let options: Option<Object<StreamOptions>> = parameters.take(
            "stream_options",
            "an object, `{\"include_usage\": true or false}`",
        )?;
        if options.is_some() && !is_streamed {
            let (param, expected) = ("stream_options".to_owned(), "none, without `stream`");
            return Err(InvalidRequest::Value { param, expected });
        }
        let max_tokens = parameters.limit("max_tokens")?;
        let max_tokens = parameters.limit("max_completion_tokens")?.or(max_tokens);
        let temperature = parameters.temperature()?;
        let stop_sequences = parameters.stop()?;
        let messages = parameters.0.remove("messages");
        if let Some(param) = parameters.0.into_keys().min() {
            return Err(InvalidRequest::Unknown(param));
        }
        let messages = messages.ok_or_else(|| InvalidRequest::Missing("messages".to_owned()))?;
        let Conversation { system, mut turns } = Conversation::read(messages)?;
        let prompt = turns.pop().filter(|turn| turn.role == Role::User);
        let prompt = prompt.ok_or_else(|| InvalidRequest::Value {
            param: "messages".to_owned(),
            expected: "a last message of the role `user`",
        })?;
        Ok(Self {
            model,
            prompt: Prompt(prompt.text),
            brought: Brought {
                turns,
                system: system::prompt_of(system),
                max_tokens,
                temperature,
                stop_sequences,
            },
            is_streamed,
            includes_usage: options.is_some_and(|it| it.0.include_usage == Some(true)),
        })
    }
}

/// The parameters that were not read yet, without those that are null.
struct Parameters<'a>(HashMap<String, &'a RawValue>);

impl Parameters<'_> {
    /// Takes what is ignored, and refuses what is not supported.
    fn refuse(&mut self) -> Result<(), InvalidRequest> {
        for name in IGNORED {
            self.0.remove(name);
        }
        for (name, expected, is_allowed) in REFUSED {
            let Some(value) = self.0.remove(name) else {
                continue;
            };
            let value = serde_json::from_str(value.get()).unwrap_or(Value::Null);
            if !is_allowed(&value) {
                let param = name.to_owned();
                return Err(match name {
                    "n" | "modalities" | "response_format" | "tool_choice" | "function_call" => {
                        InvalidRequest::UnsupportedValue { param, expected }
                    }
                    _ => InvalidRequest::Unsupported { param, expected },
                });
            }
        }
        Ok(())
    }

    fn take<T: DeserializeOwned>(
        &mut self,
        name: &str,
        expected: &'static str,
    ) -> Result<Option<T>, InvalidRequest> {
        let value = self.0.remove(name);
        let value = value.map(|value| serde_json::from_str(value.get()));
        value.transpose().map_err(|_| InvalidRequest::Type {
            param: name.to_owned(),
            expected,
        })
    }

    /// A number of tokens. One that no model has is as good as the most that a number can hold.
    fn limit(&mut self, name: &str) -> Result<Option<u32>, InvalidRequest> {
        let expected = "an integer";
        let Some(limit) = self.take::<Number>(name, expected)? else {
            return Ok(None);
        };
        let param = name.to_owned();
        // More than a `u64` holds.
        let is_vast = limit.as_f64().is_some_and(|it| it >= 1e19);
        match limit.as_i64() {
            Some(limit) if limit < 1 => Err(InvalidRequest::Value {
                param,
                expected: "at least 1",
            }),
            Some(limit) => Ok(Some(u32::try_from(limit).unwrap_or(u32::MAX))),
            None if limit.is_u64() || is_vast => Ok(Some(u32::MAX)),
            None => Err(InvalidRequest::Type { param, expected }),
        }
    }

    fn temperature(&mut self) -> Result<Option<f32>, InvalidRequest> {
        let temperature: Option<f32> = self.take("temperature", "a number")?;
        match temperature {
            Some(temperature) if !(0.0..=2.0).contains(&temperature) => {
                Err(InvalidRequest::Value {
                    param: "temperature".to_owned(),
                    expected: "0 to 2",
                })
            }
            temperature => Ok(temperature),
        }
    }

    /// The texts before which the answer ends.
    fn stop(&mut self) -> Result<Vec<String>, InvalidRequest> {
        let expected = "a string, or an array of up to 4 strings, none of them empty";
        let sequences = match self.take("stop", expected)? {
            None => Vec::new(),
            Some(Stop::One(sequence)) => vec![sequence],
            Some(Stop::Several(sequences)) => sequences,
        };
        if sequences.len() > MAX_STOP_SEQUENCES || sequences.iter().any(String::is_empty) {
            let param = "stop".to_owned();
            return Err(InvalidRequest::Value { param, expected });
        }
        Ok(sequences)
    }
}

/// The messages of a request.
#[derive(Default)]
struct Conversation {
    system: Vec<String>,
    turns: Vec<ModelTurn>,
}

impl Conversation {
    fn read(messages: &RawValue) -> Result<Self, InvalidRequest> {
        let wrong = |param: &str| InvalidRequest::Type {
            param: param.to_owned(),
            expected: "an array of messages",
        };
        let messages: Vec<&RawValue> =
            serde_json::from_str(messages.get()).map_err(|_| wrong("messages"))?;
        let mut conversation = Self::default();
        for (at, message) in messages.into_iter().enumerate() {
            let param = format!("messages[{at}]");
            let message = serde_json::from_str(message.get());
            let Object(message) = message.map_err(|_| InvalidRequest::Type {
                param: param.clone(),
                expected: "a message, `{\"role\": …, \"content\": …}`",
            })?;
            conversation.push(&message, &param)?;
        }
        Ok(conversation)
    }

    fn push(&mut self, message: &Message<'_>, param: &str) -> Result<(), InvalidRequest> {
        for (name, value) in [
            ("tool_calls", message.tool_calls),
            ("function_call", message.function_call),
            ("audio", message.audio),
        ] {
            if value.is_some_and(|value| !matches!(value.get(), "null" | "[]")) {
                let (param, expected) = (format!("{param}.{name}"), "none");
                return Err(InvalidRequest::Unsupported { param, expected });
            }
        }
        let place = || format!("{param}.role");
        let role = message.role.as_deref();
        let role = role.ok_or_else(|| InvalidRequest::Missing(place()))?;
        let role = match role {
            "system" | "developer" => None,
            "user" => Some(Role::User),
            "assistant" => Some(Role::Assistant),
            _ => {
                let (param, expected) = (place(), ROLES);
                return Err(InvalidRequest::UnsupportedValue { param, expected });
            }
        };
        let text = text(message.content, &format!("{param}.content"))?;
        match role {
            None => self.system.push(text),
            Some(role) => self.turns.push(ModelTurn { role, text }),
        }
        Ok(())
    }
}

/// The text of a message's content: a string, or a list of parts.
fn text(content: Option<&RawValue>, param: &str) -> Result<String, InvalidRequest> {
    let content = content.ok_or_else(|| InvalidRequest::Missing(param.to_owned()))?;
    let wrong = || InvalidRequest::Type {
        param: param.to_owned(),
        expected: "a string, or an array of parts",
    };
    if content.get().starts_with('"') {
        let text: JsonText = serde_json::from_str(content.get()).map_err(|_| wrong())?;
        return unicode(text, param);
    }
    let parts: Vec<&RawValue> = serde_json::from_str(content.get()).map_err(|_| wrong())?;
    let mut texts = Vec::new();
    for (at, part) in parts.into_iter().enumerate() {
        let part = serde_json::from_str(part.get());
        let Object::<Part>(part) = part.map_err(|_| InvalidRequest::Type {
            param: format!("{param}[{at}]"),
            expected: "a part, `{\"type\": \"text\", \"text\": a string}`",
        })?;
        let place = |name: &str| format!("{param}[{at}].{name}");
        let (name, text) = match part.r#type.as_deref() {
            Some("text") => ("text", part.text),
            Some("refusal") => ("refusal", part.refusal),
            None => return Err(InvalidRequest::Missing(place("type"))),
            Some(_) => {
                let (param, expected) = (place("type"), "`text`");
                return Err(InvalidRequest::UnsupportedValue { param, expected });
            }
        };
        let place = place(name);
        let text = text.ok_or_else(|| InvalidRequest::Missing(place.clone()))?;
        texts.push(unicode(text, &place)?);
    }
    Ok(texts.join(BETWEEN_PARTS))
}

fn unicode(text: JsonText, param: &str) -> Result<String, InvalidRequest> {
    let text = text.into_text();
    text.map_err(|_| InvalidRequest::NotUnicode(param.to_owned()))
}

#[cfg(test)]
mod tests;
