//! The frames of `WebSocketChatTransport` of `ai` 7. One socket carries all chats of a page; each request has an id, which
//! its frames repeat.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::chunk::Chunk;
use super::request::{AnswerRequest, InvalidRequest, MAX_REQUEST_ID_BYTES, RawRequest};
use crate::json::{self, Object, Word};

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
        let Object::<Head>(head) = serde_json::from_str(message).ok()?;
        let kind = head.r#type.filter(|_| head.action.is_none())?;
        let request_id = match request_id(head.request_id) {
            Ok(request_id) => request_id,
            Err(error) => {
                let (request_id, frame) = (String::new(), Err(error));
                return Some(Self { request_id, frame });
            }
        };
        let frame = match kind.as_str() {
            "send" => send(message, head.body.as_ref()),
            "resume" => match head.id {
                Some(Value::String(id)) if id.is_empty() => Err(InvalidRequest::Empty("id")),
                Some(Value::String(chat_id)) => Ok(ClientFrame::Resume { chat_id }),
                None | Some(Value::Null) => Err(InvalidRequest::Missing("id".to_owned())),
                Some(_) => Err(InvalidRequest::Malformed("id".to_owned())),
            },
            "abort" => Ok(ClientFrame::Abort),
            other => Err(InvalidRequest::FrameType(Word::of(other))),
        };
        Some(Self { request_id, frame })
    }
}

fn request_id(value: Option<Value>) -> Result<String, InvalidRequest> {
    let is_id = |id: &str| {
        (1..=MAX_REQUEST_ID_BYTES).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_graphic())
    };
    match value {
        None | Some(Value::Null) => Err(InvalidRequest::Missing("requestId".to_owned())),
        Some(Value::String(id)) if is_id(&id) => Ok(id),
        Some(_) => Err(InvalidRequest::RequestId),
    }
}

/// Reads a question. `body` is what the page sends besides the messages.
fn send(message: &str, body: Option<&Value>) -> Result<ClientFrame, InvalidRequest> {
    let request = AnswerRequest::of(json::read::<RawRequest>(message.as_bytes())?)?;
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
