//! A model behind OpenAI's chat completions API: Ollama, llama.cpp, vLLM, or any other server that speaks it.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, stream};
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::bedrock::error::ModelError;
use crate::bedrock::model::{ModelEvent, ModelStream, Stop, Usage};
use crate::bedrock::prompt::{Prompt, Role};
use crate::bedrock::sse::SseParser;
use crate::config::ModelException;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

pub struct OpenAiModel {
    /// Without a slash at its end.
    base_url: String,
    model: String,
    api_key: Option<String>,
    client: Result<reqwest::Client, reqwest::Error>,
}

impl std::fmt::Debug for OpenAiModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenAiModel")
            .field("base_url", &self.base_url)
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

impl OpenAiModel {
    /// `base_url` is what `/chat/completions` is appended to, such as `http://127.0.0.1:11434/v1`.
    pub fn new(base_url: &str, model: String, api_key: Option<String>) -> Self {
        let base_url = base_url.trim_end_matches('/').to_owned();
        Self {
            client: client(&base_url),
            base_url,
            model,
            api_key,
        }
    }

    pub async fn start(&self, prompt: &Prompt) -> Result<ModelStream, ModelError> {
        let client = self.client.as_ref().map_err(|error| {
            unavailable(format!(
                "No connection to {} can be made: {}",
                self.base_url,
                root_cause(error)
            ))
        })?;
        let mut request = client
            .post(format!("{}/chat/completions", self.base_url))
            .json(&self.body(prompt));
        if let Some(key) = &self.api_key {
            request = request.bearer_auth(key);
        }
        let response = request.send().await.map_err(|error| {
            unavailable(format!(
                "The model server at {} can't be reached: {}",
                self.base_url,
                root_cause(&error)
            ))
        })?;
        if !response.status().is_success() {
            return Err(self.refusal(response.status()));
        }
        let completion = Completion {
            server: self.base_url.clone(),
            body: response.bytes_stream().boxed(),
            sse: SseParser::default(),
            ready: VecDeque::new(),
            finish_reason: None,
            usage: None,
            estimate: Usage {
                input_tokens: prompt.input_tokens(),
                output_tokens: 0,
            },
            ended: false,
        };
        Ok(stream::unfold(completion, |mut completion| async move {
            let event = completion.next().await?;
            Some((event, completion))
        })
        .boxed())
    }

    fn body(&self, prompt: &Prompt) -> Value {
        let system = prompt
            .system
            .iter()
            .map(|text| json!({ "role": "system", "content": text }));
        let conversation = prompt.messages.iter().map(|message| {
            let role = match message.role {
                Role::User => "user",
                Role::Assistant => "assistant",
            };
            json!({ "role": role, "content": message.text })
        });
        let mut body = json!({
            "model": self.model,
            "messages": system.chain(conversation).collect::<Vec<_>>(),
            "stream": true,
            "stream_options": { "include_usage": true },
        });
        if let Some(limit) = prompt.max_tokens {
            body["max_tokens"] = json!(limit);
        }
        if let Some(temperature) = prompt.temperature {
            body["temperature"] = json!(temperature);
        }
        if let Some(top_p) = prompt.top_p {
            body["top_p"] = json!(top_p);
        }
        if !prompt.stop_sequences.is_empty() {
            body["stop"] = json!(prompt.stop_sequences);
        }
        body
    }

    /// The server's own words may repeat the prompt, so they go no further.
    fn refusal(&self, status: StatusCode) -> ModelError {
        let Self {
            base_url, model, ..
        } = self;
        match status.as_u16() {
            401 | 403 => ModelError::new(
                ModelException::AccessDenied,
                format!("The model server at {base_url} refused the API key ({status})."),
            ),
            404 => ModelError::new(
                ModelException::ResourceNotFound,
                format!(
                    "The model server at {base_url} has no model `{model}`, or no chat completions API ({status})."
                ),
            ),
            408 => ModelError::standard(ModelException::ModelTimeout),
            429 => ModelError::standard(ModelException::Throttling),
            400..=499 => ModelError::validation(format!(
                "The model server at {base_url} refused the request ({status})."
            )),
            503 | 529 => unavailable(format!(
                "The model server at {base_url} is overloaded or starting ({status})."
            )),
            _ => ModelError::new(
                ModelException::InternalServer,
                format!("The model server at {base_url} failed ({status})."),
            ),
        }
    }
}

fn client(base_url: &str) -> Result<reqwest::Client, reqwest::Error> {
    // Another part of the process may have installed one already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true);
    if base_url.starts_with("http://") {
        // Needs no certificates, which a minimal system may not have.
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

fn unavailable(message: String) -> ModelError {
    ModelError::new(ModelException::ServiceUnavailable, message)
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// One answer, while it arrives.
struct Completion {
    server: String,
    body: BoxStream<'static, reqwest::Result<Bytes>>,
    sse: SseParser,
    ready: VecDeque<ModelEvent>,
    finish_reason: Option<String>,
    usage: Option<Usage>,
    /// For a server that doesn't count.
    estimate: Usage,
    ended: bool,
}

#[derive(Debug, Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<WireUsage>,
    error: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Delta,
    finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Delta {
    content: Option<String>,
    /// llama.cpp, vLLM and others call it `reasoning_content`, Ollama `reasoning`.
    #[serde(alias = "reasoning")]
    reasoning_content: Option<String>,
}

#[derive(Debug, Deserialize)]
struct WireUsage {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

impl Completion {
    async fn next(&mut self) -> Option<ModelEvent> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.ended {
                return None;
            }
            match self.body.next().await {
                Some(Ok(chunk)) => self.read(&chunk),
                Some(Err(_)) => self.fail("broke off the answer"),
                // Without a reason why it finished, the answer was cut.
                None => self.finish(),
            }
        }
    }

    fn read(&mut self, chunk: &[u8]) {
        let Ok(events) = self.sse.push(chunk) else {
            return self.fail("sent no event stream");
        };
        for event in events {
            if event.trim() == "[DONE]" {
                return self.finish();
            }
            match serde_json::from_str(&event) {
                Ok(chunk) => self.take(chunk),
                Err(_) => self.fail("sent an event that can't be read"),
            }
            if self.ended {
                return;
            }
        }
    }

    fn take(&mut self, chunk: Chunk) {
        if chunk.error.is_some() {
            return self.fail("reported an error");
        }
        if let Some(usage) = chunk.usage {
            self.usage = Some(Usage {
                input_tokens: usage.prompt_tokens,
                output_tokens: usage.completion_tokens,
            });
        }
        let Some(choice) = chunk.choices.into_iter().next() else {
            return;
        };
        if let Some(text) = choice
            .delta
            .reasoning_content
            .filter(|text| !text.is_empty())
        {
            self.estimate.output_tokens += 1;
            self.ready.push_back(ModelEvent::Reasoning(text));
        }
        if let Some(text) = choice.delta.content.filter(|text| !text.is_empty()) {
            self.estimate.output_tokens += 1;
            self.ready.push_back(ModelEvent::Text(text));
        }
        self.finish_reason = choice.finish_reason.or(self.finish_reason.take());
    }

    fn finish(&mut self) {
        self.ended = true;
        let Some(reason) = &self.finish_reason else {
            return;
        };
        let reason = match reason.as_str() {
            "length" => "max_tokens",
            "tool_calls" | "function_call" => "tool_use",
            "content_filter" => "content_filtered",
            _ => "end_turn",
        };
        let usage = self.usage.unwrap_or(self.estimate);
        self.ready.push_back(ModelEvent::Stop(Stop {
            reason: reason.to_owned(),
            sequence: None,
            usage,
        }));
    }

    fn fail(&mut self, what: &str) {
        self.ended = true;
        let message = format!("The model server at {} {what}.", self.server);
        self.ready.push_back(ModelEvent::Fail(ModelError::new(
            ModelException::ModelStreamError,
            message,
        )));
    }
}
