//! The body of a `publishToken` request, by the types that `graphql_client` generates from the schema.

use bytes::Bytes;
use graphql_client::GraphQLQuery;
use tokencast_core::assistant::Cost;
use tokencast_core::block::{BlockType, Citation, Piece, ToolResult, ToolUse};
use tokencast_core::event::{Ending, Guardrail, TokenEvent, Usage};
use tokencast_core::failure::Failure;
use tokencast_core::session::Status;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "../../schema.graphql",
    query_path = "src/appsync/publish_token.graphql"
)]
struct PublishToken;

use publish_token::{
    CitationInput, GuardrailInput, StreamErrorInput, StreamStatus, TokenUsageInput,
    ToolResultInput, ToolUseInput, Variables,
};

/// The body of the request that publishes `event`.
pub(super) fn body(event: &TokenEvent) -> Bytes {
    let query = PublishToken::build_query(Variables::from(event));
    let body = serde_json::to_vec(&query).expect("strings and numbers always serialize");
    body.into()
}

impl From<&TokenEvent> for Variables {
    fn from(event: &TokenEvent) -> Self {
        let Ending {
            stop_reason,
            usage,
            failure,
            guardrail,
        } = event.ending.clone().unwrap_or_default();
        let piece = event.piece.as_ref();
        Self {
            session_id: event.session_id.to_string(),
            token: event.token().to_owned(),
            is_complete: event.is_complete(),
            sequence: Some(event.sequence.0.into()),
            attempt: Some(event.attempt.0.into()),
            status: Some(event.status.into()),
            stop_reason,
            usage: usage.map(TokenUsageInput::from),
            error: failure.map(StreamErrorInput::from),
            block_index: piece.map(|piece| piece.block.0.into()),
            block_type: piece.map(|piece| piece.block_type().into()),
            reasoning: piece.and_then(Piece::reasoning).map(str::to_owned),
            citation: piece.and_then(Piece::citation).map(CitationInput::from),
            tool_use: piece.and_then(Piece::tool_use).map(ToolUseInput::from),
            tool_result: piece
                .and_then(Piece::tool_result)
                .map(ToolResultInput::from),
            guardrail: guardrail.map(GuardrailInput::from),
        }
    }
}

impl From<Status> for StreamStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Claimed => Self::CLAIMED,
            Status::Queued => Self::QUEUED,
            Status::Streaming => Self::STREAMING,
            Status::Completed => Self::COMPLETED,
            Status::Failed => Self::FAILED,
            Status::Cancelled => Self::CANCELLED,
        }
    }
}

impl From<BlockType> for publish_token::BlockType {
    fn from(block_type: BlockType) -> Self {
        match block_type {
            BlockType::Text => Self::TEXT,
            BlockType::Reasoning => Self::REASONING,
            BlockType::Citation => Self::CITATION,
            BlockType::ToolUse => Self::TOOL_USE,
            BlockType::ToolResult => Self::TOOL_RESULT,
        }
    }
}

impl From<Citation> for CitationInput {
    fn from(citation: Citation) -> Self {
        let Citation { title, url, text } = citation;
        Self { title, url, text }
    }
}

impl From<ToolUse> for ToolUseInput {
    fn from(tool: ToolUse) -> Self {
        Self {
            tool_use_id: tool.tool_use_id.as_ref().to_owned(),
            name: tool.name.as_ref().to_owned(),
            input: tool.input,
        }
    }
}

impl From<ToolResult> for ToolResultInput {
    fn from(result: ToolResult) -> Self {
        Self {
            tool_use_id: result.tool_use_id,
            status: result.status,
            content: result.content,
        }
    }
}

impl From<Guardrail> for GuardrailInput {
    fn from(guardrail: Guardrail) -> Self {
        Self {
            action: guardrail.action.as_str().to_owned(),
            masked: guardrail.masked,
        }
    }
}

impl From<Usage> for TokenUsageInput {
    fn from(usage: Usage) -> Self {
        Self {
            input_tokens: usage.input_tokens.into(),
            output_tokens: usage.output_tokens.into(),
            total_tokens: usage.total_tokens.into(),
            cache_read_input_tokens: usage.cache_read_input_tokens.map(Into::into),
            cache_write_input_tokens: usage.cache_write_input_tokens.map(Into::into),
            cost: usage.cost.map(Cost::as_dollars),
        }
    }
}

impl From<Failure> for StreamErrorInput {
    fn from(failure: Failure) -> Self {
        Self {
            retryable: failure.retryable(),
            code: failure.code.to_string(),
            message: failure.message,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};
    use tokencast_core::block::{BlockIndex, PieceKind};
    use tokencast_core::event::GuardrailAction;
    use tokencast_core::failure::FailureCode;
    use tokencast_core::id::{Attempt, Sequence, SessionId};

    use super::*;

    fn event(status: Status, token: &str, ending: Option<Ending>) -> TokenEvent {
        TokenEvent {
            session_id: SessionId::random(),
            attempt: Attempt(2),
            sequence: Sequence(1_000_000),
            piece: ending.is_none().then(|| Piece::text(token)),
            status,
            ending,
        }
    }

    fn variables(event: &TokenEvent) -> Value {
        let mut body: Value = serde_json::from_slice(&body(event)).expect("JSON");
        assert_eq!(body["operationName"], "PublishToken");
        body["variables"].take()
    }

    #[test]
    fn a_token_is_carried_as_it_is() {
        for token in [
            "",
            "plain ",
            "\"quoted\" \\ \u{8}\n\r\t\u{1}\u{7f}\u{2028}",
            "日本語 🦀",
            "</script>",
            "\u{0}",
        ] {
            let event = event(Status::Streaming, token, None);
            let expected = json!({
                "sessionId": event.session_id,
                "token": token,
                "isComplete": false,
                "sequence": 1_000_000,
                "attempt": 2,
                "status": "STREAMING",
                "stopReason": null,
                "usage": null,
                "error": null,
                "blockIndex": 0,
                "blockType": "TEXT",
                "reasoning": null,
                "citation": null,
                "toolUse": null,
                "toolResult": null,
                "guardrail": null,
            });
            assert_eq!(variables(&event), expected);
        }
    }

    #[test]
    fn a_piece_is_carried_in_the_fields_of_its_block() {
        let piece = |kind, content: &str| Piece::new(BlockIndex(3), kind, content);
        let tool = ToolUse {
            tool_use_id: "t1".into(),
            name: "weather".into(),
            input: None,
        };
        let part_of_input = Piece {
            tool: Some(Arc::new(tool.clone())),
            ..piece(PieceKind::ToolInput, "{\"a\":")
        };
        let citation = Citation {
            title: None,
            url: Some("https://example.com".to_owned()),
            text: Some("So".to_owned()),
        };
        let result = ToolResult {
            tool_use_id: "t1".to_owned(),
            status: None,
            content: Some("rain".to_owned()),
        };
        for (piece, block_type, field, value) in [
            (
                piece(PieceKind::Reasoning, "hm"),
                "REASONING",
                "reasoning",
                json!("hm"),
            ),
            (
                piece(PieceKind::ReasoningSignature, "c2ln"),
                "REASONING",
                "reasoning",
                json!(""),
            ),
            (
                piece(PieceKind::RedactedReasoning, "AAH/"),
                "REASONING",
                "reasoning",
                json!(""),
            ),
            (
                Piece::of_citation(BlockIndex(3), &citation),
                "CITATION",
                "citation",
                json!({"title": null, "url": "https://example.com", "text": "So"}),
            ),
            (
                Piece::of_tool_use(BlockIndex(3), &tool),
                "TOOL_USE",
                "toolUse",
                json!({"toolUseId": "t1", "name": "weather", "input": null}),
            ),
            (
                part_of_input,
                "TOOL_USE",
                "toolUse",
                json!({"toolUseId": "t1", "name": "weather", "input": "{\"a\":"}),
            ),
            (
                Piece::of_tool_result(BlockIndex(3), &result),
                "TOOL_RESULT",
                "toolResult",
                json!({"toolUseId": "t1", "status": null, "content": "rain"}),
            ),
        ] {
            let event = TokenEvent {
                piece: Some(piece),
                ..event(Status::Streaming, "", None)
            };
            let variables = variables(&event);
            assert_eq!(variables["token"], "");
            assert_eq!(variables["blockIndex"], 3);
            assert_eq!(variables["blockType"], block_type);
            for name in ["reasoning", "citation", "toolUse", "toolResult"] {
                let expected = if name == field { &value } else { &Value::Null };
                assert_eq!(variables[name], *expected, "{name}");
            }
        }
    }

    #[test]
    fn an_ending_has_every_code_and_status_by_its_name() {
        let usage = Usage {
            input_tokens: 1,
            output_tokens: u32::MAX,
            total_tokens: 3,
            cache_read_input_tokens: Some(4),
            cache_write_input_tokens: None,
            cost: Some(Cost::of_micros(1_500_000)),
        };
        for status in Status::ALL {
            for code in FailureCode::ALL {
                let failure = Failure::new(code, "It \"failed\".");
                let ending = Ending {
                    stop_reason: Some("end_turn".to_owned()),
                    usage: Some(usage),
                    failure: Some(failure),
                    guardrail: Some(Guardrail {
                        action: GuardrailAction::Blocked,
                        masked: vec!["EMAIL".to_owned()],
                    }),
                };
                let variables = variables(&event(status, "", Some(ending)));
                assert_eq!(variables["status"], status.as_str());
                assert_eq!(variables["stopReason"], "end_turn");
                assert_eq!(
                    variables["guardrail"],
                    json!({ "action": "BLOCKED", "masked": ["EMAIL"] })
                );
                assert_eq!(
                    variables["usage"],
                    json!({ "inputTokens": 1, "outputTokens": u32::MAX, "totalTokens": 3,
                        "cacheReadInputTokens": 4, "cacheWriteInputTokens": null, "cost": 1.5 })
                );
                let retryable = code.retryable();
                assert_eq!(
                    variables["error"],
                    json!({ "code": code.as_str(), "message": "It \"failed\".", "retryable": retryable })
                );
            }
        }
    }
}
