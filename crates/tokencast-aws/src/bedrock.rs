//! The model: Bedrock's ConverseStream.

mod guardrail;
mod messages;
mod pieces;
mod reasoning;
mod refusal;

use std::error::Error;
use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_bedrockruntime::primitives::event_stream::EventReceiver;
use aws_sdk_bedrockruntime::types::error::ConverseStreamOutputError;
use aws_sdk_bedrockruntime::types::{
    ConverseStreamMetadataEvent, ConverseStreamOutput, InferenceConfiguration,
};
use tokencast_core::assistant::{Assistant, Assistants};
use tokencast_core::event::Usage;
use tokencast_core::failure::{Failure, FailureCode};
use tokencast_core::ports::{Model, ModelEvent, ModelRequest, TokenSource};
use tracing::warn;

use pieces::Pieces;

use crate::sdk::for_streams;

/// How models are asked.
#[derive(Clone, Debug)]
pub struct ModelSettings {
    /// A request names one of them.
    pub assistants: Assistants,
    /// Whether Bedrock's message for a failure is logged even if it may quote a prompt.
    pub log_errors: bool,
}

#[derive(Clone, Debug)]
pub struct BedrockModel {
    client: Client,
    settings: ModelSettings,
    address: Arc<str>,
}

/// The model and its address, for the log.
#[derive(Debug)]
struct Asked {
    model_id: String,
    address: Arc<str>,
    log_errors: bool,
}

impl BedrockModel {
    pub fn new(sdk: &SdkConfig, settings: ModelSettings) -> Self {
        let region = sdk.region().map_or("no region", |region| region.as_ref());
        let address = match sdk.endpoint_url() {
            Some(url) => url.to_owned(),
            None => format!("Bedrock in {region}"),
        };
        Self {
            client: Client::new(&for_streams(sdk)),
            settings,
            address: address.into(),
        }
    }

    /// The assistant that answers a request.
    fn assistant(&self, request: &ModelRequest) -> Result<&Assistant, Failure> {
        let assistants = &self.settings.assistants;
        match &request.assistant {
            None => Ok(assistants.default_assistant()),
            Some(name) => assistants.get(name).ok_or_else(|| {
                warn!(assistant = %name, "no such assistant in the file");
                // While a deployment runs, the file may be older or newer than the job. So another try may succeed.
                Failure::new(
                    FailureCode::Internal,
                    format!("The assistant `{name}` is not there."),
                )
            }),
        }
    }
}

impl Model for BedrockModel {
    type Tokens = BedrockTokens;

    async fn start(&self, request: &ModelRequest) -> Result<BedrockTokens, Failure> {
        let assistant = self.assistant(request)?;
        let Assistant {
            model_id,
            system_prompt,
            max_tokens,
            temperature,
            reasoning,
            prompt_caching,
            guardrail,
            ..
        } = assistant;
        let caches = *prompt_caching && request.history_len() > 0 && messages::caches(model_id);
        let messages = messages::of(request, caches).map_err(|_| internal())?;
        let max_tokens = at_most(*max_tokens, request.max_tokens);
        let temperature = cooler(*temperature, request.temperature);
        let reasoning = reasoning::ask(model_id, *reasoning, max_tokens);
        let takes_temperature = reasoning.as_ref().is_none_or(|it| it.takes_temperature);
        let stop_sequences = Some(request.stop_sequences.clone()).filter(|all| !all.is_empty());
        let inference = InferenceConfiguration::builder()
            .max_tokens(i32::try_from(max_tokens).unwrap_or(i32::MAX))
            .set_temperature(temperature.filter(|_| takes_temperature))
            .set_stop_sequences(stop_sequences)
            .build();
        let prompts = [system_prompt.as_deref(), request.system.as_deref()];
        let system =
            messages::system(prompts.into_iter().flatten(), caches).map_err(|_| internal())?;
        let converse = self
            .client
            .converse_stream()
            .model_id(model_id)
            .set_messages(Some(messages))
            .inference_config(inference)
            .set_system(system)
            .set_additional_model_request_fields(reasoning.map(|it| it.fields))
            .set_guardrail_config(guardrail.as_ref().map(guardrail::config));
        let asked = Asked {
            model_id: model_id.clone(),
            address: Arc::clone(&self.address),
            log_errors: self.settings.log_errors,
        };
        match converse.send().await {
            Ok(output) => Ok(BedrockTokens {
                stream: output.stream,
                pieces: Pieces::default(),
                has_intervened: false,
                waiting: None,
                asked,
            }),
            Err(error) => {
                let status = error.raw_response().map(|raw| raw.status().as_u16());
                Err(asked.failed("start", error.code(), error.message(), status, &error))
            }
        }
    }
}

/// An answer's event stream.
pub struct BedrockTokens {
    stream: EventReceiver<ConverseStreamOutput, ConverseStreamOutputError>,
    pieces: Pieces,
    /// Whether the stop reason says that a guardrail has changed something.
    has_intervened: bool,
    /// What comes next, before the stream's next event.
    waiting: Option<ModelEvent>,
    asked: Asked,
}

impl BedrockTokens {
    /// The usage, and what a guardrail did. If there are both, one of them waits.
    fn on_metadata(&mut self, metadata: ConverseStreamMetadataEvent) -> Option<ModelEvent> {
        let trace = metadata.trace.as_ref().and_then(|trace| trace.guardrail());
        let guardrail = guardrail::of_trace(trace, std::mem::take(&mut self.has_intervened));
        let guardrail = guardrail.map(ModelEvent::Guardrail);
        let Some(usage) = metadata.usage else {
            return guardrail;
        };
        self.waiting = guardrail;
        Some(ModelEvent::Usage(Usage {
            input_tokens: count(usage.input_tokens),
            output_tokens: count(usage.output_tokens),
            total_tokens: count(usage.total_tokens),
            cache_read_input_tokens: usage.cache_read_input_tokens.map(count),
            cache_write_input_tokens: usage.cache_write_input_tokens.map(count),
            cost: None,
        }))
    }

    /// The stream's end. If no metadata came, nothing has said yet what a guardrail did.
    fn on_end(&mut self) -> Option<ModelEvent> {
        let guardrail = guardrail::of_trace(None, std::mem::take(&mut self.has_intervened));
        guardrail.map(ModelEvent::Guardrail)
    }
}

impl TokenSource for BedrockTokens {
    /// Cancel-safe: the receiver keeps what it has read of a frame.
    async fn next(&mut self) -> Result<Option<ModelEvent>, Failure> {
        if let Some(event) = self.waiting.take() {
            return Ok(Some(event));
        }
        loop {
            return Ok(match self.stream.recv().await {
                Ok(None) => self.on_end(),
                Ok(Some(ConverseStreamOutput::ContentBlockDelta(event))) => {
                    Some(self.pieces.on_delta(event.content_block_index, event.delta))
                }
                Ok(Some(ConverseStreamOutput::ContentBlockStart(event))) => {
                    let begun = event
                        .start
                        .and_then(|start| self.pieces.on_start(event.content_block_index, start));
                    match begun {
                        Some(piece) => Some(piece),
                        None => continue,
                    }
                }
                Ok(Some(ConverseStreamOutput::ContentBlockStop(event))) => {
                    match self.pieces.on_stop(event.content_block_index) {
                        Some(piece) => Some(piece),
                        None => continue,
                    }
                }
                Ok(Some(ConverseStreamOutput::MessageStop(stop))) => {
                    let reason = stop.stop_reason.as_str();
                    self.has_intervened = guardrail::has_intervened(reason);
                    Some(ModelEvent::Stopped(reason.to_owned()))
                }
                Ok(Some(ConverseStreamOutput::Metadata(metadata))) => {
                    match self.on_metadata(metadata) {
                        Some(event) => Some(event),
                        None => continue,
                    }
                }
                // Other kinds of events, known or new, are skipped.
                Ok(Some(_)) => continue,
                Err(error) => {
                    let service = error.as_service_error();
                    let code = service.and_then(stream_code);
                    let said = service.and_then(ProvideErrorMetadata::message);
                    return Err(self.asked.failed("stream", code, said, None, &error));
                }
            });
        }
    }
}

/// The longest answer, which a client may only shorten.
fn at_most(configured: u32, asked: Option<u32>) -> u32 {
    asked.map_or(configured, |asked| asked.min(configured))
}

/// The temperature, which a client may only lower; without a configured one, up to Bedrock's highest.
fn cooler(configured: Option<f32>, asked: Option<f32>) -> Option<f32> {
    /// By Bedrock's API reference, `InferenceConfiguration`.
    const HIGHEST: f32 = 1.0;
    match asked {
        Some(asked) => Some(asked.min(configured.unwrap_or(HIGHEST))),
        None => configured,
    }
}

fn count(tokens: i32) -> u32 {
    u32::try_from(tokens).unwrap_or(0)
}

impl Asked {
    /// Logs why the model failed, and returns the failure that a client sees.
    fn failed<E, R>(
        &self,
        step: &str,
        error_type: Option<&str>,
        said: Option<&str>,
        status: Option<u16>,
        error: &SdkError<E, R>,
    ) -> Failure
    where
        E: Error + 'static,
        R: std::fmt::Debug + 'static,
    {
        let Self {
            model_id,
            address,
            log_errors,
        } = self;
        let address = &**address;
        // Errors below the service don't know the prompt, so their messages are logged. Their debug form is not,
        // because it has the bytes of the response, which may be text.
        let cause = error.as_service_error().is_none().then(|| chain(error));
        let said = said.unwrap_or_default();
        let failure = refusal::failure(error_type, said);
        let said = if *log_errors || refusal::quotes_nothing(error_type, said) {
            refusal::beginning(said)
        } else {
            "left out, for it may quote the prompt; LOG_MODEL_ERRORS=true logs it"
        };
        warn!(
            step, model = model_id, address, status, error_type, said, cause,
            code = %failure.code, "the model failed"
        );
        failure
    }
}

/// An error and its causes, on one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    causes.join(": ")
}

/// The type of an exception within a stream, which has no error metadata.
fn stream_code(error: &ConverseStreamOutputError) -> Option<&'static str> {
    Some(match error {
        ConverseStreamOutputError::ThrottlingException(_) => "ThrottlingException",
        ConverseStreamOutputError::ServiceUnavailableException(_) => "ServiceUnavailableException",
        ConverseStreamOutputError::ValidationException(_) => "ValidationException",
        ConverseStreamOutputError::InternalServerException(_) => "InternalServerException",
        ConverseStreamOutputError::ModelStreamErrorException(_) => "ModelStreamErrorException",
        _ => return None,
    })
}

fn internal() -> Failure {
    Failure::new(FailureCode::Internal, "The prompt could not be sent.")
}
