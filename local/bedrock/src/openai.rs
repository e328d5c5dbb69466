//! A model behind OpenAI's chat completions API: Ollama, llama.cpp, vLLM, or any other server that speaks it.
//!
//! | module | what |
//! | --- | --- |
//! | `request` | the request's body, without the optional parameters that the server refused |
//! | `refusal` | responses that are errors |
//! | `completion` | responses that are completions, streamed or whole |
//! | `blocks` | reasoning and text as blocks |
//! | `chunk`, `text` | a lenient reader of what servers send in completions |
//! | `think` | reasoning between tags in the text |
//!
//! Failures are also logged as warnings: on a laptop, the operator looks at the terminal.

mod blocks;
mod chunk;
mod completion;
mod refusal;
mod request;
mod text;
mod think;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;

use self::refusal::{Refusal, SentRequest};
use self::request::Dialect;
use crate::config::{ModelException, ReasoningTags};
use crate::error::ModelError;
use crate::model::ModelStream;
use crate::prompt::Prompt;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

pub(crate) struct OpenAiModel {
    /// The base URL without a trailing slash.
    base_url: String,
    /// The base URL without credentials, for messages.
    address: String,
    /// `None` to take the model id of each request.
    model: Option<String>,
    api_key: Option<String>,
    reasoning_tags: ReasoningTags,
    /// Has no time limits, because the caller watches the time to the first byte and between bytes.
    client: Result<reqwest::Client, reqwest::Error>,
    /// The optional parameters that the server accepts for each model, as far as is known.
    dialects: Mutex<HashMap<String, Dialect>>,
}

impl std::fmt::Debug for OpenAiModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenAiModel")
            .field("address", &self.address)
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

impl OpenAiModel {
    /// `/chat/completions` is appended to `base_url`, such as `http://127.0.0.1:11434/v1`.
    pub(crate) fn new(
        base_url: &str,
        model: Option<String>,
        api_key: Option<String>,
        reasoning_tags: ReasoningTags,
    ) -> Self {
        let base_url = base_url.trim_end_matches('/').to_owned();
        Self {
            client: client(&base_url),
            address: presentable(&base_url),
            base_url,
            model,
            api_key,
            reasoning_tags,
            dialects: Mutex::default(),
        }
    }

    /// Whether the requests name the models.
    pub(crate) fn takes_any_name(&self) -> bool {
        self.model.is_none()
    }

    pub(crate) async fn start(&self, prompt: &Prompt) -> Result<ModelStream, ModelError> {
        let started = self.ask(prompt).await;
        started.inspect_err(|error| tracing::warn!("{}", error.message))
    }

    /// Sends the prompt, and sends it again while the server refuses only an optional parameter.
    async fn ask(&self, prompt: &Prompt) -> Result<ModelStream, ModelError> {
        let model = self.model.as_deref().unwrap_or(&prompt.model_id);
        let sent = SentRequest {
            address: &self.address,
            model,
            api_key: self.api_key.as_deref(),
            prompt,
        };
        let mut dialect = self.dialects().get(model).cloned().unwrap_or_default();
        let mut refused = Vec::new();
        loop {
            let response = self.send(prompt, model, &dialect).await?;
            if response.status().is_success() {
                if !refused.is_empty() {
                    tracing::info!(
                        "the model server at {} takes no {}: asked without from now on",
                        self.address,
                        refused.join(", ")
                    );
                    self.dialects().insert(model.to_owned(), dialect);
                }
                let body = response.bytes_stream().boxed();
                return completion::read(body, sent, self.reasoning_tags).await;
            }
            let refusal = Refusal::read(response).await;
            // Each round leaves out a parameter, so the loop ends.
            match dialect.leave_out(&refusal, prompt) {
                Some(parameter) => refused.push(parameter),
                None => return Err(refusal.into_error(sent)),
            }
        }
    }

    fn dialects(&self) -> MutexGuard<'_, HashMap<String, Dialect>> {
        self.dialects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send(
        &self,
        prompt: &Prompt,
        model: &str,
        dialect: &Dialect,
    ) -> Result<reqwest::Response, ModelError> {
        let Self { address, .. } = self;
        let client = self.client.as_ref().map_err(|error| {
            let message = format!(
                "No connection to {address} can be made: {}.",
                root_cause(error)
            );
            ModelError::new(ModelException::ResourceNotFound, message)
        })?;
        let mut request = client
            .post(format!("{}/chat/completions", self.base_url))
            .json(&dialect.body(model, prompt));
        if let Some(key) = &self.api_key {
            request = request.bearer_auth(key);
        }
        request.send().await.map_err(|error| {
            let cause = root_cause(&error);
            if error.is_connect() {
                let message = format!(
                    "Nobody answers at {address}, where the model server should be: {cause}."
                );
                ModelError::new(ModelException::ResourceNotFound, message)
            } else {
                let message =
                    format!("The model server at {address} broke off before it answered: {cause}.");
                ModelError::new(ModelException::InternalServer, message)
            }
        })
    }
}

fn client(base_url: &str) -> Result<reqwest::Client, reqwest::Error> {
    // Another part of the process may have installed a provider already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        // A redirected request would arrive without its body, and the error would mislead.
        .redirect(reqwest::redirect::Policy::none())
        .tcp_nodelay(true);
    if base_url.starts_with("http://") {
        // Plain HTTP needs no certificates, which a minimal system may not have.
        builder = builder.tls_certs_only([]);
    }
    if ["//localhost", "//127.", "//[::1]"]
        .iter()
        .any(|host| base_url.contains(host))
    {
        builder = builder.no_proxy();
    }
    builder.build()
}

/// The URL without a user's name and password.
fn presentable(base_url: &str) -> String {
    let Ok(mut url) = base_url.parse::<reqwest::Url>() else {
        return base_url.to_owned();
    };
    if url.username().is_empty() && url.password().is_none() {
        return base_url.to_owned();
    }
    // A URL that can't have credentials has none to remove.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.as_str().trim_end_matches('/').to_owned()
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_who_signs_in() {
        for (url, shown) in [
            ("http://127.0.0.1:1/v1/", "http://127.0.0.1:1/v1"),
            ("https://me:secret@example.com/v1", "https://example.com/v1"),
        ] {
            let model = OpenAiModel::new(
                url,
                Some("m".into()),
                Some("key".into()),
                ReasoningTags::Auto,
            );
            assert_eq!(model.address, shown);
            assert!(!format!("{model:?}").contains("secret"), "{model:?}");
        }
    }
}
