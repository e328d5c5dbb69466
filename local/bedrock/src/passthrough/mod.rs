//! Bedrock itself, with the environment's credentials. Its events are decoded and encoded again.
//!
//! | module | what |
//! | --- | --- |
//! | `request` | a prompt in the SDK's types |
//! | `events` | the SDK's events |
//! | `trace` | what a guardrail did |
//! | `document` | JSON as the SDK has it |

mod document;
mod events;
mod request;
mod trace;

use std::error::Error;
use std::fmt::Debug;

use aws_config::BehaviorVersion;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::http::HttpRequest;
use aws_sdk_bedrockruntime::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::tls;
use tokio::sync::OnceCell;

use crate::config::ModelException;
use crate::error::ModelError;
use crate::model::ModelStream;
use crate::prompt::Prompt;
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
    /// `None` to take the model id of each request.
    model_id: Option<String>,
    client: OnceCell<Client>,
}

impl BedrockModel {
    /// Reads the environment at the first call, so that missing settings become that call's error.
    pub(crate) fn from_environment(model_id: Option<String>) -> Self {
        Self {
            model_id,
            client: OnceCell::new(),
        }
    }

    pub(crate) fn with_client(client: Client, model_id: Option<String>) -> Self {
        Self {
            model_id,
            client: OnceCell::new_with(Some(client)),
        }
    }

    pub(crate) async fn start(&self, prompt: &Prompt) -> Result<ModelStream, ModelError> {
        let client = self.client.get_or_try_init(connect).await?;
        let model_id = self.model_id.as_ref().unwrap_or(&prompt.model_id);
        let request = client
            .converse_stream()
            .model_id(model_id)
            .set_additional_model_request_fields(prompt.additional.clone().map(document::of))
            .set_guardrail_config(prompt.guardrail.as_ref().map(request::guardrail))
            .inference_config(request::inference(prompt))
            .set_system(request::system(prompt)?)
            .set_messages(Some(request::messages(prompt)?));
        let mark = |request: &mut HttpRequest| {
            request.headers_mut().insert(HOP_HEADER, "1");
        };
        let sent = request.customize().mutate_request(mark).send().await;
        let response = sent.map_err(|error| {
            let refused = refusal(&error);
            let said = quote::presentable(&refused.message, prompt);
            let said =
                said.unwrap_or_else(|| "its words repeat the prompt, and are left out".into());
            let name = refused.exception.name();
            tracing::warn!("Amazon Bedrock refused a request to `{model_id}`: {name}: {said}");
            refused
        })?;
        Ok(events::read(response))
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
