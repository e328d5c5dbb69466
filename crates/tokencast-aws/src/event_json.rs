//! An event as JSON, with the fields of `TokenEvent` in `schema.graphql`, for the sinks that write it themselves.
//! Fields that are null there are left out here.

use serde::Serialize;
use tokencast_core::block::{BlockIndex, BlockType, Citation, Piece, ToolResult, ToolUse};
use tokencast_core::event::{Guardrail, TokenEvent, Usage};
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
    #[serde(skip_serializing_if = "Option::is_none")]
    block_index: Option<BlockIndex>,
    #[serde(skip_serializing_if = "Option::is_none")]
    block_type: Option<BlockType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    citation: Option<Citation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_use: Option<ToolUse>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_result: Option<ToolResult>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guardrail: Option<&'a Guardrail>,
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
        let piece = event.piece.as_ref();
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
            block_index: piece.map(|piece| piece.block),
            block_type: piece.map(Piece::block_type),
            reasoning: piece.and_then(Piece::reasoning),
            citation: piece.and_then(Piece::citation),
            tool_use: piece.and_then(Piece::tool_use),
            tool_result: piece.and_then(Piece::tool_result),
            guardrail: ending.and_then(|ending| ending.guardrail.as_ref()),
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

    /// Adds `firstSequence`, for joined events: they are of one block, and the event has the content of all from this
    /// one to `sequence`.
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
mod tests;
