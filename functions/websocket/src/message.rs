//! Parses a client's message from JSON. Errors name the field that is wrong.

use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;
use tokencast_core::failure::FailureCode;
use tokencast_core::id::{Attempt, InvalidSessionId, Position, Sequence, SessionId};
use tokencast_core::json_text::JsonText;
use tokencast_core::quota::Exceeded;
use tokencast_core::requests::{RequestError, Within};
use tokencast_protocols::json::Word;

/// What a message may ask for.
pub(crate) const ACTIONS: [&str; 3] = ["stream", "stop", "resume"];

#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    Stream {
        prompt: String,
        session_id: Option<SessionId>,
        /// Where in a conversation the session is to be.
        within: Option<Within>,
        /// The assistant's name.
        assistant: Option<String>,
    },
    Stop(SessionId),
    Resume {
        session_id: SessionId,
        /// The position that the client has reached.
        known: Position,
    },
}

/// A message as far as it could be read. It holds enough for an error to name the action and the session.
#[derive(Debug)]
pub struct Message {
    pub action: Option<String>,
    pub session_id: Option<String>,
    pub asked: Result<Action, MessageError>,
}

#[derive(Debug, Error)]
pub enum MessageError {
    #[error("the message is not a JSON object: expected {{\"action\": \"stream\", \"prompt\": …}}")]
    NotAnObject,
    #[error("the action is unknown: expected `stream`, `stop` or `resume`")]
    UnknownAction,
    #[error("{0} is missing: expected a string")]
    Missing(&'static str),
    #[error("{name} is malformed: expected {expected}")]
    Malformed {
        name: &'static str,
        expected: &'static str,
    },
    #[error(transparent)]
    SessionId(#[from] InvalidSessionId),
    #[error(transparent)]
    Request(#[from] RequestError),
}

impl MessageError {
    pub fn code(&self) -> FailureCode {
        match self {
            Self::Request(error) => error.code(),
            Self::Malformed {
                name: "conversationId" | "parentId" | "assistant",
                ..
            } => FailureCode::InvalidArgument,
            Self::NotAnObject
            | Self::UnknownAction
            | Self::Missing(_)
            | Self::Malformed { .. }
            | Self::SessionId(_) => FailureCode::InvalidPrompt,
        }
    }

    /// What a quota says that refuses the message.
    pub fn exceeded(&self) -> Option<&Exceeded> {
        match self {
            Self::Request(error) => error.exceeded(),
            _ => None,
        }
    }

    /// Whether the fault is the system's, and not the caller's.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Request(error) if error.is_failure())
    }
}

impl Message {
    pub fn read(body: &str) -> Self {
        let Ok(fields) = serde_json::from_str::<Map<String, Value>>(body) else {
            return Self::read_cut(body).unwrap_or(Self {
                action: None,
                session_id: None,
                asked: Err(MessageError::NotAnObject),
            });
        };
        let known = |name: &str| fields.get(name).and_then(Value::as_str);
        let asked = read_action(&fields);
        Self::about(known("action"), known("sessionId"), asked)
    }

    /// Reads a message whose prompt is not valid Unicode. Such a prompt does not fit into a `Value` either.
    fn read_cut(body: &str) -> Option<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Cut {
            action: Option<String>,
            session_id: Option<String>,
            prompt: JsonText,
        }
        let cut: Cut = serde_json::from_str(body).ok()?;
        cut.prompt.into_text().err()?;
        let asked = Err(RequestError::NotUnicode.into());
        Some(Self::about(
            cut.action.as_deref(),
            cut.session_id.as_deref(),
            asked,
        ))
    }

    /// Keeps a short word and a valid session id only, so that an error repeats no other text of the client's.
    fn about(
        action: Option<&str>,
        session_id: Option<&str>,
        asked: Result<Action, MessageError>,
    ) -> Self {
        let action = action.and_then(Word::read);
        let id = session_id.and_then(|id| id.parse::<SessionId>().ok());
        Self {
            action: action.map(|action| action.to_string()),
            session_id: id.map(|id| id.to_string()),
            asked,
        }
    }
}

fn read_action(fields: &Map<String, Value>) -> Result<Action, MessageError> {
    match text(fields, "action")? {
        Some("stream") => Ok(Action::Stream {
            prompt: text(fields, "prompt")?
                .ok_or(MessageError::Missing("prompt"))?
                .to_owned(),
            session_id: text(fields, "sessionId")?.map(str::parse).transpose()?,
            within: Within::read(text(fields, "conversationId")?, text(fields, "parentId")?)?,
            assistant: text(fields, "assistant")?.map(str::to_owned),
        }),
        Some("stop") => Ok(Action::Stop(session_id(fields)?)),
        Some("resume") => Ok(Action::Resume {
            session_id: session_id(fields)?,
            known: Position {
                attempt: Attempt(number(fields, "attempt")?),
                sequence: Sequence(number(fields, "sequence")?),
            },
        }),
        Some(_) => Err(MessageError::UnknownAction),
        None => Err(MessageError::Missing("action")),
    }
}

fn session_id(fields: &Map<String, Value>) -> Result<SessionId, MessageError> {
    let id = text(fields, "sessionId")?.ok_or(MessageError::Missing("sessionId"))?;
    Ok(id.parse()?)
}

/// Treats `null` as missing, as GraphQL does.
fn text<'a>(
    fields: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a str>, MessageError> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(MessageError::Malformed {
            name,
            expected: "a string",
        }),
    }
}

fn number(fields: &Map<String, Value>, name: &'static str) -> Result<u32, MessageError> {
    let value = match fields.get(name) {
        None | Some(Value::Null) => return Ok(0),
        Some(value) => value.as_u64().and_then(|number| u32::try_from(number).ok()),
    };
    value.ok_or(MessageError::Malformed {
        name,
        expected: "a whole number from 0 on",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

    fn check(body: &str, expected: Result<Action, &str>) {
        let asked = Message::read(body).asked;
        let asked = asked.map_err(|error| {
            assert_eq!(error.code(), FailureCode::InvalidPrompt);
            error.to_string()
        });
        assert_eq!(asked, expected.map_err(str::to_owned), "{body}");
    }

    fn id() -> SessionId {
        ID.parse().expect("an id")
    }

    #[test]
    fn an_action_is_read() {
        let stream = |session_id| Action::Stream {
            within: None,
            assistant: None,
            prompt: "Hi".to_owned(),
            session_id,
        };
        check(r#"{"action":"stream","prompt":"Hi"}"#, Ok(stream(None)));
        check(
            r#"{"action":"stream","prompt":"Hi","sessionId":null,"more":1}"#,
            Ok(stream(None)),
        );
        check(
            &format!(r#"{{"action":"stream","prompt":"Hi","sessionId":"{ID}"}}"#),
            Ok(stream(Some(id()))),
        );
        check(
            &format!(r#"{{"action":"stop","sessionId":"{ID}"}}"#),
            Ok(Action::Stop(id())),
        );
        let resume = |attempt, sequence| Action::Resume {
            session_id: id(),
            known: Position {
                attempt: Attempt(attempt),
                sequence: Sequence(sequence),
            },
        };
        check(
            &format!(r#"{{"action":"resume","sessionId":"{ID}"}}"#),
            Ok(resume(0, 0)),
        );
        check(
            &format!(r#"{{"action":"resume","sessionId":"{ID}","attempt":2,"sequence":31}}"#),
            Ok(resume(2, 31)),
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        let no_object =
            r#"the message is not a JSON object: expected {"action": "stream", "prompt": …}"#;
        for body in ["", "stream", "{", "[]", "\"stream\"", "null"] {
            check(body, Err(no_object));
        }
        check("{}", Err("action is missing: expected a string"));
        check(
            r#"{"action":7}"#,
            Err("action is malformed: expected a string"),
        );
        check(
            r#"{"action":"start"}"#,
            Err("the action is unknown: expected `stream`, `stop` or `resume`"),
        );
        check(
            r#"{"action":"stream"}"#,
            Err("prompt is missing: expected a string"),
        );
        check(
            r#"{"action":"stream","prompt":["Hi"]}"#,
            Err("prompt is malformed: expected a string"),
        );
        check(
            r#"{"action":"stop"}"#,
            Err("sessionId is missing: expected a string"),
        );
        check(
            r#"{"action":"resume","sessionId":"x"}"#,
            Err("sessionId is not a UUID: expected the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"),
        );
        for sequence in ["-1", "1.5", "\"1\"", "4294967296"] {
            check(
                &format!(r#"{{"action":"resume","sessionId":"{ID}","sequence":{sequence}}}"#),
                Err("sequence is malformed: expected a whole number from 0 on"),
            );
        }
    }

    #[test]
    fn a_prompt_that_is_cut_in_a_character_is_named() {
        let message = Message::read(&format!(
            r#"{{"action":"stream","prompt":"cut \ud83d","sessionId":"{}"}}"#,
            ID.to_uppercase()
        ));
        assert_eq!(message.action.as_deref(), Some("stream"));
        assert_eq!(message.session_id.as_deref(), Some(ID));
        let error = message.asked.expect_err("refused");
        assert_eq!(error.code(), FailureCode::InvalidPrompt);
        assert!(
            error.to_string().starts_with("prompt is no Unicode"),
            "{error}"
        );
        // In any other field such a text makes the whole message invalid.
        for body in [
            r#"{"action":"\ud83d"}"#,
            r#"{"prompt":"x","more":"\ud83d"}"#,
        ] {
            let error = Message::read(body).asked.expect_err("refused");
            assert!(matches!(error, MessageError::NotAnObject), "{error}");
        }
    }

    #[test]
    fn an_error_names_what_it_is_about_and_repeats_nothing_else() {
        let message = Message::read(&format!(r#"{{"action":"stream","sessionId":"{ID}"}}"#));
        assert_eq!(message.action.as_deref(), Some("stream"));
        assert_eq!(message.session_id.as_deref(), Some(ID));
        let message = Message::read(r#"{"action":"nope","sessionId":"secret"}"#);
        assert_eq!(message.action.as_deref(), Some("nope"));
        assert_eq!(message.session_id, None);
        let message = Message::read(r#"{"action":"<b>","sessionId":"secret"}"#);
        assert_eq!((message.action, message.session_id), (None, None));
    }
}
