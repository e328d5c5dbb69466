//! An answer as the list of its blocks.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{BlockIndex, Citation, PieceKind, PieceRef, ToolResult, ToolUse};

/// A block of an answer, as clients get it: `Block` of `schema.graphql`, whose fields it serializes with. Fields that
/// are null there are left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Block {
    pub index: BlockIndex,
    #[serde(flatten)]
    pub content: BlockContent,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(
    tag = "type",
    rename_all = "SCREAMING_SNAKE_CASE",
    rename_all_fields = "camelCase"
)]
pub enum BlockContent {
    Text {
        text: String,
    },
    /// Empty if the model keeps its reasoning to itself.
    Reasoning {
        reasoning: String,
    },
    Citation {
        citation: Citation,
    },
    ToolUse {
        tool_use: ToolUse,
    },
    ToolResult {
        tool_result: ToolResult,
    },
}

/// Puts the blocks of an answer together from its pieces.
pub fn blocks<'a>(pieces: impl IntoIterator<Item = PieceRef<'a>>) -> Vec<Block> {
    let mut blocks = BTreeMap::new();
    for piece in pieces {
        let content = blocks.entry(piece.block).or_insert_with(|| begin(piece));
        add(content, piece);
    }
    let blocks = blocks.into_iter();
    blocks
        .map(|(index, content)| Block { index, content })
        .collect()
}

/// The block that begins with a piece, before anything is added.
fn begin(piece: PieceRef<'_>) -> BlockContent {
    match piece.kind {
        PieceKind::Text => BlockContent::Text {
            text: String::new(),
        },
        PieceKind::Reasoning | PieceKind::ReasoningSignature | PieceKind::RedactedReasoning => {
            BlockContent::Reasoning {
                reasoning: String::new(),
            }
        }
        PieceKind::Citation => BlockContent::Citation {
            citation: piece.read(PieceKind::Citation).unwrap_or_default(),
        },
        PieceKind::ToolUse | PieceKind::ToolInput => BlockContent::ToolUse {
            tool_use: piece.read(PieceKind::ToolUse).unwrap_or_default(),
        },
        PieceKind::ToolResult => BlockContent::ToolResult {
            tool_result: piece.read(PieceKind::ToolResult).unwrap_or_default(),
        },
    }
}

fn add(content: &mut BlockContent, piece: PieceRef<'_>) {
    match (content, piece.kind) {
        (BlockContent::Text { text: all }, PieceKind::Text)
        | (BlockContent::Reasoning { reasoning: all }, PieceKind::Reasoning) => {
            all.push_str(piece.content);
        }
        (BlockContent::ToolUse { tool_use }, PieceKind::ToolInput) => {
            let input = tool_use.input.get_or_insert_default();
            input.push_str(piece.content);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::Piece;
    use super::*;

    fn check(pieces: &[Piece], expected: &Value) {
        let blocks = blocks(pieces.iter().map(Piece::as_ref));
        assert_eq!(serde_json::to_value(blocks).expect("JSON"), *expected);
    }

    #[test]
    fn pieces_become_the_blocks_that_clients_get() {
        use PieceKind::{Reasoning, ReasoningSignature, RedactedReasoning, Text, ToolInput};
        let piece = |block, kind, content: &str| Piece::new(BlockIndex(block), kind, content);
        check(&[], &json!([]));
        check(
            &[Piece::text("a"), Piece::text("b")],
            &json!([{"index": 0, "type": "TEXT", "text": "ab"}]),
        );
        let citation = Citation {
            title: Some("A page".to_owned()),
            url: Some("https://example.com".to_owned()),
            text: None,
        };
        check(
            &[
                piece(0, Reasoning, "hm"),
                piece(1, Text, "a"),
                piece(0, Reasoning, " so"),
                piece(0, ReasoningSignature, "c2ln"),
                Piece::of_citation(BlockIndex(2), &citation),
                piece(3, Text, "b"),
            ],
            &json!([
                {"index": 0, "type": "REASONING", "reasoning": "hm so"},
                {"index": 1, "type": "TEXT", "text": "a"},
                {"index": 2, "type": "CITATION", "citation": {"title": "A page", "url": "https://example.com"}},
                {"index": 3, "type": "TEXT", "text": "b"},
            ]),
        );
        check(
            &[piece(0, RedactedReasoning, "AAEC")],
            &json!([{"index": 0, "type": "REASONING", "reasoning": ""}]),
        );
        let tool = ToolUse {
            tool_use_id: "t1".into(),
            name: "weather".into(),
            input: None,
        };
        let result = ToolResult {
            tool_use_id: "t1".to_owned(),
            status: Some("success".to_owned()),
            content: Some("rain".to_owned()),
        };
        check(
            &[
                Piece::of_tool_use(BlockIndex(0), &tool),
                piece(0, ToolInput, "{\"city\":"),
                piece(0, ToolInput, "\"Rome\"}"),
                Piece::of_tool_result(BlockIndex(1), &result),
            ],
            &json!([
                {"index": 0, "type": "TOOL_USE",
                    "toolUse": {"toolUseId": "t1", "name": "weather", "input": "{\"city\":\"Rome\"}"}},
                {"index": 1, "type": "TOOL_RESULT",
                    "toolResult": {"toolUseId": "t1", "status": "success", "content": "rain"}},
            ]),
        );
    }
}
