//! The frames that a WebSocket client receives: JSON, each with a `type`.

use bytes::Bytes;
use serde::Serialize;
use tokencast_core::assistant::AssistantName;
use tokencast_core::failure::Failure;
use tokencast_core::id::{ConversationId, SessionId};
use tokencast_core::quota::Exceeded;
use tokencast_core::session::Session;
use tokencast_core::time::Timestamp;

use super::backlog::Joined;
use crate::clock::iso8601;
use crate::event_json::EventJson;
use crate::schema_json::ExceededJson;

/// An event of a session, or several joined.
pub fn event(piece: &Joined, now: Timestamp) -> Bytes {
    let Joined { first, event } = piece;
    let json = EventJson::new(event, now).typed(event);
    let json = if *first < event.sequence {
        json.joined_from(first.0)
    } else {
        json
    };
    json.to_json().into()
}

/// The response to an action: `started`, `resumed` or `stopping`.
pub fn answer(r#type: &str, session: &Session, now: Timestamp) -> Bytes {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Frame<'a> {
        r#type: &'a str,
        session_id: &'a str,
        status: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        conversation_id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        parent_id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        assistant: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        waiting: Option<Waiting>,
        timestamp: String,
    }
    #[derive(Serialize)]
    struct Waiting {
        reason: &'static str,
        since: String,
    }
    json(&Frame {
        r#type,
        session_id: session.id.as_str(),
        status: session.status.as_str(),
        conversation_id: session.conversation_id.as_ref().map(ConversationId::as_str),
        parent_id: session.parent_id.as_ref().map(SessionId::as_str),
        assistant: session.assistant.as_ref().map(AssistantName::as_str),
        waiting: session.waiting().map(|waiting| Waiting {
            reason: waiting.reason.as_str(),
            since: iso8601(waiting.since),
        }),
        timestamp: iso8601(now),
    })
}

/// The response to a message that was refused, by a quota if `exceeded` is given.
pub fn refusal(
    action: Option<&str>,
    session_id: Option<&str>,
    failure: &Failure,
    exceeded: Option<&Exceeded>,
) -> Bytes {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Frame<'a> {
        r#type: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        action: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        session_id: Option<&'a str>,
        error: Error<'a>,
    }
    #[derive(Serialize)]
    struct Error<'a> {
        code: &'static str,
        message: &'a str,
        retryable: bool,
        #[serde(flatten)]
        exceeded: Option<ExceededJson>,
    }
    json(&Frame {
        r#type: "error",
        action,
        session_id,
        error: Error {
            code: failure.code.as_str(),
            message: &failure.message,
            retryable: failure.retryable(),
            exceeded: exceeded.map(ExceededJson::from),
        },
    })
}

fn json(frame: &impl Serialize) -> Bytes {
    serde_json::to_vec(frame)
        .expect("strings and numbers always serialize")
        .into()
}
