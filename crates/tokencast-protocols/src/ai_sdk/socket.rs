//! The frames of `WebSocketChatTransport` of `ai` 7. One socket carries all chats of a page; each request has an id, which
//! its frames repeat.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::chunk::Chunk;
use super::request::{AnswerRequest, InvalidRequest, RawRequest, read_json};

/// The longest id of a request that is taken. The transport's own have 16 characters.
pub const MAX_REQUEST_ID_BYTES: usize = 128;

/// What a client sends.
#[derive(Debug)]
pub enum ClientFrame {
    Send(AnswerRequest),
    /// The running answer of a chat, from its beginning.
    Resume {
        chat_id: String,
    },
    Abort,
}

/// A frame, with the request that it is of.
#[derive(Debug)]
pub struct Asked {
    /// Empty if it could not be read.
    pub request_id: String,
    pub frame: Result<ClientFrame, InvalidRequest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    #[serde(default)]
    r#type: Option<String>,
    #[serde(default)]
    action: Option<serde::de::IgnoredAny>,
    /// Of any type, so that a wrong one is refused by its name.
    #[serde(default)]
    request_id: Option<Value>,
    #[serde(default)]
    id: Option<Value>,
    /// What a page sends besides the messages.
    #[serde(default)]
    body: Option<Value>,
}

impl Asked {
    /// Reads a frame. `None` for a message that is none of this protocol's: it has no `type`, or it has an `action`.
    pub fn read(message: &str) -> Option<Self> {
        let head: Head = serde_json::from_str(message).ok()?;
        let kind = head.r#type.filter(|_| head.action.is_none())?;
        let request_id = head.request_id.as_ref().and_then(Value::as_str);
        let request_id = request_id.unwrap_or_default().to_owned();
        let is_id = (1..=MAX_REQUEST_ID_BYTES).contains(&request_id.len())
            && request_id.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_id {
            let frame = Err(InvalidRequest::Malformed("requestId".to_owned()));
            let request_id = String::new();
            return Some(Self { request_id, frame });
        }
        let frame = match kind.as_str() {
            "send" => send(message, head.body.as_ref()),
            "resume" => match head.id {
                Some(Value::String(chat_id)) if !chat_id.is_empty() => {
                    Ok(ClientFrame::Resume { chat_id })
                }
                None | Some(Value::String(_) | Value::Null) => {
                    Err(InvalidRequest::Missing("id".to_owned()))
                }
                Some(_) => Err(InvalidRequest::Malformed("id".to_owned())),
            },
            "abort" => Ok(ClientFrame::Abort),
            _ => Err(InvalidRequest::Malformed("type".to_owned())),
        };
        Some(Self { request_id, frame })
    }
}

/// Reads a question. `body` is what the page sends besides the messages.
fn send(message: &str, body: Option<&Value>) -> Result<ClientFrame, InvalidRequest> {
    let request = AnswerRequest::of(read_json::<RawRequest>(message.as_bytes())?)?;
    let assistant = match body.and_then(|body| body.get("assistant")) {
        None | Some(Value::Null) => request.assistant,
        Some(Value::String(name)) => Some(name.clone()),
        Some(_) => return Err(InvalidRequest::Malformed("body.assistant".to_owned())),
    };
    Ok(ClientFrame::Send(AnswerRequest {
        assistant,
        ..request
    }))
}

/// What a client gets.
#[derive(Debug, Serialize)]
#[serde(
    tag = "type",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum ServerFrame<'a> {
    /// The request is accepted: its chunks follow, or have overtaken this frame.
    Start { request_id: &'a str },
    Chunk {
        request_id: &'a str,
        /// 0, 1, 2 …, without a gap: a client ends its connection if there is one.
        sequence: u32,
        chunk: &'a Chunk,
    },
    /// No answer of the chat is running.
    NoActive { request_id: &'a str },
    /// All chunks were sent.
    End { request_id: &'a str },
    Error {
        request_id: &'a str,
        error_text: &'a str,
    },
}

impl ServerFrame<'_> {
    #[expect(clippy::missing_panics_doc, reason = "it cannot")]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers always serialize")
    }
}
