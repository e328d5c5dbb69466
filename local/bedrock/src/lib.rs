//! Amazon Bedrock's runtime: `ConverseStream` and `InvokeModelWithResponseStream`, in the real event-stream encoding.
//!
//! | module | what |
//! | --- | --- |
//! | [`http`] | the operations over HTTP |
//! | [`converse`], [`anthropic`] | the two request and event shapes |
//! | [`frame`] | the event-stream encoding |
//! | [`error`] | exceptions, before and within a stream |
//! | [`prompt`], [`model`] | what a model is asked, and what it answers |
//! | [`script`], [`answer`], [`subject`], [`tokens`] | the scripted model: its faults, what it says, about what, in which pieces |
//! | [`openai`], [`sse`] | any server with OpenAI's chat completions API |
//! | [`quote`] | whether a server's words repeat what it was asked |
//! | [`passthrough`] | Bedrock itself |
//! | [`log`] | which calls there were, and how each ended |

pub mod answer;
pub mod anthropic;
pub mod config;
pub mod converse;
pub mod endpoint;
pub mod error;
mod faults;
pub mod frame;
pub mod http;
pub mod log;
pub mod model;
pub mod model_id;
pub mod openai;
pub mod passthrough;
pub mod prompt;
pub mod quote;
pub mod script;
pub mod sse;
pub mod subject;
pub mod tokens;

pub use endpoint::ENDPOINT;

use std::sync::Arc;

use local_faults::Faults;
use local_kit::clock::Clock;

use crate::config::{ModelConfig, ScriptConfig};
use crate::log::{CallLog, ModelCall};
use crate::model::Model;
use crate::openai::OpenAiModel;
use crate::passthrough::BedrockModel;
use crate::script::ScriptedModel;

/// One Bedrock endpoint with one model behind every model id. Clones share it.
#[derive(Clone, Debug)]
pub struct Bedrock {
    model: Arc<Model>,
    log: CallLog,
    faults: Faults,
}

impl Bedrock {
    pub fn new(config: ModelConfig, clock: Clock) -> Self {
        let model = match config {
            ModelConfig::Scripted(script) => Model::Scripted(ScriptedModel::new(script)),
            ModelConfig::OpenAi {
                base_url,
                model,
                api_key,
            } => Model::OpenAi(OpenAiModel::new(&base_url, model, api_key)),
            ModelConfig::Bedrock { model_id } => {
                Model::Bedrock(BedrockModel::from_environment(model_id))
            }
        };
        Self {
            model: Arc::new(model),
            log: CallLog::new(clock),
            faults: Faults::default(),
        }
    }

    /// Has the answers meet the fault plan.
    #[must_use]
    pub fn with_faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Passes calls on to `client`, as to `model_id`.
    pub fn with_client(
        client: aws_sdk_bedrockruntime::Client,
        model_id: String,
        clock: Clock,
    ) -> Self {
        let model = Model::Bedrock(BedrockModel::with_client(client, model_id));
        Self {
            model: Arc::new(model),
            log: CallLog::new(clock),
            faults: Faults::default(),
        }
    }

    /// Answers `POST /model/{modelId}/{operation}`.
    pub fn router(&self) -> axum::Router {
        http::router(self.clone())
    }

    /// What the scripted model does from the next call on; false if the model is another one.
    pub fn set_script(&self, script: ScriptConfig) -> bool {
        match &*self.model {
            Model::Scripted(model) => {
                model.set_script(script);
                true
            }
            Model::OpenAi(_) | Model::Bedrock(_) => false,
        }
    }

    /// The calls so far, oldest first; the last 4,000 are kept.
    pub fn calls(&self) -> Vec<ModelCall> {
        self.log.calls()
    }

    /// Returns once `done` says so of the calls so far: for a test that would otherwise sleep.
    pub async fn wait_until(&self, done: impl FnMut(&[ModelCall]) -> bool) {
        self.log.wait_until(done).await;
    }

    /// How many calls are being answered now.
    pub fn live_streams(&self) -> usize {
        self.log.live()
    }
}
