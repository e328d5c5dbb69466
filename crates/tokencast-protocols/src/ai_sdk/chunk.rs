//! A chunk of the UI message stream.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use tokencast_core::id::SessionId;

/// One chunk, as it is serialized.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(
    tag = "type",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum Chunk {
    Start {
        message_id: SessionId,
    },
    StartStep,
    TextStart {
        id: String,
    },
    TextDelta {
        id: String,
        delta: String,
    },
    TextEnd {
        id: String,
    },
    ReasoningStart {
        id: String,
    },
    ReasoningDelta {
        id: String,
        delta: String,
    },
    ReasoningEnd {
        id: String,
    },
    SourceUrl {
        source_id: String,
        url: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<String>,
    },
    SourceDocument {
        source_id: String,
        media_type: &'static str,
        title: String,
    },
    ToolInputStart {
        tool_call_id: Arc<str>,
        tool_name: Arc<str>,
        #[serde(flatten)]
        tool: OurTool,
    },
    ToolInputDelta {
        tool_call_id: Arc<str>,
        input_text_delta: String,
    },
    ToolInputAvailable {
        tool_call_id: Arc<str>,
        tool_name: Arc<str>,
        #[serde(flatten)]
        tool: OurTool,
        input: Value,
    },
    ToolInputError {
        tool_call_id: Arc<str>,
        tool_name: Arc<str>,
        #[serde(flatten)]
        tool: OurTool,
        input: String,
        error_text: &'static str,
    },
    ToolOutputAvailable {
        tool_call_id: Arc<str>,
        output: String,
        #[serde(flatten)]
        tool: OurTool,
    },
    ToolOutputError {
        tool_call_id: Arc<str>,
        error_text: String,
        #[serde(flatten)]
        tool: OurTool,
    },
    FinishStep,
    /// The step starts again: nothing of it stays.
    ResetStep,
    Finish {
        finish_reason: FinishReason,
    },
    Abort,
    Error {
        error_text: String,
    },
}

impl Chunk {
    #[expect(clippy::missing_panics_doc, reason = "it cannot")]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings always serialize")
    }
}

/// What is said of a tool that a page knows nothing of, and doesn't run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OurTool {
    dynamic: bool,
    provider_executed: bool,
}

pub(super) const OURS: OurTool = OurTool {
    dynamic: true,
    provider_executed: true,
};

/// Why a model stopped, in the AI SDK's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FinishReason {
    Stop,
    Length,
    ContentFilter,
    ToolCalls,
    Other,
}

impl FinishReason {
    /// The words for Bedrock's reason, or one of ours.
    pub fn of(stop_reason: Option<&str>) -> Self {
        match stop_reason {
            Some("end_turn" | "stop_sequence") => Self::Stop,
            Some("max_tokens" | "max_answer_bytes" | "model_context_window_exceeded") => {
                Self::Length
            }
            Some("guardrail_intervened" | "content_filtered") => Self::ContentFilter,
            Some("tool_use") => Self::ToolCalls,
            _ => Self::Other,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ContentFilter => "content-filter",
            Self::ToolCalls => "tool-calls",
            Self::Other => "other",
        }
    }
}
