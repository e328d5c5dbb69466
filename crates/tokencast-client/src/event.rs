//! What the API says of a session, and what a stream yields.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::assistant::Guardrail;
use crate::block::{Block, BlockContent, BlockType, Citation, ToolResult, ToolUse};
use crate::usage::Cost;

/// What an [`AnswerStream`](crate::AnswerStream) yields. As JSON, `type` names the variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum AnswerEvent {
    /// The API has accepted the prompt, or has the session that is being resumed.
    Started {
        /// The session's id, as [`Client::stop`](crate::Client::stop) and [`Client::resume`](crate::Client::resume) take it.
        session_id: Uuid,
    },
    /// The next piece of the text; the answer now reaches as far as event `sequence` of `attempt`.
    Text {
        /// To append to what came before.
        text: String,
        /// Of the block that it is a piece of.
        block_index: u64,
        /// Of the last event in the answer.
        sequence: u64,
        /// Of the worker that writes the answer; counts from 1.
        attempt: u64,
    },
    /// The next piece of what the model thinks.
    Reasoning {
        /// To append to what came before in this block. A first piece that is empty says that the model thinks and doesn't show it.
        text: String,
        /// Of the block that it is a piece of.
        block_index: u64,
        /// Of the last event in the answer.
        sequence: u64,
        /// Of the worker that writes the answer; counts from 1.
        attempt: u64,
    },
    /// A source of the text before it.
    Citation {
        /// The source.
        citation: Citation,
        /// Of the block that it is.
        block_index: u64,
        /// Of the last event in the answer.
        sequence: u64,
        /// Of the worker that writes the answer; counts from 1.
        attempt: u64,
    },
    /// The next piece of a tool's use.
    ToolUse {
        /// Its `input` is to be appended to what came before in this block.
        tool_use: ToolUse,
        /// Of the block that it is a piece of.
        block_index: u64,
        /// Of the last event in the answer.
        sequence: u64,
        /// Of the worker that writes the answer; counts from 1.
        attempt: u64,
    },
    /// What a tool has brought.
    ToolResult {
        /// The result, whole.
        tool_result: ToolResult,
        /// Of the block that it is.
        block_index: u64,
        /// Of the last event in the answer.
        sequence: u64,
        /// Of the worker that writes the answer; counts from 1.
        attempt: u64,
    },
    /// The answer starts again from nothing, all blocks of it: another worker has taken over.
    Restarted {
        /// The new worker's.
        attempt: u64,
    },
    /// The connection was lost; the next try follows after a pause.
    Reconnecting {
        /// How many tries there were since the last stable connection.
        tries: u32,
        /// The length of the pause.
        delay_ms: u64,
        /// Why the connection was lost.
        reason: String,
    },
    /// Listening again. What was missed follows.
    Reconnected,
    /// The model has finished, or a guardrail has ended its answer. The last event.
    Completed {
        /// Why the model has finished, in its own words: `end_turn`, `max_tokens`.
        stop_reason: Option<String>,
        /// What the answer took, if the API says so.
        usage: Option<Usage>,
        /// What a guardrail did, if it did something.
        guardrail: Option<Guardrail>,
    },
    /// The session failed; the text so far stands. The last event.
    Failed {
        /// Of a closed set: `THROTTLED`, `MODEL_ERROR` and so on.
        code: String,
        /// Safe to show to a user.
        message: String,
        /// Whether the same prompt may well succeed if it is sent again.
        retryable: bool,
        /// What the answer took, if the API says so.
        usage: Option<Usage>,
    },
    /// The session was stopped; the text so far stands. The last event.
    Cancelled {
        /// Why the model has finished, if it had.
        stop_reason: Option<String>,
        /// What the answer took, if the API says so.
        usage: Option<Usage>,
    },
}

impl AnswerEvent {
    /// The event that brings a block, or a piece of it; `None` for a type that isn't known.
    pub fn of_block(block: Block, sequence: u64, attempt: u64) -> Option<Self> {
        let Block {
            index: block_index,
            content,
        } = block;
        Some(match content {
            BlockContent::Text { text } => Self::Text {
                text,
                block_index,
                sequence,
                attempt,
            },
            BlockContent::Reasoning { reasoning } => Self::Reasoning {
                text: reasoning,
                block_index,
                sequence,
                attempt,
            },
            BlockContent::Citation { citation } => Self::Citation {
                citation,
                block_index,
                sequence,
                attempt,
            },
            BlockContent::ToolUse { tool_use } => Self::ToolUse {
                tool_use,
                block_index,
                sequence,
                attempt,
            },
            BlockContent::ToolResult { tool_result } => Self::ToolResult {
                tool_result,
                block_index,
                sequence,
                attempt,
            },
            BlockContent::Unknown => return None,
        })
    }

    /// Whether this is the last event of its session.
    pub fn is_last(&self) -> bool {
        matches!(
            self,
            Self::Completed { .. } | Self::Failed { .. } | Self::Cancelled { .. }
        )
    }
}

/// `TokenEvent` of the schema. A server of the source article's leaves out all that is optional here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenEvent {
    /// Of the worker that sends it; counts from 1.
    #[serde(default)]
    pub attempt: Option<u64>,
    /// Its number within the attempt; counts from 1.
    #[serde(default)]
    pub sequence: Option<u64>,
    /// Of an event that joins several: the first of them, `sequence` being the last.
    #[serde(default)]
    pub first_sequence: Option<u64>,
    /// The next piece of the text; empty in an event that carries something else.
    pub token: String,
    /// Which block this is a piece of.
    #[serde(default)]
    pub block_index: Option<u64>,
    /// `None` counts as text.
    #[serde(default)]
    pub block_type: Option<BlockType>,
    /// The next piece of a block of reasoning; empty where the model keeps it to itself.
    #[serde(default)]
    pub reasoning: Option<String>,
    /// A citation, whole.
    #[serde(default)]
    pub citation: Option<Citation>,
    /// A piece of a tool's use: its `input` is the next part.
    #[serde(default)]
    pub tool_use: Option<ToolUse>,
    /// A tool's result, whole.
    #[serde(default)]
    pub tool_result: Option<ToolResult>,
    /// Whether it is the session's last event.
    pub is_complete: bool,
    /// How the session stands with this event.
    #[serde(default)]
    pub status: Option<StreamStatus>,
    /// Of the last event: why the model has finished.
    #[serde(default)]
    pub stop_reason: Option<String>,
    /// Of the last event: what the answer took.
    #[serde(default)]
    pub usage: Option<Usage>,
    /// Of the last event of a session that failed.
    #[serde(default)]
    pub error: Option<StreamError>,
    /// Of the last event: what a guardrail did, if it did something.
    #[serde(default)]
    pub guardrail: Option<Guardrail>,
}

impl TokenEvent {
    /// Takes out the piece of a block that the event carries.
    pub(crate) fn take_content(&mut self) -> BlockContent {
        let content = match self.block_type {
            None | Some(BlockType::Text) => Some(BlockContent::Text {
                text: std::mem::take(&mut self.token),
            }),
            Some(BlockType::Reasoning) => Some(BlockContent::Reasoning {
                reasoning: self.reasoning.take().unwrap_or_default(),
            }),
            Some(BlockType::Citation) => {
                let citation = self.citation.take();
                citation.map(|citation| BlockContent::Citation { citation })
            }
            Some(BlockType::ToolUse) => {
                let tool_use = self.tool_use.take();
                tool_use.map(|tool_use| BlockContent::ToolUse { tool_use })
            }
            Some(BlockType::ToolResult) => {
                let tool_result = self.tool_result.take();
                tool_result.map(|tool_result| BlockContent::ToolResult { tool_result })
            }
            Some(BlockType::Unknown) => None,
        };
        content.unwrap_or(BlockContent::Unknown)
    }
}

/// `Stream` of the schema: a session as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// How the session stands.
    pub status: StreamStatus,
    /// The joined tokens of events 1 to `sequence` of this `attempt`.
    pub text: String,
    /// The same answer with everything else in it. An API without blocks leaves them out.
    #[serde(default)]
    pub blocks: Option<Vec<Block>>,
    /// For how long the model has reasoned, if it did.
    #[serde(default)]
    pub reasoning_ms: Option<u64>,
    /// Of the last event in the text.
    pub sequence: u64,
    /// Of the last worker that took the session; 0 before the first.
    pub attempt: u64,
    /// Why the model has finished, once it has.
    #[serde(default)]
    pub stop_reason: Option<String>,
    /// What the answer took, once it has ended.
    #[serde(default)]
    pub usage: Option<Usage>,
    /// Why the session failed, if it did.
    #[serde(default)]
    pub error: Option<StreamError>,
    /// Why it waits, if something is known to hold it up.
    #[serde(default)]
    pub waiting: Option<Waiting>,
    /// The conversation that the session belongs to, if any.
    #[serde(default)]
    pub conversation_id: Option<Uuid>,
    /// The session that it continues, if any.
    #[serde(default)]
    pub parent_id: Option<Uuid>,
    /// The assistant that answers.
    #[serde(default)]
    pub assistant: Option<String>,
    /// What a guardrail did, if it did something.
    #[serde(default)]
    pub guardrail: Option<Guardrail>,
}

impl Snapshot {
    /// The blocks, in the order of their indices. Of an API without them, the text is one.
    pub fn to_blocks(&self) -> Vec<Block> {
        let mut blocks = self.blocks.clone().unwrap_or_default();
        if blocks.is_empty() && !self.text.is_empty() {
            let text = self.text.clone();
            let content = BlockContent::Text { text };
            blocks.push(Block { index: 0, content });
        }
        blocks.sort_by_key(|block| block.index);
        blocks
    }
}

/// `StreamWaiting` of the schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// A failure's code: `THROTTLED`, while the model has no capacity.
    pub reason: String,
    /// ISO 8601, UTC.
    pub since: String,
}

/// `StreamStatus` of the schema: how a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StreamStatus {
    /// An id that a subscriber took; nothing was started yet.
    Claimed,
    /// Started, and waiting for a worker.
    Queued,
    /// A worker has it.
    Streaming,
    /// The model has finished.
    Completed,
    /// It failed; its error says why.
    Failed,
    /// Somebody stopped it.
    Cancelled,
    /// A status that a newer API knows.
    #[serde(other)]
    Unknown,
}

impl StreamStatus {
    /// Whether the session has ended.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// What the model counted, in its own tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Of the prompt, and of what the model reads before it.
    pub input_tokens: u64,
    /// Of the answer.
    pub output_tokens: u64,
    /// Both together.
    pub total_tokens: u64,
    /// Of the input, what the model had in its prompt cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read_input_tokens: Option<u64>,
    /// Of the input, what the model wrote into its prompt cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_input_tokens: Option<u64>,
    /// `None` where the model has no price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
}

/// Why a session failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamError {
    /// `THROTTLED`, `MODEL_ERROR` and so on.
    pub code: String,
    /// Safe to show to a user.
    pub message: String,
    /// Whether the same prompt may well succeed if it is sent again.
    pub retryable: bool,
}
