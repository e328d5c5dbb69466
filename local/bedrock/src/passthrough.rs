//! Bedrock itself, with the environment's credentials. Its events are decoded and encoded again.

use std::error::Error;
use std::fmt::Debug;

use aws_config::BehaviorVersion;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::http::HttpRequest;
use aws_sdk_bedrockruntime::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_bedrockruntime::operation::converse_stream::ConverseStreamOutput as Response;
use aws_sdk_bedrockruntime::types::error::ConverseStreamOutputError;
use aws_sdk_bedrockruntime::types::{
    ContentBlock, ContentBlockDelta, ConversationRole, ConverseStreamOutput,
    InferenceConfiguration, Message, ReasoningContentBlockDelta, SystemContentBlock,
};
use aws_smithy_http_client::tls;
use futures_util::{StreamExt as _, stream};
use tokio::sync::OnceCell;

use crate::config::ModelException;
use crate::error::ModelError;
use crate::model::{ModelEvent, ModelStream, Stop, Usage};
use crate::prompt::{Prompt, Role};
use crate::quote;

const NO_CREDENTIALS: &str = "No AWS credentials were found for Bedrock: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and \
                              AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN for temporary ones).";
const NO_REGION: &str =
    "No AWS region is known for Bedrock: set AWS_REGION, or a region in the AWS profile.";

/// Marks a call that was passed on, so that a call that comes back is noticed.
pub(crate) const HOP_HEADER: &str = "x-tokencast-passed-on";
pub(crate) const LOOP: &str =
    "The call to Amazon Bedrock came back here: unset AWS_ENDPOINT_URL where the stack runs.";

#[derive(Debug)]
pub(crate) struct BedrockModel {
    model_id: String,
    client: OnceCell<Client>,
}

impl BedrockModel {
    /// Reads the environment at the first call, so that missing settings become that call's error.
    pub(crate) fn from_environment(model_id: String) -> Self {
        Self {
            model_id,
            client: OnceCell::new(),
        }
    }

    pub(crate) fn with_client(client: Client, model_id: String) -> Self {
        Self {
            model_id,
            client: OnceCell::new_with(Some(client)),
        }
    }

    pub(crate) async fn start(&self, prompt: &Prompt) -> Result<ModelStream, ModelError> {
        let client = self.client.get_or_try_init(connect).await?;
        let mut request = client
            .converse_stream()
            .model_id(&self.model_id)
            .inference_config(inference(prompt));
        for text in &prompt.system {
            request = request.system(SystemContentBlock::Text(text.clone()));
        }
        for message in &prompt.messages {
            let role = match message.role {
                Role::User => ConversationRole::User,
                Role::Assistant => ConversationRole::Assistant,
            };
            let built = Message::builder()
                .role(role)
                .content(ContentBlock::Text(message.text.clone()))
                .build();
            request = request
                .messages(built.map_err(|_| ModelError::standard(ModelException::Validation))?);
        }
        let mark = |request: &mut HttpRequest| {
            request.headers_mut().insert(HOP_HEADER, "1");
        };
        let sent = request.customize().mutate_request(mark).send().await;
        let response = sent.map_err(|error| {
            let refused = refusal(&error);
            let said = quote::presentable(&refused.message, prompt);
            let said =
                said.unwrap_or_else(|| "its words repeat the prompt, and are left out".into());
            let (model_id, name) = (&self.model_id, refused.exception.name());
            tracing::warn!("Amazon Bedrock refused a request to `{model_id}`: {name}: {said}");
            refused
        })?;
        let answer = Completion {
            response,
            stop_reason: None,
            ended: false,
        };
        Ok(stream::unfold(answer, |mut answer| async move {
            let event = answer.next().await?;
            Some((event, answer))
        })
        .boxed())
    }
}

async fn connect() -> Result<Client, ModelError> {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(
            tls::rustls_provider::CryptoMode::Ring,
        ))
        .build_https();
    let config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .load()
        .await;
    let denied = |message| ModelError::new(ModelException::AccessDenied, message);
    if config.region().is_none() {
        return Err(denied(NO_REGION));
    }
    let provider = config
        .credentials_provider()
        .ok_or_else(|| denied(NO_CREDENTIALS))?;
    provider
        .provide_credentials()
        .await
        .map_err(|_| denied(NO_CREDENTIALS))?;
    Ok(Client::new(&config))
}

fn inference(prompt: &Prompt) -> InferenceConfiguration {
    InferenceConfiguration::builder()
        .set_max_tokens(
            prompt
                .max_tokens
                .map(|limit| i32::try_from(limit).unwrap_or(i32::MAX)),
        )
        .set_temperature(prompt.temperature)
        .set_top_p(prompt.top_p)
        .set_stop_sequences(
            Some(prompt.stop_sequences.clone()).filter(|sequences| !sequences.is_empty()),
        )
        .build()
}

fn refusal<E, R>(error: &SdkError<E, R>) -> ModelError
where
    E: ProvideErrorMetadata + Error + 'static,
    R: Debug,
{
    let Some(service) = error.as_service_error() else {
        let causes = std::iter::successors(error.source(), |&cause| cause.source());
        let cause = causes
            .last()
            .map_or_else(String::new, |cause| format!(": {cause}"));
        return ModelError::new(
            ModelException::InternalServer,
            format!("Amazon Bedrock can't be reached{cause}."),
        );
    };
    let exception = exception(service.code().unwrap_or_default());
    ModelError::new(
        exception,
        service.message().unwrap_or(exception.standard_message()),
    )
}

fn exception(code: &str) -> ModelException {
    match code {
        "AccessDeniedException"
        | "UnrecognizedClientException"
        | "ExpiredTokenException"
        | "InvalidSignatureException" => ModelException::AccessDenied,
        "ModelErrorException" => ModelException::ModelError,
        "ModelNotReadyException" => ModelException::ModelNotReady,
        "ModelStreamErrorException" => ModelException::ModelStreamError,
        "ModelTimeoutException" => ModelException::ModelTimeout,
        "ResourceNotFoundException" => ModelException::ResourceNotFound,
        "ServiceUnavailableException" => ModelException::ServiceUnavailable,
        "ThrottlingException" | "ServiceQuotaExceededException" => ModelException::Throttling,
        "ValidationException" => ModelException::Validation,
        _ => ModelException::InternalServer,
    }
}

/// One response while it arrives.
struct Completion {
    response: Response,
    stop_reason: Option<String>,
    ended: bool,
}

impl Completion {
    async fn next(&mut self) -> Option<ModelEvent> {
        while !self.ended {
            match self.response.stream.recv().await {
                Ok(Some(event)) => {
                    if let Some(event) = self.read(event) {
                        return Some(event);
                    }
                }
                Ok(None) => {
                    self.ended = true;
                    // Bedrock sends the usage last. A response with a stop reason but no usage is complete.
                    let reason = self.stop_reason.take()?;
                    return Some(ModelEvent::Stop(Stop {
                        reason,
                        sequence: None,
                        usage: Usage::default(),
                    }));
                }
                Err(error) => {
                    self.ended = true;
                    let error = broken(&error);
                    tracing::warn!(
                        "Amazon Bedrock broke an answer off: {}",
                        error.exception.name()
                    );
                    return Some(ModelEvent::Fail(error));
                }
            }
        }
        None
    }

    fn read(&mut self, event: ConverseStreamOutput) -> Option<ModelEvent> {
        match event {
            ConverseStreamOutput::ContentBlockDelta(event) => match event.delta? {
                ContentBlockDelta::Text(text) => Some(ModelEvent::Text(text)),
                ContentBlockDelta::ReasoningContent(ReasoningContentBlockDelta::Text(text)) => {
                    Some(ModelEvent::Reasoning(text))
                }
                _ => None,
            },
            ConverseStreamOutput::MessageStop(event) => {
                self.stop_reason = Some(event.stop_reason.as_str().to_owned());
                None
            }
            ConverseStreamOutput::Metadata(event) => {
                let reason = self.stop_reason.take()?;
                self.ended = true;
                let count = |tokens| u64::try_from(tokens).unwrap_or_default();
                let usage = event.usage.map(|usage| Usage {
                    input_tokens: count(usage.input_tokens),
                    output_tokens: count(usage.output_tokens),
                });
                let usage = usage.unwrap_or_default();
                Some(ModelEvent::Stop(Stop {
                    reason,
                    sequence: None,
                    usage,
                }))
            }
            _ => None,
        }
    }
}

/// An exception within a stream has no code; only its variant tells what it is.
fn broken<R>(error: &SdkError<ConverseStreamOutputError, R>) -> ModelError {
    use ConverseStreamOutputError as Broken;
    let Some(service) = error.as_service_error() else {
        return ModelError::new(
            ModelException::ModelStreamError,
            "The stream from Amazon Bedrock broke off.",
        );
    };
    let exception = match service {
        Broken::InternalServerException(_) => ModelException::InternalServer,
        Broken::ServiceUnavailableException(_) => ModelException::ServiceUnavailable,
        Broken::ThrottlingException(_) => ModelException::Throttling,
        Broken::ValidationException(_) => ModelException::Validation,
        _ => ModelException::ModelStreamError,
    };
    ModelError::new(
        exception,
        service.message().unwrap_or(exception.standard_message()),
    )
}
