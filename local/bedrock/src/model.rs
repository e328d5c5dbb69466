//! A model's response: a stream of events, the same for every model and for every shape of request.

use futures_util::stream::BoxStream;

use crate::error::ModelError;

/// Ends with [`ModelEvent::Stop`], [`ModelEvent::Fail`] or [`ModelEvent::Reset`]. Without any of them, the stream was
/// cut.
pub(crate) type ModelStream = BoxStream<'static, ModelEvent>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelEvent {
    /// A piece of a block. The first one with a block's index begins it.
    Piece {
        block: usize,
        piece: Piece,
    },
    /// The block has no more pieces. [`ModelEvent::Stop`] ends the blocks that are still open.
    BlockStop {
        block: usize,
    },
    Stop(Stop),
    Fail(ModelError),
    /// Tears the connection down.
    Reset,
}

/// What a model says at once of one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    Reasoning(String),
    /// Proves that the reasoning before it in the block is the model's own.
    Signature(String),
    /// Reasoning that only the model's provider can read.
    Redacted(Vec<u8>),
    /// The source of the text before it in the block.
    Citation(Citation),
    /// Begins the use of a tool.
    ToolUse {
        id: String,
        name: String,
    },
    /// A part of the tool's input, which is JSON once it is whole.
    ToolInput(String),
    /// Begins a tool's result, of a tool that the model's provider runs.
    ToolResult {
        id: String,
        status: Option<String>,
    },
    ToolResultText(String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Citation {
    pub title: Option<String>,
    pub url: Option<String>,
    /// The quoted text of the source.
    pub text: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Bedrock's stop reason, such as `end_turn`.
    pub reason: String,
    /// The stop sequence that ended the text.
    pub sequence: Option<String>,
    pub usage: Usage,
    /// What a guardrail did, as the response's `trace` has it; `None` unless the request asks for it.
    pub trace: Option<serde_json::Value>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Without the tokens that were read from the prompt cache or written into it.
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// `None` if the request has no cache points.
    pub cache: Option<CacheUsage>,
}

/// The part of the input that the prompt cache had, and the part that was added to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheUsage {
    pub read_tokens: u64,
    pub write_tokens: u64,
}

impl ModelEvent {
    /// A piece of text of the first block.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Piece {
            block: 0,
            piece: Piece::Text(text.into()),
        }
    }
}

impl Piece {
    /// The piece's text if models send pieces of its kind token by token: text, reasoning, and a tool's input.
    pub fn token(&self) -> Option<&str> {
        match self {
            Self::Text(token) | Self::Reasoning(token) | Self::ToolInput(token) => Some(token),
            _ => None,
        }
    }
}

impl Usage {
    /// All tokens. As on AWS, they include the prompt cache's.
    pub fn total_tokens(self) -> u64 {
        let cache = self.cache.unwrap_or_default();
        self.input_tokens + self.output_tokens + cache.read_tokens + cache.write_tokens
    }
}
