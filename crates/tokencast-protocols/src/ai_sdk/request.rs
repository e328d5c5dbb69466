//! A request for an answer: the messages of a chat.

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;
use tokencast_core::failure::FailureCode;
use tokencast_core::id::SessionId;
use tokencast_core::json_text::JsonText;

use crate::json::{self, Invalid, Object, Word};
use crate::system;

/// What between the texts of a message's parts makes one prompt of them.
pub(crate) const BETWEEN_PARTS: &str = "\n\n";

/// The longest id of a socket's request that is taken. The transport's own have 16 characters.
pub const MAX_REQUEST_ID_BYTES: usize = 128;

/// A request, as `HttpChatTransport` posts it.
#[derive(Debug)]
pub struct AnswerRequest {
    pub chat_id: String,
    pub trigger: Trigger,
    /// The id of the message with the question.
    pub message_id: String,
    /// The texts of its parts.
    pub texts: Vec<String>,
    /// What was said before, oldest first.
    pub history: Vec<Said>,
    /// The texts of the chat's system messages, joined.
    pub system: Option<String>,
    /// The assistant that the page names.
    pub assistant: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    Submit,
    Regenerate,
}

/// A message before the question.
#[derive(Clone, PartialEq, Eq)]
pub struct Said {
    pub by: SaidBy,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaidBy {
    User,
    /// An answer's id is its session's. Others, such as a greeting's, are of no session.
    Assistant(Option<SessionId>),
}

impl Said {
    /// Whether it is more than an answer without text that is of no session, as a page leaves of a failure.
    pub(crate) fn counts(&self) -> bool {
        self.by != SaidBy::Assistant(None) || !self.text.trim().is_empty()
    }
}

/// Without the text, so that no log can hold it.
impl std::fmt::Debug for Said {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Said")
            .field("by", &self.by)
            .finish_non_exhaustive()
    }
}

/// What is wrong with a request. No error repeats what the client wrote.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidRequest {
    #[error(
        "the body is no JSON object: expected {{\"id\": …, \"messages\": […]}}, as `useChat` sends it"
    )]
    NoJson,
    #[error("{0} is malformed: expected what `useChat` of the AI SDK sends")]
    Malformed(String),
    #[error("{0} is missing: expected what `useChat` of the AI SDK, 6 or 7, sends")]
    Missing(String),
    #[error("{0} is empty: expected a text")]
    Empty(&'static str),
    #[error("trigger is `{0}`: expected `submit-message` or `regenerate-message`")]
    Trigger(Word),
    #[error("type is `{0}`: expected `send`, `resume` or `abort`")]
    FrameType(Word),
    #[error(
        "requestId is malformed: expected 1 to {MAX_REQUEST_ID_BYTES} visible ASCII characters"
    )]
    RequestId,
    #[error("messages is empty: expected the chat's messages, the question last")]
    NoMessages,
    #[error("the last message is not the user's: tools that a page runs are not supported")]
    LastNotUsers,
    #[error("the last message is of the role `system`: expected `user`")]
    LastIsSystems,
    #[error("{place} is of the type `{found}`, which is not supported: expected `text`")]
    Part { place: String, found: Word },
    #[error("{place} is not supported: expected `user`, `assistant` or `system`")]
    Role { place: String },
    #[error(
        "{0} is no Unicode text: it has half of a surrogate pair, such as `\\ud83d` without what belongs behind it"
    )]
    NotUnicode(String),
}

impl InvalidRequest {
    pub fn code(&self) -> FailureCode {
        match self {
            Self::NoJson
            | Self::Malformed(_)
            | Self::Missing(_)
            | Self::Empty(_)
            | Self::Trigger(_)
            | Self::FrameType(_)
            | Self::RequestId
            | Self::NoMessages => FailureCode::InvalidArgument,
            Self::LastNotUsers
            | Self::LastIsSystems
            | Self::Part { .. }
            | Self::Role { .. }
            | Self::NotUnicode(_) => FailureCode::InvalidPrompt,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct RawRequest {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    messages: Option<Vec<Object<RawMessage>>>,
    #[serde(default)]
    trigger: Value,
    #[serde(default)]
    assistant: Option<String>,
}

#[derive(Deserialize)]
struct RawMessage {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    role: Option<String>,
    #[serde(default)]
    parts: Option<Vec<Object<RawPart>>>,
}

#[derive(Deserialize)]
struct RawPart {
    #[serde(default)]
    r#type: Option<String>,
    #[serde(default)]
    text: Option<JsonText>,
}

impl AnswerRequest {
    /// # Errors
    ///
    /// [`InvalidRequest`] names the field that is wrong, or the part that isn't supported.
    pub fn read(body: &[u8]) -> Result<Self, InvalidRequest> {
        Self::of(json::read(body)?)
    }

    /// The prompt: the texts of the question's parts.
    pub fn prompt(&self) -> String {
        self.texts.join(BETWEEN_PARTS)
    }

    pub(super) fn of(raw: RawRequest) -> Result<Self, InvalidRequest> {
        let missing = |name: &str| InvalidRequest::Missing(name.to_owned());
        let chat_id = raw.id.ok_or_else(|| missing("id"))?;
        if chat_id.is_empty() {
            return Err(InvalidRequest::Empty("id"));
        }
        let trigger = trigger(&raw.trigger)?;
        let mut messages = raw.messages.ok_or_else(|| missing("messages"))?;
        let last = messages.len().checked_sub(1);
        let last = last.ok_or(InvalidRequest::NoMessages)?;
        let Object(asked) = messages.remove(last);
        let (mut history, mut system) = (Vec::new(), Vec::new());
        for (at, Object(message)) in messages.into_iter().enumerate() {
            match message.role.as_deref() {
                Some("system") => system.extend(texts(message, at, Of::User)?),
                Some("user") => history.push(Said {
                    by: SaidBy::User,
                    text: texts(message, at, Of::User)?.join(BETWEEN_PARTS),
                }),
                Some("assistant") => history.push(Said {
                    by: SaidBy::Assistant(message.id.as_deref().and_then(|id| id.parse().ok())),
                    text: texts(message, at, Of::Assistant)?.concat(),
                }),
                role => return Err(wrong_role(role, at)),
            }
        }
        match asked.role.as_deref() {
            Some("user") => {}
            Some("assistant") => return Err(InvalidRequest::LastNotUsers),
            Some("system") => return Err(InvalidRequest::LastIsSystems),
            role => return Err(wrong_role(role, last)),
        }
        history.retain(Said::counts);
        let message_id = asked.id.clone();
        Ok(Self {
            chat_id,
            trigger,
            message_id: message_id.ok_or_else(|| missing(&format!("messages[{last}].id")))?,
            texts: texts(asked, last, Of::User)?,
            history,
            system: system::prompt_of(system),
            assistant: raw.assistant,
        })
    }
}

/// A question is submitted where nothing else is said.
fn trigger(value: &Value) -> Result<Trigger, InvalidRequest> {
    match value {
        Value::Null => Ok(Trigger::Submit),
        Value::String(name) => match name.as_str() {
            "submit-message" => Ok(Trigger::Submit),
            "regenerate-message" => Ok(Trigger::Regenerate),
            other => Err(InvalidRequest::Trigger(Word::of(other))),
        },
        _ => Err(InvalidRequest::Malformed("trigger".to_owned())),
    }
}

impl From<Invalid> for InvalidRequest {
    fn from(invalid: Invalid) -> Self {
        match invalid {
            Invalid::NoObject => Self::NoJson,
            Invalid::Field(place) => Self::Malformed(place),
        }
    }
}

/// Whose message it is. A question is refused if it has more than text. What an answer has besides its text is its own,
/// and a model is told none of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    User,
    Assistant,
}

/// Types of an answer's parts that are left out. A tool's parts are called after it.
const OF_ANSWERS: [&str; 5] = [
    "reasoning",
    "step-start",
    "source-url",
    "source-document",
    "dynamic-tool",
];

fn texts(message: RawMessage, at: usize, of: Of) -> Result<Vec<String>, InvalidRequest> {
    let place = |part: usize| format!("messages[{at}].parts[{part}]");
    let parts = message.parts;
    let parts = parts.ok_or_else(|| InvalidRequest::Missing(format!("messages[{at}].parts")))?;
    let mut texts = Vec::new();
    for (number, Object(part)) in parts.into_iter().enumerate() {
        match part.r#type.as_deref() {
            Some("text") => {
                let text = part.text;
                let place = || format!("{}.text", place(number));
                let text = text.ok_or_else(|| InvalidRequest::Missing(place()))?;
                let text = text.into_text();
                texts.push(text.map_err(|_| InvalidRequest::NotUnicode(place()))?);
            }
            Some(other) if of == Of::Assistant && is_of_answer(other) => {}
            Some(other) => {
                return Err(InvalidRequest::Part {
                    place: place(number),
                    found: Word::of(other),
                });
            }
            None => return Err(InvalidRequest::Missing(format!("{}.type", place(number)))),
        }
    }
    Ok(texts)
}

fn is_of_answer(part_type: &str) -> bool {
    OF_ANSWERS.contains(&part_type)
        || part_type.starts_with("tool-")
        || part_type.starts_with("data-")
}

fn wrong_role(role: Option<&str>, at: usize) -> InvalidRequest {
    let place = format!("messages[{at}].role");
    match role {
        None => InvalidRequest::Missing(place),
        Some(_) => InvalidRequest::Role { place },
    }
}
