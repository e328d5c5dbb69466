//! The frames, as far as a client sends and reads them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::error::{Error, Refusal};
use crate::event::{StreamStatus, TokenEvent};
use crate::position::Position;
use crate::prompt::Prompt;

/// What a client sends.
#[derive(Debug, Serialize)]
#[serde(
    tag = "action",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub(crate) enum Action<'a> {
    Stream {
        #[serde(flatten)]
        prompt: &'a Prompt,
        session_id: Uuid,
    },
    Stop {
        session_id: Uuid,
    },
    /// With what the client has; zeros if nothing.
    Resume {
        session_id: Uuid,
        #[serde(flatten)]
        position: Position,
    },
}

/// What a server sends.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, and nearly always an event"
)]
pub(crate) enum Incoming {
    /// The answer to `stream`.
    Started {
        session_id: Uuid,
        status: StreamStatus,
    },
    /// The answer to `resume`.
    Resumed {
        session_id: Uuid,
        status: StreamStatus,
    },
    Stopping {
        session_id: Uuid,
    },
    Event {
        session_id: Uuid,
        event: TokenEvent,
    },
    /// An action was refused; without an id it may have been any.
    Refused {
        session_id: Option<Uuid>,
        error: Error,
    },
    /// Whatever a newer server may add, and events that are none; the gap that these leave will be noticed.
    Other,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Frame {
    #[serde(rename = "type")]
    kind: Option<String>,
    session_id: Option<Uuid>,
    /// Of a refusal: what was refused.
    action: Option<String>,
    status: Option<StreamStatus>,
    /// Of a token event, not of a refusal.
    is_complete: Option<bool>,
    error: Option<Refusal>,
    /// Of API Gateway's own errors, which have no type.
    message: Option<String>,
}

impl Incoming {
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        // Serde's own words may quote the token.
        let no_frame = |_| Error::Protocol("a frame that is none".into());
        let value: Value = serde_json::from_str(text).map_err(no_frame)?;
        let frame = Frame::deserialize(&value).map_err(no_frame)?;
        let status = frame.status.unwrap_or(StreamStatus::Unknown);
        let incoming = match (frame.kind.as_deref(), frame.session_id) {
            (Some("started"), Some(session_id)) => Self::Started { session_id, status },
            (Some("resumed"), Some(session_id)) => Self::Resumed { session_id, status },
            (Some("stopping"), Some(session_id)) => Self::Stopping { session_id },
            (Some("token" | "complete" | "error"), Some(session_id))
                if frame.is_complete.is_some() =>
            {
                // Serde's own words may quote the token.
                TokenEvent::deserialize(value)
                    .inspect_err(|_| tracing::warn!("an event of another shape"))
                    .map_or(Self::Other, |event| Self::Event { session_id, event })
            }
            (Some("error"), session_id) => {
                let error = frame.error.ok_or_else(|| {
                    Error::Protocol("an `error` frame without its `error`".into())
                })?;
                let error = error.into();
                let error = match session_id {
                    Some(session_id)
                        if frame.action.as_deref() == Some("resume") && is_unreadable(&error) =>
                    {
                        Error::NotFound { session_id }
                    }
                    _ => error,
                };
                Self::Refused { session_id, error }
            }
            (None, _) if frame.message.is_some() => Self::Refused {
                session_id: None,
                error: Error::Refused {
                    code: "INTERNAL".into(),
                    message: frame.message.unwrap_or_default(),
                    retryable: true,
                },
            },
            _ => Self::Other,
        };
        Ok(incoming)
    }
}

/// Whether a session can't be read because it is somebody else's or was deleted: over the other channels, it isn't there.
fn is_unreadable(error: &Error) -> bool {
    match error {
        Error::Unauthorized { .. } => true,
        Error::Refused { code, .. } => code == "CONVERSATION_DELETED",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let got = match Incoming::parse(text) {
            Ok(incoming) => format!("{incoming:?}"),
            Err(error) => error.to_string(),
        };
        assert!(got.contains(expected), "{text}: {got}");
    }

    #[test]
    fn frames_are_told_apart() {
        const ID: &str = "00000000-0000-0000-0000-000000000000";
        let with = |rest: &str| format!(r#"{{"sessionId":"{ID}",{rest}}}"#);
        check(
            &with(r#""type":"started","status":"QUEUED","timestamp":"t""#),
            "Started { session_id: 00000000-0000-0000-0000-000000000000, status: Queued }",
        );
        check(
            &with(r#""type":"resumed","status":"new""#),
            "status: Unknown",
        );
        check(
            &with(r#""type":"stopping","status":"STREAMING""#),
            "Stopping",
        );
        let event = r#""type":"token","token":"ab","isComplete":false,"timestamp":"t","firstSequence":1,"sequence":2,"attempt":1"#;
        check(&with(event), "first_sequence: Some(1), token: \"ab\"");
        let failed = r#""type":"error","token":"","isComplete":true,"status":"FAILED","sequence":2,"attempt":1,
            "error":{"code":"MODEL_ERROR","message":"m","retryable":true}"#;
        check(&with(failed), "Event");
        check(&with(r#""type":"token","isComplete":false"#), "Other");
        check(&with(r#""type":"later""#), "Other");
    }

    #[test]
    fn refusals_are_typed_errors() {
        let refused = |code: &str| {
            format!(
                r#"{{"type":"error","action":"stream","error":{{"code":"{code}","message":"m","retryable":false}}}}"#
            )
        };
        check(
            &refused("INVALID_PROMPT"),
            "Refused { code: \"INVALID_PROMPT\"",
        );
        check(&refused("UNAUTHORIZED"), "Unauthorized { message: \"m\" }");
        // As over the other channels: what is somebody else's, or was deleted, isn't there.
        for (action, code, expected) in [
            ("resume", "UNAUTHORIZED", "NotFound"),
            ("resume", "CONVERSATION_DELETED", "NotFound"),
            ("resume", "INTERNAL", "Refused"),
            ("stop", "UNAUTHORIZED", "Unauthorized"),
            ("stream", "CONVERSATION_DELETED", "Refused"),
        ] {
            let error = format!(r#""error":{{"code":"{code}","message":"m","retryable":false}}"#);
            let frame = format!(
                r#"{{"type":"error","action":"{action}","sessionId":"{}",{error}}}"#,
                Uuid::nil()
            );
            check(&frame, &format!("error: {expected} {{"));
        }
        let gateways =
            r#"{"message": "Internal server error", "connectionId":"c", "requestId":"r"}"#;
        check(gateways, "retryable: true");
        check(r#"{"type":"error"}"#, "without its `error`");
        check("secret text", "makes no sense: a frame that is none");
    }

    #[test]
    fn actions_are_written_as_the_routes_read_them() {
        let session_id = Uuid::nil();
        let written = |prompt: Prompt| {
            let action = Action::Stream {
                prompt: &prompt,
                session_id,
            };
            serde_json::to_value(action).expect("JSON")
        };
        assert_eq!(
            written("Why?".into()),
            serde_json::json!({ "action": "stream", "prompt": "Why?", "sessionId": session_id })
        );
        let id = Uuid::max();
        assert_eq!(
            written(Prompt::new("Why?").in_conversation(id).after(session_id)),
            serde_json::json!({
                "action": "stream", "prompt": "Why?", "sessionId": session_id,
                "conversationId": id, "parentId": session_id,
            })
        );
        let written = serde_json::to_value(Action::Resume {
            session_id,
            position: Position {
                attempt: 1,
                sequence: 2,
            },
        });
        assert_eq!(
            written.expect("JSON"),
            serde_json::json!({ "action": "resume", "sessionId": session_id, "attempt": 1, "sequence": 2 })
        );
    }
}
