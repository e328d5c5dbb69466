//! A piece of a block.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{BlockIndex, BlockType, Citation, ToolResult, ToolUse};

/// What a piece's content is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PieceKind {
    /// The next text of a block.
    Text,
    /// The next text of a model's reasoning.
    Reasoning,
    /// The signature with which a reasoning block goes back to the model. Clients don't get it.
    ReasoningSignature,
    /// Reasoning that only the model can read, in base64. Clients don't get it.
    RedactedReasoning,
    /// A whole [`Citation`], as JSON.
    Citation,
    /// A [`ToolUse`] without its input, as JSON.
    ToolUse,
    /// The next part of a tool's input, which is JSON.
    ToolInput,
    /// A whole [`ToolResult`], as JSON.
    ToolResult,
}

impl PieceKind {
    pub const ALL: [Self; 8] = [
        Self::Text,
        Self::Reasoning,
        Self::ReasoningSignature,
        Self::RedactedReasoning,
        Self::Citation,
        Self::ToolUse,
        Self::ToolInput,
        Self::ToolResult,
    ];

    /// The type of the block that it is a piece of.
    pub fn block_type(self) -> BlockType {
        match self {
            Self::Text => BlockType::Text,
            Self::Reasoning | Self::ReasoningSignature | Self::RedactedReasoning => {
                BlockType::Reasoning
            }
            Self::Citation => BlockType::Citation,
            Self::ToolUse | Self::ToolInput => BlockType::ToolUse,
            Self::ToolResult => BlockType::ToolResult,
        }
    }

    /// Whether two such pieces of one block that follow each other are as good as one, and one as good as two.
    pub fn joins(self) -> bool {
        matches!(self, Self::Text | Self::Reasoning | Self::ToolInput)
    }
}

/// A part of one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub block: BlockIndex,
    pub kind: PieceKind,
    pub content: String,
    /// The tool that a [`PieceKind::ToolInput`] is for. A model's pieces have none: an event's get it from the piece
    /// that named the tool.
    pub tool: Option<Arc<ToolUse>>,
}

/// A [`Piece`] where it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PieceRef<'a> {
    pub block: BlockIndex,
    pub kind: PieceKind,
    pub content: &'a str,
}

impl Piece {
    pub fn new(block: BlockIndex, kind: PieceKind, content: impl Into<String>) -> Self {
        Self {
            block,
            kind,
            content: content.into(),
            tool: None,
        }
    }

    /// Text of block 0, which most answers have alone.
    pub fn text(content: impl Into<String>) -> Self {
        Self::new(BlockIndex(0), PieceKind::Text, content)
    }

    pub fn of_citation(block: BlockIndex, citation: &Citation) -> Self {
        Self::new(block, PieceKind::Citation, to_json(citation))
    }

    /// Names a tool that the model wants to be run. Its input follows in pieces of [`PieceKind::ToolInput`].
    pub fn of_tool_use(block: BlockIndex, tool_use: &ToolUse) -> Self {
        Self::new(block, PieceKind::ToolUse, to_json(tool_use))
    }

    pub fn of_tool_result(block: BlockIndex, result: &ToolResult) -> Self {
        Self::new(block, PieceKind::ToolResult, to_json(result))
    }

    pub fn as_ref(&self) -> PieceRef<'_> {
        PieceRef {
            block: self.block,
            kind: self.kind,
            content: &self.content,
        }
    }

    pub fn block_type(&self) -> BlockType {
        self.kind.block_type()
    }

    /// What it adds to the answer's text: nothing unless it is [`PieceKind::Text`].
    pub fn token(&self) -> &str {
        match self.kind {
            PieceKind::Text => &self.content,
            _ => "",
        }
    }

    /// What it adds to a `REASONING` block, as clients get it: nothing if it is a signature or redacted. `None` for a
    /// piece of another block.
    pub fn reasoning(&self) -> Option<&str> {
        match self.kind {
            PieceKind::Reasoning => Some(&self.content),
            PieceKind::ReasoningSignature | PieceKind::RedactedReasoning => Some(""),
            _ => None,
        }
    }

    pub fn citation(&self) -> Option<Citation> {
        self.as_ref().read(PieceKind::Citation)
    }

    /// The tool that a piece of a `TOOL_USE` block names, with the part of its input, if it is one.
    pub fn tool_use(&self) -> Option<ToolUse> {
        match self.kind {
            PieceKind::ToolInput => {
                let tool = self.tool.as_deref().cloned().unwrap_or_default();
                let input = Some(self.content.clone());
                Some(ToolUse { input, ..tool })
            }
            _ => self.as_ref().read(PieceKind::ToolUse),
        }
    }

    pub fn tool_result(&self) -> Option<ToolResult> {
        self.as_ref().read(PieceKind::ToolResult)
    }
}

impl<'a> PieceRef<'a> {
    /// Text of block 0, which most answers have alone.
    pub fn text(content: &'a str) -> Self {
        Self {
            block: BlockIndex(0),
            kind: PieceKind::Text,
            content,
        }
    }

    /// The content of a piece of this kind. A content that can't be read has nothing in it.
    pub(super) fn read<T: DeserializeOwned + Default>(self, kind: PieceKind) -> Option<T> {
        (self.kind == kind).then(|| serde_json::from_str(self.content).unwrap_or_default())
    }
}

fn to_json(content: &impl Serialize) -> String {
    serde_json::to_string(content).expect("strings always serialize")
}

/// The tools that an answer has named so far, by block.
#[derive(Clone, Debug, Default)]
pub(crate) struct ToolNames(Vec<(BlockIndex, Arc<ToolUse>)>);

impl ToolNames {
    /// Makes the next piece of an answer, with its tool if it is a part of a tool's input.
    pub(crate) fn piece(&mut self, block: BlockIndex, kind: PieceKind, content: String) -> Piece {
        let mut piece = Piece::new(block, kind, content);
        match kind {
            PieceKind::ToolUse => {
                let tool = piece.tool_use().unwrap_or_default();
                self.0.push((block, Arc::new(tool)));
            }
            PieceKind::ToolInput => {
                let mut tools = self.0.iter().rev();
                let found = tools.find(|(of, _)| *of == block);
                piece.tool = found.map(|(_, tool)| Arc::clone(tool));
            }
            _ => {}
        }
        piece
    }
}
