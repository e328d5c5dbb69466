//! What an answer consists of: blocks of text, reasoning, citations and tools.

use serde::{Deserialize, Deserializer, Serialize};

/// A part of an answer: `Block` of the schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// 0, 1, 2 … in the order in which the blocks began. A number may be missing.
    pub index: u64,
    /// What is in it.
    #[serde(flatten)]
    pub content: BlockContent,
}

/// The content of a block, or a piece of it. As JSON, `type` names the variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "SCREAMING_SNAKE_CASE",
    rename_all_fields = "camelCase"
)]
pub enum BlockContent {
    /// A part of the answer's text.
    Text {
        /// In Markdown, as a rule.
        #[serde(default, deserialize_with = "or_empty")]
        text: String,
    },
    /// What the model thought before it went on.
    Reasoning {
        /// Empty where the model keeps its reasoning to itself.
        #[serde(default, deserialize_with = "or_empty")]
        reasoning: String,
    },
    /// A source of the text before it.
    Citation {
        /// Always whole.
        citation: Citation,
    },
    /// A tool that the model wants to use.
    ToolUse {
        /// The input comes in pieces.
        tool_use: ToolUse,
    },
    /// What a tool has brought.
    ToolResult {
        /// Always whole.
        tool_result: ToolResult,
    },
    /// A block of a type that a newer API knows.
    #[serde(other)]
    Unknown,
}

/// `Citation` of the schema: a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// Of the source.
    #[serde(default)]
    pub title: Option<String>,
    /// Where the source is. It comes from a model: look at its scheme before you follow it.
    #[serde(default)]
    pub url: Option<String>,
    /// What the source says.
    #[serde(default)]
    pub text: Option<String>,
}

/// `ToolUse` of the schema.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolUse {
    /// Names this use, for its result.
    pub tool_use_id: String,
    /// The tool's.
    pub name: String,
    /// JSON, or the next piece of it.
    #[serde(default, deserialize_with = "or_empty")]
    pub input: String,
}

/// `ToolResult` of the schema.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolResult {
    /// Of the use that this answers.
    pub tool_use_id: String,
    /// `success` or `error`.
    #[serde(default)]
    pub status: Option<String>,
    /// What the tool said.
    #[serde(default)]
    pub content: Option<String>,
}

/// `BlockType` of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BlockType {
    /// A part of the answer's text.
    Text,
    /// What the model thought.
    Reasoning,
    /// A source.
    Citation,
    /// A tool that the model wants to use.
    ToolUse,
    /// What a tool has brought.
    ToolResult,
    /// A type that a newer API knows.
    #[serde(other)]
    Unknown,
}

impl BlockContent {
    /// What grows from piece to piece; `None` of a block that is always whole.
    pub(crate) fn growing(&self) -> Option<&String> {
        match self {
            Self::Text { text } => Some(text),
            Self::Reasoning { reasoning } => Some(reasoning),
            Self::ToolUse { tool_use } => Some(&tool_use.input),
            Self::Citation { .. } | Self::ToolResult { .. } | Self::Unknown => None,
        }
    }

    pub(crate) fn growing_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Text { text } => Some(text),
            Self::Reasoning { reasoning } => Some(reasoning),
            Self::ToolUse { tool_use } => Some(&mut tool_use.input),
            Self::Citation { .. } | Self::ToolResult { .. } | Self::Unknown => None,
        }
    }

    /// How much of it has come.
    pub(crate) fn bytes(&self) -> usize {
        self.growing().map_or(0, String::len)
    }

    /// Whether `other` may be of the same block: they differ at most in what grows.
    pub(crate) fn is_alike(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text { .. }, Self::Text { .. })
            | (Self::Reasoning { .. }, Self::Reasoning { .. }) => true,
            (Self::ToolUse { tool_use }, Self::ToolUse { tool_use: other }) => {
                tool_use.tool_use_id == other.tool_use_id && tool_use.name == other.name
            }
            _ => self == other,
        }
    }

    /// Whether there is nothing to show: an API may or may not count such a block.
    pub(crate) fn is_nothing(&self) -> bool {
        match self {
            Self::Text { text } => text.is_empty(),
            content => *content == Self::Unknown,
        }
    }
}

fn or_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
