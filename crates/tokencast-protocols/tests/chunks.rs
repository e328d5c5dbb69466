//! The vectors of the AI SDK's chunks that every language shares.

use serde::Deserialize;
use serde_json::Value;
use tokencast_core::block::{
    BlockIndex, BlockType, Citation, Piece, PieceKind, ToolResult, ToolUse,
};
use tokencast_core::event::{Ending, TokenEvent};
use tokencast_core::failure::Failure;
use tokencast_core::id::{Attempt, Sequence, SessionId};
use tokencast_core::session::Status;
use tokencast_protocols::ai_sdk::chunks::Chunks;

const VECTORS: &str = include_str!("../../../tests/fixtures/ai_sdk_chunks.json");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vectors {
    session_id: SessionId,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    name: String,
    reset_step: bool,
    events: Vec<Event>,
    chunks: Vec<Value>,
    #[serde(default)]
    starts_again: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    attempt: u32,
    sequence: u32,
    token: String,
    status: Status,
    is_complete: bool,
    stop_reason: Option<String>,
    error: Option<StreamError>,
    block_index: Option<u32>,
    block_type: Option<BlockType>,
    reasoning: Option<String>,
    citation: Option<Citation>,
    tool_use: Option<ToolUse>,
    tool_result: Option<ToolResult>,
}

#[derive(Deserialize)]
struct StreamError {
    code: String,
    message: String,
}

impl Event {
    fn piece(&self) -> Option<Piece> {
        let block = BlockIndex(self.block_index?);
        Some(match self.block_type? {
            BlockType::Text => Piece::new(block, PieceKind::Text, self.token.as_str()),
            BlockType::Reasoning => {
                Piece::new(block, PieceKind::Reasoning, self.reasoning.as_deref()?)
            }
            BlockType::Citation => Piece::of_citation(block, self.citation.as_ref()?),
            BlockType::ToolResult => Piece::of_tool_result(block, self.tool_result.as_ref()?),
            BlockType::ToolUse => {
                let mut tool = self.tool_use.clone()?;
                match tool.input.take() {
                    None => Piece::of_tool_use(block, &tool),
                    Some(input) => Piece {
                        tool: Some(tool.into()),
                        ..Piece::new(block, PieceKind::ToolInput, input)
                    },
                }
            }
        })
    }

    fn ending(&self) -> Option<Ending> {
        let failure = self.error.as_ref().map(|error| {
            let code = error.code.parse().expect("a code");
            Failure::new(code, error.message.as_str())
        });
        self.is_complete.then(|| Ending {
            stop_reason: self.stop_reason.clone(),
            failure,
            ..Ending::default()
        })
    }

    fn of(&self, session_id: SessionId) -> TokenEvent {
        TokenEvent {
            session_id,
            attempt: Attempt(self.attempt),
            sequence: Sequence(self.sequence),
            piece: self.piece(),
            status: self.status,
            ending: self.ending(),
        }
    }
}

#[test]
fn chunks_are_those_of_the_vectors() {
    let vectors: Vectors = serde_json::from_str(VECTORS).expect("the vectors");
    assert!(vectors.cases.len() >= 25);
    for case in &vectors.cases {
        let mut chunks = Chunks::new(vectors.session_id, case.reset_step);
        let mut written = chunks.begin();
        let mut starts_again = false;
        for event in &case.events {
            if let Ok(more) = chunks.event(&event.of(vectors.session_id)) {
                written.extend(more);
            } else {
                starts_again = true;
                break;
            }
        }
        assert_eq!(starts_again, case.starts_again, "{}", case.name);
        let written: Vec<Value> = written
            .iter()
            .map(|chunk| serde_json::from_str(&chunk.to_json()).expect("JSON"))
            .collect();
        assert_eq!(written, case.chunks, "{}", case.name);
    }
}

#[test]
fn events_of_an_older_attempt_are_dropped() {
    let session_id = SessionId::random();
    let event = |attempt, token: &str| TokenEvent {
        session_id,
        attempt: Attempt(attempt),
        sequence: Sequence(1),
        piece: Some(Piece::text(token)),
        status: Status::Streaming,
        ending: None,
    };
    let mut chunks = Chunks::new(session_id, true);
    assert_eq!(chunks.event(&event(2, "new")).expect("whole").len(), 2);
    assert_eq!(chunks.event(&event(1, "old")), Ok(Vec::new()));
}
