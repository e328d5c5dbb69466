//! Assistants: each a model, its instructions and its limits, by a name.

use serde::{Deserialize, Serialize};

/// `Assistant` of the schema. Its model and its instructions are nobody's to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Assistant {
    /// What a [`Prompt`](crate::Prompt) names.
    pub name: String,
    /// For people to read.
    #[serde(default)]
    pub title: Option<String>,
    /// For people to read.
    #[serde(default)]
    pub description: Option<String>,
    /// Whether it answers where a prompt names none.
    pub is_default: bool,
    /// Whether it may show its reasoning.
    pub reasons: bool,
    /// The most output tokens of an answer.
    pub max_tokens: u64,
}

/// `Guardrail` of the schema: what a guardrail did to a prompt or its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guardrail {
    /// `BLOCKED`: the answer's last text is the guardrail's. `MASKED`: the answer has marks in place of what it must not say.
    pub action: String,
    /// What it found, by its own names.
    pub masked: Vec<String>,
}

/// The answer of a Function URL, and of AppSync.
#[derive(Debug, Deserialize)]
pub(crate) struct ListedAssistants {
    pub(crate) assistants: Vec<Assistant>,
}
