//! An event as JSON, with the fields of `TokenEvent` in `schema.graphql`, for the sinks that write it themselves.
//! Fields that are null there are left out here.

use serde::Serialize;
use tokencast_core::event::{TokenEvent, Usage};
use tokencast_core::session::Status;
use tokencast_core::time::Timestamp;

use crate::clock::iso8601;

/// The kind of an event: `token`, `error` for a failure, or `complete` for any other end.
pub fn kind(event: &TokenEvent) -> &'static str {
    match event.status {
        _ if !event.is_complete() => "token",
        Status::Failed => "error",
        _ => "complete",
    }
}

/// An event that is about to be sent.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventJson<'a> {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    session_id: &'a str,
    token: &'a str,
    is_complete: bool,
    timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_sequence: Option<u32>,
    sequence: u32,
    attempt: u32,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorJson<'a>>,
}

#[derive(Debug, Serialize)]
struct ErrorJson<'a> {
    code: &'static str,
    message: &'a str,
    retryable: bool,
}

impl<'a> EventJson<'a> {
    pub fn new(event: &'a TokenEvent, now: Timestamp) -> Self {
        let ending = event.ending.as_ref();
        let failure = ending.and_then(|ending| ending.failure.as_ref());
        Self {
            kind: None,
            session_id: event.session_id.as_str(),
            token: event.token(),
            is_complete: event.is_complete(),
            timestamp: iso8601(now),
            first_sequence: None,
            sequence: event.sequence.0,
            attempt: event.attempt.0,
            status: event.status,
            stop_reason: ending.and_then(|ending| ending.stop_reason.as_deref()),
            usage: ending.and_then(|ending| ending.usage),
            error: failure.map(|failure| ErrorJson {
                code: failure.code.as_str(),
                message: &failure.message,
                retryable: failure.retryable(),
            }),
        }
    }

    /// Adds the event's [`kind`] as the first field `type`, for frames that have no other place for it.
    #[must_use]
    pub fn typed(self, event: &TokenEvent) -> Self {
        Self {
            kind: Some(kind(event)),
            ..self
        }
    }

    /// Adds `firstSequence`, for joined events: `token` has the text of all from this one to `sequence`.
    #[must_use]
    pub fn joined_from(self, first_sequence: u32) -> Self {
        Self {
            first_sequence: Some(first_sequence),
            ..self
        }
    }

    #[expect(clippy::missing_panics_doc, reason = "it cannot")]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers always serialize")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tokencast_core::event::Ending;
    use tokencast_core::failure::{Failure, FailureCode};
    use tokencast_core::id::{Attempt, Sequence};

    use super::*;

    const SCHEMA: &str = include_str!("../../../schema.graphql");
    const ID: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

    fn event(status: Status, ending: Option<Ending>) -> TokenEvent {
        TokenEvent {
            session_id: ID.parse().expect("an id"),
            attempt: Attempt(2),
            sequence: Sequence(7),
            token: if ending.is_some() { "" } else { "a\n\"b\" é" }.to_owned(),
            status,
            ending,
        }
    }

    fn usage() -> Usage {
        Usage {
            input_tokens: 1,
            output_tokens: 2,
            total_tokens: 3,
        }
    }

    fn check(event: &TokenEvent, expected_kind: &str, expected: &Value) {
        let json = EventJson::new(event, Timestamp::from_millis(1_767_312_000_123)).to_json();
        assert_eq!(
            serde_json::from_str::<Value>(&json).expect("JSON"),
            *expected
        );
        assert_eq!(kind(event), expected_kind);
        let typed = EventJson::new(event, Timestamp::EPOCH)
            .typed(event)
            .to_json();
        assert!(
            typed.starts_with(&format!("{{\"type\":\"{expected_kind}\",")),
            "{typed}"
        );
    }

    #[test]
    fn an_event_is_written_without_what_is_null() {
        let at = "2026-01-02T00:00:00.123Z";
        check(
            &event(Status::Streaming, None),
            "token",
            &json!({"sessionId": ID, "token": "a\n\"b\" é", "isComplete": false, "timestamp": at,
                "sequence": 7, "attempt": 2, "status": "STREAMING"}),
        );
        let completed = Ending {
            stop_reason: Some("end_turn".into()),
            usage: Some(usage()),
            failure: None,
        };
        check(
            &event(Status::Completed, Some(completed)),
            "complete",
            &json!({"sessionId": ID, "token": "", "isComplete": true, "timestamp": at, "sequence": 7,
                "attempt": 2, "status": "COMPLETED", "stopReason": "end_turn",
                "usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}}),
        );
        check(
            &event(Status::Cancelled, Some(Ending::default())),
            "complete",
            &json!({"sessionId": ID, "token": "", "isComplete": true, "timestamp": at, "sequence": 7,
                "attempt": 2, "status": "CANCELLED"}),
        );
        let failed = Ending {
            failure: Some(Failure::new(FailureCode::ModelError, "It failed.")),
            ..Ending::default()
        };
        check(
            &event(Status::Failed, Some(failed)),
            "error",
            &json!({"sessionId": ID, "token": "", "isComplete": true, "timestamp": at, "sequence": 7,
                "attempt": 2, "status": "FAILED",
                "error": {"code": "MODEL_ERROR", "message": "It failed.", "retryable": true}}),
        );
    }

    #[test]
    fn joined_events_say_where_they_begin() {
        let event = event(Status::Streaming, None);
        let json = EventJson::new(&event, Timestamp::EPOCH)
            .joined_from(3)
            .to_json();
        let json: Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(
            (&json["firstSequence"], &json["sequence"]),
            (&json!(3), &json!(7))
        );
    }

    /// The names of a type's fields in the schema.
    fn fields_of(type_name: &str) -> Vec<&'static str> {
        let start = SCHEMA
            .find(&format!("type {type_name} "))
            .expect("the schema has the type");
        let body = &SCHEMA[start..];
        let body = &body[body.find('{').expect("a body") + 1..body.find("\n}").expect("an end")];
        body.lines()
            .map(str::trim)
            .filter(|line| !line.starts_with('"'))
            .filter_map(|line| Some(line.split_once(": ")?.0))
            .collect()
    }

    #[test]
    fn the_fields_are_those_of_the_schema() {
        let everything = Ending {
            stop_reason: Some("end_turn".into()),
            usage: Some(usage()),
            failure: Some(Failure::new(FailureCode::Internal, "It failed.")),
        };
        let json =
            EventJson::new(&event(Status::Failed, Some(everything)), Timestamp::EPOCH).to_json();
        let json: Value = serde_json::from_str(&json).expect("JSON");
        let names = |value: &Value| -> Vec<String> {
            value
                .as_object()
                .expect("an object")
                .keys()
                .cloned()
                .collect()
        };
        assert_eq!(names(&json), fields_of("TokenEvent"));
        assert_eq!(names(&json["usage"]), fields_of("TokenUsage"));
        assert_eq!(names(&json["error"]), fields_of("StreamError"));
    }
}
