//! A request for a run.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error;
use tokencast_core::failure::FailureCode;
use tokencast_core::json_text::JsonText;

use crate::ai_sdk::request::{AnswerRequest, BETWEEN_PARTS, Said, SaidBy, Trigger};
use crate::json::{self, Invalid, Object};
use crate::system;

/// A run that a client asks for.
#[derive(Debug)]
pub struct RunRequest {
    pub thread_id: String,
    pub run_id: String,
    /// Whether the client says that it reads version 1.0 of the protocol.
    pub reads_version_1: bool,
    /// The thread's messages as the client sent them.
    pub messages: Messages,
    /// The same as a chat's request for an answer.
    pub chat: AnswerRequest,
}

/// Messages as JSON, which no log may hold.
#[derive(Clone, Default)]
pub struct Messages(pub Vec<Box<RawValue>>);

impl std::fmt::Debug for Messages {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_tuple("Messages")
            .field(&self.0.len())
            .finish()
    }
}

/// What is wrong with a request. No error repeats what the client wrote.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidRun {
    #[error(
        "the body is no JSON object: expected {{\"threadId\": …, \"runId\": …, \"messages\": […]}}, as `HttpAgent` of AG-UI sends it"
    )]
    NoJson,
    #[error("{0} is missing or malformed: expected what `HttpAgent` of AG-UI sends")]
    Malformed(String),
    #[error("messages is empty: expected the thread's messages, the user's last")]
    NoMessages,
    #[error(
        "the last message is not the user's: tools that a page runs, and runs without a message, are not supported"
    )]
    LastNotUsers,
    #[error("the last message is of the role `{0}`: expected `user`")]
    LastRole(&'static str),
    #[error("{0} is not supported: expected a part of the type `text`")]
    Part(String),
    #[error(
        "{0} is not supported: expected `user`, `assistant`, `system`, `developer`, `tool`, `reasoning` or `activity`"
    )]
    Role(String),
    #[error(
        "{0} is no Unicode text: it has half of a surrogate pair, such as `\\ud83d` without what belongs behind it"
    )]
    NotUnicode(String),
}

impl InvalidRun {
    pub fn code(&self) -> FailureCode {
        match self {
            Self::NoJson | Self::Malformed(_) | Self::NoMessages => FailureCode::InvalidArgument,
            Self::LastNotUsers
            | Self::LastRole(_)
            | Self::Part(_)
            | Self::Role(_)
            | Self::NotUnicode(_) => FailureCode::InvalidPrompt,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawRun {
    #[serde(default)]
    thread_id: Option<String>,
    #[serde(default)]
    run_id: Option<String>,
    #[serde(default)]
    protocol_version: Option<String>,
    #[serde(default)]
    messages: Option<Vec<Box<RawValue>>>,
    #[serde(default)]
    forwarded_props: Option<Value>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    role: Option<String>,
    #[serde(default, borrow)]
    content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    r#type: Option<String>,
    #[serde(default)]
    text: Option<JsonText>,
}

impl RunRequest {
    /// # Errors
    ///
    /// [`InvalidRun`] names the field that is wrong, or the part that isn't supported.
    pub fn read(body: &[u8]) -> Result<Self, InvalidRun> {
        let raw: RawRun = json::read(body).map_err(|invalid| match invalid {
            Invalid::Field(place) => InvalidRun::Malformed(place),
            Invalid::NoObject => InvalidRun::NoJson,
        })?;
        let thread_id = named(raw.thread_id, "threadId")?;
        let run_id = named(raw.run_id, "runId")?;
        let messages = raw.messages;
        let messages = messages.ok_or_else(|| InvalidRun::Malformed("messages".to_owned()))?;
        let (mut history, mut system, mut asked) = (Vec::new(), Vec::new(), None);
        let last = messages
            .len()
            .checked_sub(1)
            .ok_or(InvalidRun::NoMessages)?;
        for (at, message) in messages.iter().enumerate() {
            let place = format!("messages[{at}]");
            let message = serde_json::from_str(message.get());
            let Object::<Message<'_>>(message) =
                message.map_err(|_| InvalidRun::Malformed(place.clone()))?;
            if at == last {
                check_last(message.role.as_deref())?;
            }
            let text = |needed| texts(message.content, &format!("{place}.content"), needed);
            let by = match message.role.as_deref() {
                Some("user") if at == last => {
                    let id = named(message.id, &format!("{place}.id"))?;
                    asked = Some((id, text(true)?));
                    continue;
                }
                Some("user") => SaidBy::User,
                Some("assistant") => SaidBy::Assistant(message.id.and_then(|id| id.parse().ok())),
                Some("system" | "developer") => {
                    system.extend(text(true)?);
                    continue;
                }
                // What an answer has besides its text is its own, and a model is told none of it.
                Some("reasoning" | "tool" | "activity") => continue,
                _ => return Err(InvalidRun::Role(format!("{place}.role"))),
            };
            let text = text(by == SaidBy::User)?.join(BETWEEN_PARTS);
            history.push(Said { by, text });
        }
        history.retain(Said::counts);
        let (id, texts) = asked.ok_or(InvalidRun::LastNotUsers)?;
        let assistant = match raw
            .forwarded_props
            .as_ref()
            .map(|props| &props["assistant"])
        {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => Some(name.clone()),
            Some(_) => {
                let place = "forwardedProps.assistant".to_owned();
                return Err(InvalidRun::Malformed(place));
            }
        };
        let chat = AnswerRequest {
            chat_id: thread_id.clone(),
            trigger: Trigger::Submit,
            // Each run is an answer of its own.
            message_id: format!("{run_id} {id}"),
            texts,
            history,
            system: system::prompt_of(system),
            assistant,
        };
        Ok(Self {
            thread_id,
            run_id,
            reads_version_1: raw.protocol_version.is_some(),
            messages: Messages(messages),
            chat,
        })
    }
}

/// Refuses a last message that nobody asks by. Roles that there are not are refused by their place.
fn check_last(role: Option<&str>) -> Result<(), InvalidRun> {
    let role = match role {
        Some("system") => "system",
        Some("developer") => "developer",
        Some("reasoning") => "reasoning",
        Some("activity") => "activity",
        Some("assistant" | "tool") => return Err(InvalidRun::LastNotUsers),
        _ => return Ok(()),
    };
    Err(InvalidRun::LastRole(role))
}

fn named(value: Option<String>, name: &str) -> Result<String, InvalidRun> {
    let value = value.filter(|value| !value.is_empty());
    value.ok_or_else(|| InvalidRun::Malformed(name.to_owned()))
}

/// The texts of a message's content: a string, or a list of parts. An answer may have none.
fn texts(
    content: Option<&RawValue>,
    place: &str,
    is_needed: bool,
) -> Result<Vec<String>, InvalidRun> {
    let malformed = || InvalidRun::Malformed(place.to_owned());
    let content = match content {
        Some(content) => content.get(),
        None if is_needed => return Err(malformed()),
        None => return Ok(Vec::new()),
    };
    if content.starts_with('"') {
        let text: JsonText = serde_json::from_str(content).map_err(|_| malformed())?;
        return Ok(vec![unicode(text, place)?]);
    }
    let parts: Vec<Object<Part>> = serde_json::from_str(content).map_err(|_| malformed())?;
    let parts = parts.into_iter().enumerate().map(|(at, Object(part))| {
        let place = format!("{place}[{at}]");
        match part {
            Part {
                r#type: Some(kind),
                text: Some(text),
            } if kind == "text" => unicode(text, &place),
            _ => Err(InvalidRun::Part(place)),
        }
    });
    parts.collect()
}

fn unicode(text: JsonText, place: &str) -> Result<String, InvalidRun> {
    let text = text.into_text();
    text.map_err(|_| InvalidRun::NotUnicode(place.to_owned()))
}

#[cfg(test)]
mod tests;
