//! The blocks of an answer, and the pieces in which they come.
//!
//! | item | what |
//! | --- | --- |
//! | [`Piece`] | a part of one block: what an event carries |
//! | [`BlockNumbers`] | numbers the blocks in the order in which they begin |
//! | [`Block`], [`blocks`] | an answer as the list of its blocks |
//! | [`Citation`], [`ToolUse`], [`ToolResult`] | what the blocks hold that are no text |

use std::sync::Arc;

use serde::{Deserialize, Serialize};

mod limits;
mod list;
mod numbers;
mod piece;

pub use list::{Block, BlockContent, blocks};
pub use numbers::BlockNumbers;
pub(crate) use piece::ToolNames;
pub use piece::{Piece, PieceKind, PieceRef};

/// A block's number within its answer: 0, 1, 2 … in the order in which the blocks begin.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct BlockIndex(pub u32);

/// The type of a block, by the names of `schema.graphql`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BlockType {
    Text,
    Reasoning,
    Citation,
    ToolUse,
    ToolResult,
}

impl BlockType {
    pub const ALL: [Self; 5] = [
        Self::Text,
        Self::Reasoning,
        Self::Citation,
        Self::ToolUse,
        Self::ToolResult,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "TEXT",
            Self::Reasoning => "REASONING",
            Self::Citation => "CITATION",
            Self::ToolUse => "TOOL_USE",
            Self::ToolResult => "TOOL_RESULT",
        }
    }
}

/// The source of what an answer says before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What the source says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A tool that the model wants to be run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolUse {
    pub tool_use_id: Arc<str>,
    pub name: Arc<str>,
    /// JSON, or a part of it; `None` in the piece that only names the tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
}

/// What a tool has answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolResult {
    pub tool_use_id: String,
    /// `success` or `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}
