//! What a model answers: a stream of events, whichever model it is and whichever shape the caller wants.

use futures_util::stream::BoxStream;

use crate::error::ModelError;
use crate::openai::OpenAiModel;
use crate::passthrough::BedrockModel;
use crate::prompt::Prompt;
use crate::script::ScriptedModel;

#[derive(Debug)]
pub enum Model {
    Scripted(ScriptedModel),
    OpenAi(OpenAiModel),
    Bedrock(BedrockModel),
}

/// Ends after [`ModelEvent::Stop`], [`ModelEvent::Fail`] or [`ModelEvent::Reset`]; without any of them it was cut.
pub type ModelStream = BoxStream<'static, ModelEvent>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelEvent {
    Text(String),
    Reasoning(String),
    Stop(Stop),
    Fail(ModelError),
    /// The connection is to be torn down.
    Reset,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// In Bedrock's words, such as `end_turn`.
    pub reason: String,
    /// The stop sequence that ended the answer.
    pub sequence: Option<String>,
    pub usage: Usage,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub input_tokens: u64,
    pub output_tokens: u64,
}

impl Usage {
    pub fn total_tokens(self) -> u64 {
        self.input_tokens + self.output_tokens
    }
}

impl Model {
    /// Begins an answer; an error here is the call's HTTP error.
    pub async fn start(&self, prompt: &Prompt) -> Result<ModelStream, ModelError> {
        match self {
            Self::Scripted(model) => model.start(prompt),
            Self::OpenAi(model) => model.start(prompt).await,
            Self::Bedrock(model) => model.start(prompt).await,
        }
    }
}
