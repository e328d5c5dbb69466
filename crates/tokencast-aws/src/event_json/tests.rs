use std::sync::Arc;

use serde_json::{Value, json};
use tokencast_core::assistant::Cost;
use tokencast_core::block::PieceKind;
use tokencast_core::event::{Ending, GuardrailAction};
use tokencast_core::failure::{Failure, FailureCode};
use tokencast_core::id::{Attempt, Sequence};

use super::*;

const SCHEMA: &str = include_str!("../../../../schema.graphql");
const ID: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

fn event(status: Status, ending: Option<Ending>) -> TokenEvent {
    TokenEvent {
        session_id: ID.parse().expect("an id"),
        attempt: Attempt(2),
        sequence: Sequence(7),
        piece: ending.is_none().then(|| Piece::text("a\n\"b\" é")),
        status,
        ending,
    }
}

fn masked() -> Guardrail {
    Guardrail {
        action: GuardrailAction::Masked,
        masked: vec!["EMAIL".to_owned()],
    }
}

fn usage() -> Usage {
    Usage {
        input_tokens: 1,
        output_tokens: 2,
        total_tokens: 3,
        cache_read_input_tokens: Some(4),
        cache_write_input_tokens: Some(0),
        cost: Some(Cost::of_micros(1500)),
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
            "sequence": 7, "attempt": 2, "status": "STREAMING", "blockIndex": 0, "blockType": "TEXT"}),
    );
    let completed = Ending {
        stop_reason: Some("end_turn".into()),
        usage: Some(usage()),
        failure: None,
        guardrail: Some(masked()),
    };
    check(
        &event(Status::Completed, Some(completed)),
        "complete",
        &json!({"sessionId": ID, "token": "", "isComplete": true, "timestamp": at, "sequence": 7,
            "attempt": 2, "status": "COMPLETED", "stopReason": "end_turn",
            "usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3,
                "cacheReadInputTokens": 4, "cacheWriteInputTokens": 0, "cost": 0.0015},
            "guardrail": {"action": "MASKED", "masked": ["EMAIL"]}}),
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

fn piece(index: u32, kind: PieceKind, content: &str) -> Piece {
    Piece::new(BlockIndex(index), kind, content)
}

fn tool() -> ToolUse {
    ToolUse {
        tool_use_id: "t1".into(),
        name: "weather".into(),
        input: None,
    }
}

fn part_of_input() -> Piece {
    Piece {
        tool: Some(Arc::new(tool())),
        ..piece(4, PieceKind::ToolInput, "{\"city\":")
    }
}

fn whole_citation() -> Piece {
    let citation = Citation {
        title: Some("A page".to_owned()),
        url: Some("https://example.com".to_owned()),
        text: Some("It is so.".to_owned()),
    };
    Piece::of_citation(BlockIndex(2), &citation)
}

fn result() -> Piece {
    let result = ToolResult {
        tool_use_id: "t1".to_owned(),
        status: Some("success".to_owned()),
        content: Some("rain".to_owned()),
    };
    Piece::of_tool_result(BlockIndex(5), &result)
}

#[test]
fn a_piece_has_the_fields_of_its_block_and_no_secret_of_the_model() {
    for (piece, expected) in [
        (
            piece(1, PieceKind::Text, "a"),
            json!({"token": "a", "blockIndex": 1, "blockType": "TEXT"}),
        ),
        (
            piece(0, PieceKind::Reasoning, "hm"),
            json!({"token": "", "blockIndex": 0, "blockType": "REASONING", "reasoning": "hm"}),
        ),
        (
            piece(0, PieceKind::ReasoningSignature, "c2ln"),
            json!({"token": "", "blockIndex": 0, "blockType": "REASONING", "reasoning": ""}),
        ),
        (
            piece(0, PieceKind::RedactedReasoning, "AAH/"),
            json!({"token": "", "blockIndex": 0, "blockType": "REASONING", "reasoning": ""}),
        ),
        (
            whole_citation(),
            json!({"token": "", "blockIndex": 2, "blockType": "CITATION",
                "citation": {"title": "A page", "url": "https://example.com", "text": "It is so."}}),
        ),
        (
            Piece::of_tool_use(BlockIndex(4), &tool()),
            json!({"token": "", "blockIndex": 4, "blockType": "TOOL_USE",
                "toolUse": {"toolUseId": "t1", "name": "weather"}}),
        ),
        (
            part_of_input(),
            json!({"token": "", "blockIndex": 4, "blockType": "TOOL_USE",
                "toolUse": {"toolUseId": "t1", "name": "weather", "input": "{\"city\":"}}),
        ),
        (
            result(),
            json!({"token": "", "blockIndex": 5, "blockType": "TOOL_RESULT",
                "toolResult": {"toolUseId": "t1", "status": "success", "content": "rain"}}),
        ),
    ] {
        let event = TokenEvent {
            piece: Some(piece),
            ..event(Status::Streaming, None)
        };
        let json = EventJson::new(&event, Timestamp::EPOCH).to_json();
        let mut json: Value = serde_json::from_str(&json).expect("JSON");
        let fields = json.as_object_mut().expect("an object");
        for same in [
            "sessionId",
            "isComplete",
            "timestamp",
            "sequence",
            "attempt",
            "status",
        ] {
            fields.remove(same).expect("is there");
        }
        assert_eq!(json, expected);
    }
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

/// Every field that some event has.
fn all_fields() -> Value {
    let everything = Ending {
        stop_reason: Some("end_turn".into()),
        usage: Some(usage()),
        failure: Some(Failure::new(FailureCode::Internal, "It failed.")),
        guardrail: None,
    };
    let guarded = Ending {
        guardrail: Some(masked()),
        ..Ending::default()
    };
    let mut fields = serde_json::Map::new();
    let pieces = [
        piece(0, PieceKind::Reasoning, "hm"),
        whole_citation(),
        part_of_input(),
        result(),
    ];
    let ended = event(Status::Failed, Some(everything));
    let pieces = pieces.map(|piece| TokenEvent {
        piece: Some(piece),
        ..event(Status::Streaming, None)
    });
    let guarded = event(Status::Completed, Some(guarded));
    for event in [ended].into_iter().chain(pieces).chain([guarded]) {
        let json = EventJson::new(&event, Timestamp::EPOCH).to_json();
        let json: Value = serde_json::from_str(&json).expect("JSON");
        fields.extend(json.as_object().expect("an object").clone());
    }
    fields.into()
}

#[test]
fn the_fields_are_those_of_the_schema() {
    let json = all_fields();
    let names = |value: &Value| -> Vec<String> {
        let fields = value.as_object().expect("an object");
        fields.keys().cloned().collect()
    };
    assert_eq!(names(&json), fields_of("TokenEvent"));
    assert_eq!(names(&json["usage"]), fields_of("TokenUsage"));
    assert_eq!(names(&json["error"]), fields_of("StreamError"));
    assert_eq!(names(&json["citation"]), fields_of("Citation"));
    assert_eq!(names(&json["toolUse"]), fields_of("ToolUse"));
    assert_eq!(names(&json["toolResult"]), fields_of("ToolResult"));
    assert_eq!(names(&json["guardrail"]), fields_of("Guardrail"));
    for block_type in BlockType::ALL {
        let name = block_type.as_str();
        assert_eq!(json!(block_type), name);
        assert!(SCHEMA.contains(&format!("\n  {name}\n")), "{name}");
    }
}
