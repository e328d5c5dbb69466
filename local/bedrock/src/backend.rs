//! The model behind the endpoint: scripted, a server with OpenAI's API, or Bedrock itself.

use crate::error::ModelError;
use crate::model::ModelStream;
use crate::openai::OpenAiModel;
use crate::passthrough::BedrockModel;
use crate::prompt::Prompt;
use crate::script::ScriptedModel;

#[derive(Debug)]
pub(crate) enum Model {
    Scripted(ScriptedModel),
    OpenAi(OpenAiModel),
    Bedrock(BedrockModel),
}

impl Model {
    /// Whether requests have the model names of a server, which are in no form of Bedrock's.
    pub(crate) fn names_own_models(&self) -> bool {
        matches!(self, Self::OpenAi(model) if model.takes_any_name())
    }

    /// Starts a response. An error here becomes the call's HTTP error.
    pub(crate) async fn start(&self, prompt: &Prompt) -> Result<ModelStream, ModelError> {
        match self {
            Self::Scripted(model) => model.start(prompt),
            Self::OpenAi(model) => model.start(prompt).await,
            Self::Bedrock(model) => model.start(prompt).await,
        }
    }
}
