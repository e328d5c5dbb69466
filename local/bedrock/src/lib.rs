//! Amazon Bedrock's runtime: `ConverseStream` and `InvokeModelWithResponseStream`, in the real event-stream encoding.
//!
//! | module | what |
//! | --- | --- |
//! | `http` | the operations over HTTP |
//! | [`converse`], `anthropic` | the two shapes of requests and events |
//! | [`guardrail`] | scripted guardrails, which look at prompts and answers of any model |
//! | `history` | what a conversation must be |
//! | [`frame`] | the event-stream encoding |
//! | `error` | exceptions, before and within a stream |
//! | `prompt`, [`model`], `whole` | a model's input, its events, and its answer as a whole |
//! | `backend` | the model behind the endpoint: one of the following |
//! | `script`, `plan` | the scripted model: its faults and its pace; its blocks as steps |
//! | `answer`, `subject`, `tokens` | its text, the prompt's subject, and the text's tokens |
//! | `prompt_cache` | which beginning of its input it has read before |
//! | `openai`, `sse` | any server with OpenAI's chat completions API |
//! | `quote` | whether a server's error message repeats the prompt |
//! | `passthrough` | Bedrock itself |
//! | [`log`] | the calls, and how each ended |

mod answer;
mod anthropic;
mod backend;
pub mod config;
pub mod converse;
mod endpoint;
mod error;
mod faults;
pub mod frame;
pub mod guardrail;
mod history;
mod http;
pub mod log;
pub mod model;
pub mod model_id;
mod openai;
mod passthrough;
mod plan;
mod prompt;
mod prompt_cache;
mod quote;
mod script;
mod sse;
mod subject;
mod tokens;
mod whole;

pub use endpoint::ENDPOINT;

use std::sync::Arc;

use local_faults::Faults;
use local_iam::gate::GuardedService;
use local_kit::clock::Clock;

use crate::backend::Model;
use crate::config::{ModelConfig, ScriptConfig};
use crate::guardrail::GuardrailConfig;
use crate::log::{CallLog, ModelCall};
use crate::openai::OpenAiModel;
use crate::passthrough::BedrockModel;
use crate::script::ScriptedModel;

/// One Bedrock endpoint with one model behind every model id. Clones share it.
///
/// ```no_run
/// use local_bedrock::Bedrock;
/// use local_bedrock::config::{ModelConfig, ScriptConfig};
/// use local_kit::clock::Clock;
///
/// # async fn example() -> std::io::Result<()> {
/// let script = ScriptConfig { tokens: Some(vec!["Hello".into()]), ..ScriptConfig::default() };
/// let bedrock = Bedrock::new(ModelConfig::Scripted(script), Clock::system());
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// let router = bedrock.router();
/// tokio::spawn(async move { axum::serve(listener, router).await });
/// bedrock.wait_until(|calls| !calls.is_empty()).await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Bedrock {
    model: Arc<Model>,
    guardrails: Arc<[GuardrailConfig]>,
    log: CallLog,
    faults: Faults,
}

impl Bedrock {
    /// How a request's signature is checked before [`Self::router`] gets it.
    pub const GUARDED: GuardedService = crate::http::GUARDED;

    pub fn new(config: ModelConfig, clock: Clock) -> Self {
        let model = match config {
            ModelConfig::Scripted(script) => {
                Model::Scripted(ScriptedModel::new(script, clock.clone()))
            }
            ModelConfig::OpenAi {
                base_url,
                model,
                api_key,
                reasoning_tags,
            } => {
                let model = OpenAiModel::new(&base_url, model, api_key, reasoning_tags);
                Model::OpenAi(model)
            }
            ModelConfig::Bedrock { model_id } => {
                Model::Bedrock(BedrockModel::from_environment(model_id))
            }
        };
        Self {
            model: Arc::new(model),
            guardrails: Arc::default(),
            log: CallLog::new(clock),
            faults: Faults::default(),
        }
    }

    /// Has these guardrails, which requests may name. Amazon Bedrock itself, if that is behind, has its own.
    #[must_use]
    pub fn with_guardrails(
        mut self,
        guardrails: impl IntoIterator<Item = GuardrailConfig>,
    ) -> Self {
        self.guardrails = guardrails.into_iter().collect();
        self
    }

    /// Applies the fault plan to the model's responses.
    #[must_use]
    pub fn with_faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Passes calls on to `client`, for the model `model_id`.
    pub fn with_client(
        client: aws_sdk_bedrockruntime::Client,
        model_id: String,
        clock: Clock,
    ) -> Self {
        let model = Model::Bedrock(BedrockModel::with_client(client, Some(model_id)));
        Self {
            model: Arc::new(model),
            guardrails: Arc::default(),
            log: CallLog::new(clock),
            faults: Faults::default(),
        }
    }

    /// Serves `POST /model/{modelId}/{operation}`.
    pub fn router(&self) -> axum::Router {
        http::router(self.clone())
    }

    /// Sets the scripted model's script from the next call on. Returns false if the model is another one.
    pub fn set_script(&self, script: ScriptConfig) -> bool {
        match &*self.model {
            Model::Scripted(model) => {
                model.set_script(script);
                true
            }
            Model::OpenAi(_) | Model::Bedrock(_) => false,
        }
    }

    /// The calls so far, the oldest first. Only the last 4,000 are kept.
    pub fn calls(&self) -> Vec<ModelCall> {
        self.log.calls()
    }

    /// Returns once `done` is true of the calls so far, so that a test needn't sleep.
    pub async fn wait_until(&self, done: impl FnMut(&[ModelCall]) -> bool) {
        self.log.wait_until(done).await;
    }

    /// The number of calls in progress.
    pub fn live_streams(&self) -> usize {
        self.log.live()
    }
}
