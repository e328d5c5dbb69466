//! The model: Bedrock's ConverseStream.

use aws_config::SdkConfig;
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_bedrockruntime::primitives::event_stream::EventReceiver;
use aws_sdk_bedrockruntime::types::error::ConverseStreamOutputError;
use aws_sdk_bedrockruntime::types::{
    ContentBlock, ContentBlockDelta, ConversationRole, ConverseStreamOutput,
    InferenceConfiguration, Message, SystemContentBlock,
};
use tokencast_core::event::Usage;
use tokencast_core::failure::{Failure, FailureCode};
use tokencast_core::ports::{Model, ModelEvent, TokenSource};
use tracing::warn;

use crate::sdk::for_streams;

/// How the model is asked.
#[derive(Clone, Debug)]
pub struct ModelSettings {
    /// A model's id, or an inference profile's id or ARN.
    pub model_id: String,
    pub system_prompt: Option<String>,
    pub max_tokens: i32,
    pub temperature: Option<f32>,
}

#[derive(Clone, Debug)]
pub struct BedrockModel {
    client: Client,
    settings: ModelSettings,
}

impl BedrockModel {
    pub fn new(sdk: &SdkConfig, settings: ModelSettings) -> Self {
        Self {
            client: Client::new(&for_streams(sdk)),
            settings,
        }
    }
}

impl Model for BedrockModel {
    type Tokens = BedrockTokens;

    async fn start(&self, prompt: &str) -> Result<BedrockTokens, Failure> {
        let ModelSettings {
            model_id,
            system_prompt,
            max_tokens,
            temperature,
        } = &self.settings;
        let message = Message::builder()
            .role(ConversationRole::User)
            .content(ContentBlock::Text(prompt.to_owned()))
            .build();
        let message = message.map_err(|_| internal())?;
        let inference = InferenceConfiguration::builder()
            .max_tokens(*max_tokens)
            .set_temperature(*temperature)
            .build();
        let converse = self
            .client
            .converse_stream()
            .model_id(model_id)
            .messages(message)
            .inference_config(inference);
        let system = system_prompt
            .clone()
            .map(|text| vec![SystemContentBlock::Text(text)]);
        match converse.set_system(system).send().await {
            Ok(output) => Ok(BedrockTokens {
                stream: output.stream,
            }),
            Err(error) => Err(failed("start", error.code(), &error)),
        }
    }
}

/// An answer's event stream.
pub struct BedrockTokens {
    stream: EventReceiver<ConverseStreamOutput, ConverseStreamOutputError>,
}

impl TokenSource for BedrockTokens {
    /// Cancel-safe: the receiver keeps what it has read of a frame.
    async fn next(&mut self) -> Result<Option<ModelEvent>, Failure> {
        loop {
            return Ok(match self.stream.recv().await {
                Ok(None) => None,
                Ok(Some(ConverseStreamOutput::ContentBlockDelta(delta))) => match delta.delta {
                    Some(ContentBlockDelta::Text(text)) => Some(ModelEvent::Text(text)),
                    // Reasoning, tools, citations: no text to show, but the model is alive.
                    _ => Some(ModelEvent::Text(String::new())),
                },
                Ok(Some(ConverseStreamOutput::MessageStop(stop))) => {
                    Some(ModelEvent::Stopped(stop.stop_reason.as_str().to_owned()))
                }
                Ok(Some(ConverseStreamOutput::Metadata(metadata))) => match metadata.usage {
                    Some(usage) => Some(ModelEvent::Usage(Usage {
                        input_tokens: count(usage.input_tokens),
                        output_tokens: count(usage.output_tokens),
                        total_tokens: count(usage.total_tokens),
                    })),
                    None => continue,
                },
                // New kinds of events appear; only these are read.
                Ok(Some(_)) => continue,
                Err(error) => {
                    return Err(failed(
                        "stream",
                        error.as_service_error().and_then(stream_code),
                        &error,
                    ));
                }
            });
        }
    }
}

fn count(tokens: i32) -> u32 {
    u32::try_from(tokens).unwrap_or(0)
}

fn failed<E, R>(step: &str, code: Option<&str>, error: &SdkError<E, R>) -> Failure
where
    E: std::error::Error + 'static,
    R: std::fmt::Debug,
{
    // A service's own message may quote the prompt, so only its type is logged; below the service nobody knows it.
    let cause = error
        .as_service_error()
        .is_none()
        .then(|| DisplayErrorContext(error).to_string());
    warn!(step, error_type = code, cause, "the model failed");
    failure(code)
}

/// The exception's type within a stream, which carries no error metadata.
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

/// What a client sees of an error that Bedrock names `code`.
fn failure(code: Option<&str>) -> Failure {
    let (code, message) = match code {
        Some("ThrottlingException" | "ServiceUnavailableException" | "ModelNotReadyException") => {
            (FailureCode::Throttled, "The model is busy.")
        }
        Some("ServiceQuotaExceededException") => {
            (FailureCode::Throttled, "The model's quota is used up.")
        }
        Some("ValidationException") => (
            FailureCode::InvalidPrompt,
            "The model does not accept this prompt.",
        ),
        Some("AccessDeniedException" | "ResourceNotFoundException") => {
            (FailureCode::ModelError, "The model is not available.")
        }
        _ => (FailureCode::ModelError, "The model failed."),
    };
    Failure::new(code, message)
}

fn internal() -> Failure {
    Failure::new(FailureCode::Internal, "The prompt could not be sent.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_bedrock_has_one_code() {
        for (code, expected) in [
            (Some("ThrottlingException"), FailureCode::Throttled),
            (Some("ServiceUnavailableException"), FailureCode::Throttled),
            (Some("ModelNotReadyException"), FailureCode::Throttled),
            (Some("ValidationException"), FailureCode::InvalidPrompt),
            (Some("AccessDeniedException"), FailureCode::ModelError),
            (Some("ModelErrorException"), FailureCode::ModelError),
            (Some("InternalServerException"), FailureCode::ModelError),
            (None, FailureCode::ModelError),
        ] {
            assert_eq!(failure(code).code, expected, "{code:?}");
        }
    }
}
