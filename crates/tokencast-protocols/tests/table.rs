//! The tables of `docs/PROTOCOL.md`, "In each protocol", say what the code does.

use std::collections::BTreeMap;

use serde_json::Value;
use tokencast_core::block::{
    BlockIndex, BlockType, Citation, Piece, PieceKind, ToolResult, ToolUse,
};
use tokencast_core::event::{Ending, TokenEvent};
use tokencast_core::failure::{Failure, FailureCode};
use tokencast_core::id::{Attempt, Sequence, SessionId};
use tokencast_core::session::Status;
use tokencast_core::time::Timestamp;
use tokencast_protocols::ag_ui::events::{Events, Run};
use tokencast_protocols::ag_ui::request::Messages;
use tokencast_protocols::ai_sdk::chunk::FinishReason;
use tokencast_protocols::ai_sdk::chunks::Chunks;
use tokencast_protocols::openai;

const DOCUMENT: &str = include_str!("../../../docs/PROTOCOL.md");

/// The table whose first column is headed by `head`, as its cells by the first of each row: column names with cells.
fn table(head: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let (_, section) = DOCUMENT
        .split_once("## In each protocol")
        .expect("the section");
    let begin = section.find(&format!("\n| {head} |")).expect("the table");
    let lines = section[begin + 1..]
        .lines()
        .take_while(|line| line.starts_with('|'));
    let cells = |line: &str| -> Vec<String> {
        let cells = line.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().to_owned()).collect()
    };
    let mut rows = lines.map(cells);
    let names = rows.next().expect("a head");
    let rows = rows.skip(1).map(|row| {
        let first = row[0].trim_matches('`').to_owned();
        (first, names.iter().cloned().zip(row).collect())
    });
    rows.collect()
}

/// The words in backticks of a cell.
fn words(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

fn event(session_id: SessionId, piece: Piece, sequence: u32) -> TokenEvent {
    TokenEvent {
        session_id,
        attempt: Attempt(1),
        sequence: Sequence(sequence),
        piece: Some(piece),
        status: Status::Streaming,
        ending: None,
    }
}

/// Pieces of a block in each of its ways, and one of another block behind it, which ends it.
fn pieces(block_type: BlockType) -> Vec<Vec<Piece>> {
    let block = BlockIndex(0);
    let tool = ToolUse {
        tool_use_id: "t1".into(),
        name: "weather".into(),
        input: None,
    };
    let citation = |url: Option<&str>| {
        let url = url.map(str::to_owned);
        Piece::of_citation(
            block,
            &Citation {
                url,
                ..Citation::default()
            },
        )
    };
    let result = |status: &str| {
        let status = Some(status.to_owned());
        Piece::of_tool_result(
            block,
            &ToolResult {
                tool_use_id: "t1".to_owned(),
                status,
                ..ToolResult::default()
            },
        )
    };
    match block_type {
        BlockType::Text => vec![vec![Piece::text("a")]],
        BlockType::Reasoning => vec![vec![Piece::new(block, PieceKind::Reasoning, "a")]],
        BlockType::Citation => vec![
            vec![citation(Some("https://example.com"))],
            vec![citation(None)],
        ],
        BlockType::ToolUse => ["{}", "{"]
            .map(|input| {
                let input = Piece {
                    tool: Some(tool.clone().into()),
                    ..Piece::new(block, PieceKind::ToolInput, input)
                };
                vec![Piece::of_tool_use(block, &tool), input]
            })
            .to_vec(),
        // Behind the use that it is of.
        BlockType::ToolResult => ["success", "error"]
            .map(|status| vec![Piece::of_tool_use(BlockIndex(2), &tool), result(status)])
            .to_vec(),
    }
}

/// The types that are a block's own, each once.
fn own(block_type: BlockType, types: Vec<String>) -> Vec<String> {
    let of_use = [
        "tool-input-start",
        "tool-input-available",
        "TOOL_CALL_START",
        "TOOL_CALL_END",
    ];
    let mut own = Vec::new();
    for kind in types {
        let is_before = block_type == BlockType::ToolResult && of_use.contains(&kind.as_str());
        if !is_before && !own.contains(&kind) {
            own.push(kind);
        }
    }
    own
}

#[test]
fn blocks_are_the_chunks_of_the_table() {
    let table = table("block");
    assert_eq!(table.len(), BlockType::ALL.len());
    let session_id = SessionId::random();
    for block_type in BlockType::ALL {
        let mut written = Vec::new();
        for pieces in pieces(block_type) {
            let mut chunks = Chunks::new(session_id, false);
            for (piece, sequence) in pieces.into_iter().zip(1..) {
                let event = event(session_id, piece, sequence);
                written.extend(chunks.event(&event).expect("one attempt"));
            }
            let other = Piece::new(BlockIndex(1), PieceKind::Text, "");
            let after = chunks
                .event(&event(session_id, other, 9))
                .expect("one attempt");
            written.extend(
                after
                    .into_iter()
                    .take_while(|chunk| !chunk.to_json().contains("text-start")),
            );
        }
        let types = written.iter().map(|chunk| {
            let chunk: serde_json::Value = serde_json::from_str(&chunk.to_json()).expect("JSON");
            chunk["type"].as_str().expect("a type").to_owned()
        });
        let types = own(block_type, types.collect());
        let cell = &table[block_type.as_str()]["AI SDK"];
        assert_eq!(types, words(cell), "{}", block_type.as_str());
    }
}

#[test]
fn stop_reasons_are_the_finish_reasons_of_the_table() {
    let table = table("end");
    let others = ["any other", "CANCELLED", "FAILED", "a newer attempt"];
    let mut checked = 0;
    for (reason, row) in table
        .iter()
        .filter(|(end, _)| !others.contains(&end.as_str()))
    {
        let finish = FinishReason::of(Some(reason));
        assert_eq!(words(&row["AI SDK"]), [finish.as_str()], "{reason}");
        assert_ne!(finish, FinishReason::Other, "{reason}");
        checked += 1;
    }
    assert!(checked >= 8);
    for other in [None, Some("something_else")] {
        let finish = FinishReason::of(other);
        assert_eq!(words(&table["any other"]["AI SDK"]), [finish.as_str()]);
    }
    assert!(others.iter().all(|other| table.contains_key(*other)));
}

#[test]
fn every_code_is_in_the_table() {
    let table = table("code");
    let codes: Vec<_> = FailureCode::ALL.iter().map(|code| code.as_str()).collect();
    for code in &codes {
        assert!(table.contains_key(*code), "{code}");
    }
    assert_eq!(table.len(), codes.len());
}

/// The events of an answer that has these pieces, and then ends.
fn answer(session_id: SessionId, pieces: Vec<Piece>, end: (Status, Ending)) -> Vec<TokenEvent> {
    let pieces = pieces.into_iter().zip(1..);
    let pieces = pieces.map(|(piece, sequence)| event(session_id, piece, sequence));
    let last = TokenEvent {
        piece: None,
        status: end.0,
        ending: Some(end.1),
        ..event(session_id, Piece::text(""), 9)
    };
    pieces.chain([last]).collect()
}

fn stopped(reason: Option<&str>) -> (Status, Ending) {
    let stop_reason = reason.map(str::to_owned);
    let ending = Ending {
        stop_reason,
        ..Ending::default()
    };
    (Status::Completed, ending)
}

fn failed() -> (Status, Ending) {
    let failure = Some(Failure::new(FailureCode::ModelError, "It failed."));
    let ending = Ending {
        failure,
        ..Ending::default()
    };
    (Status::Failed, ending)
}

/// An answer as OpenAI's chunks. What is no JSON is a string.
fn completion(pieces: Vec<Piece>, end: (Status, Ending)) -> Vec<Value> {
    let session_id = SessionId::random();
    let mut chunks = openai::chunks::Chunks::new(
        openai::Named {
            session_id,
            created: Timestamp::EPOCH,
            model: "default".into(),
        },
        false,
    );
    let events = answer(session_id, pieces, end);
    let data = events.iter().flat_map(|event| chunks.event(event));
    data.map(|data| serde_json::from_str(&data).unwrap_or(Value::from(data)))
        .collect()
}

/// The types of an answer's events over AG-UI, without those that begin and end a run, each once.
fn run(pieces: Vec<Piece>, end: (Status, Ending)) -> Vec<String> {
    let session_id = SessionId::random();
    let run = Run {
        thread_id: "t".to_owned(),
        run_id: "r".to_owned(),
        session_id,
        reads_version_1: false,
    };
    let mut events = Events::new(run, Messages::default());
    let written = answer(session_id, pieces, end);
    let written = written.iter().flat_map(|event| events.event(event));
    let types = written.map(|json| {
        let event: Value = serde_json::from_str(&json).expect("JSON");
        event["type"].as_str().expect("a type").to_owned()
    });
    types.collect()
}

#[test]
fn blocks_are_the_deltas_and_the_events_of_the_table() {
    let table = table("block");
    for block_type in BlockType::ALL {
        let (mut deltas, mut types) = (Vec::new(), Vec::new());
        for pieces in pieces(block_type) {
            for chunk in completion(pieces.clone(), stopped(None)) {
                let delta = &chunk["choices"][0]["delta"];
                let delta = delta
                    .as_object()
                    .filter(|delta| !delta.contains_key("role"));
                deltas.extend(delta.into_iter().flat_map(|delta| delta.keys().cloned()));
            }
            types.extend(run(pieces, stopped(None)));
        }
        deltas.dedup();
        types.retain(|kind| kind != "RUN_FINISHED" && kind != "TEXT_MESSAGE_END");
        let types = own(block_type, types);
        let row = &table[block_type.as_str()];
        assert_eq!(deltas, words(&row["OpenAI"]), "{}", block_type.as_str());
        assert_eq!(types, words(&row["AG-UI"]), "{}", block_type.as_str());
    }
}

#[test]
fn ends_are_the_reasons_and_the_events_of_the_table() {
    for (end, row) in table("end") {
        let (status, ending) = match end.as_str() {
            "a newer attempt" => continue,
            "any other" => stopped(Some("something_else")),
            "CANCELLED" => (Status::Cancelled, stopped(Some("max_tokens")).1),
            "FAILED" => failed(),
            reason => stopped(Some(reason)),
        };
        let chunks = completion(Vec::new(), (status, ending.clone()));
        let mut reasons = chunks
            .iter()
            .map(|chunk| &chunk["choices"][0]["finish_reason"]);
        let reason = reasons.find_map(Value::as_str);
        let is_error = chunks.iter().any(|chunk| chunk["error"].is_object());
        let expected = words(&row["OpenAI"])[0];
        assert_eq!(reason.unwrap_or("error"), expected, "{end}");
        let is_done = chunks.last() == Some(&Value::from("[DONE]"));
        assert_eq!(
            (is_error, is_done),
            (expected == "error", expected != "error"),
            "{end}"
        );
        let types = run(Vec::new(), (status, ending));
        assert_eq!(types, words(&row["AG-UI"]), "{end}");
    }
}

#[test]
fn codes_are_openais_where_it_has_one() {
    for (code, row) in table("code") {
        let code: FailureCode = code.parse().expect("a code");
        let error = openai::error::ApiError::of(code, "It failed.");
        let expected = words(&row["OpenAI's `code`"]);
        assert_eq!(error.code.as_deref(), expected.first().copied(), "{code}");
    }
}
