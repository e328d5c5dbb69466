//! What an assistant is.

use std::fmt;

use super::AssistantName;

/// A model, its instructions and its limits, by a name.
#[derive(Clone, PartialEq)]
pub struct Assistant {
    pub name: AssistantName,
    /// For people to read.
    pub title: Option<String>,
    pub description: Option<String>,
    /// A model's id, or an inference profile's id or ARN.
    pub model_id: String,
    pub system_prompt: Option<String>,
    /// The most output tokens of an answer, reasoning included.
    pub max_tokens: u32,
    pub temperature: Option<f32>,
    /// How much the model reasons; `None` if it is not asked to.
    pub reasoning: Option<Reasoning>,
    /// Whether a model that can keeps what it was told of a conversation for its next turn.
    pub prompt_caching: bool,
    pub guardrail: Option<GuardrailSettings>,
    /// Whether a client may bring a system prompt of its own, which follows the assistant's.
    pub client_system_prompt: bool,
}

/// How much a model reasons before its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reasoning {
    /// The most tokens of reasoning. They are part of the answer's.
    pub budget_tokens: u32,
}

/// A guardrail of Bedrock, which looks at prompts and answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardrailSettings {
    /// Its id or ARN.
    pub id: String,
    /// A number, or `DRAFT`.
    pub version: String,
    pub stream_processing: StreamProcessing,
}

/// When a guardrail looks at an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StreamProcessing {
    /// Before a client gets it, chunk by chunk.
    #[default]
    Sync,
    /// While a client gets it. The guardrail can then only break off, not mask.
    Async,
}

impl Assistant {
    /// The only assistant where no file names any.
    pub fn only(model_id: String, max_tokens: u32) -> Self {
        Self {
            name: AssistantName::only(),
            title: None,
            description: None,
            model_id,
            system_prompt: None,
            max_tokens,
            temperature: None,
            reasoning: None,
            prompt_caching: true,
            guardrail: None,
            client_system_prompt: false,
        }
    }
}

/// Without the system prompt, so that no log can hold it.
impl fmt::Debug for Assistant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prompt_bytes = self.system_prompt.as_ref().map(String::len);
        formatter
            .debug_struct("Assistant")
            .field("name", &self.name)
            .field("model_id", &self.model_id)
            .field("system_prompt_bytes", &prompt_bytes)
            .field("max_tokens", &self.max_tokens)
            .finish_non_exhaustive()
    }
}
