//! A server's error responses, and Bedrock's exception for each.
//!
//! An error that the prompt caused becomes a `ValidationException`, in Bedrock's words. An error that no other prompt
//! would change becomes a `ResourceNotFoundException` or `AccessDeniedException`, so that callers know not to retry.

use futures_util::StreamExt as _;
use reqwest::{Response, StatusCode};
use serde_json::Value;

use super::chunk::Complaint;
use crate::config::ModelException;
use crate::error::ModelError;
use crate::prompt::Prompt;
use crate::quote;

/// No server's error is longer.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// What servers say, in lower case, about a prompt that is longer than the model's context.
const TOO_LONG: [&str; 10] = [
    "context_length",
    "context length",
    "context size",
    "context window",
    "exceed_context",
    "maximum context",
    "prompt is too long",
    "input is too long",
    "too many tokens",
    "string_above_max_length",
];

/// What servers say, in lower case, about a prompt that is refused for its content.
const NOT_TAKEN: [&str; 3] = [
    "content_filter",
    "content_policy",
    "content management policy",
];

/// A response that is an error.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    complaint: Complaint,
    location: Option<String>,
}

/// The parts of a request that its errors need.
#[derive(Clone, Copy, Debug)]
pub(super) struct SentRequest<'a> {
    /// Without a user's name or password.
    pub(super) address: &'a str,
    pub(super) model: &'a str,
    pub(super) api_key: Option<&'a str>,
    pub(super) prompt: &'a Prompt,
}

impl Refusal {
    pub(super) async fn read(response: Response) -> Self {
        let status = response.status();
        let location = response.headers().get(http::header::LOCATION);
        let location = location
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let mut body = Vec::new();
        let mut chunks = response.bytes_stream();
        while let Some(Ok(chunk)) = chunks.next().await {
            body.extend_from_slice(&chunk);
            if body.len() >= MAX_BODY_BYTES {
                break;
            }
        }
        Self {
            status,
            complaint: complaint(&String::from_utf8_lossy(&body)),
            location,
        }
    }

    /// An error in a response with a success status, or in the middle of a stream.
    pub(super) fn within(complaint: Complaint) -> Self {
        let status = complaint
            .status
            .and_then(|code| StatusCode::from_u16(code).ok());
        Self {
            status: status
                .filter(|status| status.is_client_error() || status.is_server_error())
                .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            complaint,
            location: None,
        }
    }

    /// Whether the error is about this parameter of the request.
    pub(super) fn names(&self, parameter: &str) -> bool {
        let is_about_the_request = matches!(self.status.as_u16(), 400 | 422);
        let Complaint {
            message,
            parameters,
            ..
        } = &self.complaint;
        if !is_about_the_request || parameters.iter().any(|name| name == parameter) {
            return is_about_the_request;
        }
        // `stop` appears in ordinary sentences.
        let message = message
            .as_deref()
            .filter(|_| parameters.is_empty() && parameter != "stop");
        let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
        message.is_some_and(|message| {
            message
                .split(|letter| !is_part(letter))
                .any(|word| word == parameter)
        })
    }

    /// The error as Bedrock's exception.
    pub(super) fn into_error(self, sent: SentRequest<'_>) -> ModelError {
        let Self {
            status,
            complaint,
            location,
        } = &self;
        let SentRequest { address, model, .. } = sent;
        let has = |words: &[&str]| {
            let message = complaint.message.as_deref().unwrap_or_default();
            let said = format!("{} {message}", complaint.kind).to_lowercase();
            words.iter().any(|word| said.contains(word))
        };
        let (exception, what) = match status.as_u16() {
            400 | 413 | 422 if has(&TOO_LONG) || *status == StatusCode::PAYLOAD_TOO_LARGE => (
                ModelException::Validation,
                format!(
                    "Input is too long for requested model. The model server at {address} said so"
                ),
            ),
            400 | 422 if has(&NOT_TAKEN) => (
                ModelException::Validation,
                format!("The content filter of the model server at {address} refused the input"),
            ),
            401 | 403 => (
                ModelException::AccessDenied,
                match sent.api_key {
                    Some(_) => {
                        format!("The model server at {address} refused the key in OPENAI_API_KEY")
                    }
                    None => {
                        format!("The model server at {address} wants a key: set OPENAI_API_KEY")
                    }
                },
            ),
            402 => (
                ModelException::AccessDenied,
                format!("The model server at {address} wants to be paid first"),
            ),
            429 if has(&["insufficient_quota"]) => (
                ModelException::AccessDenied,
                format!(
                    "The quota of the key in OPENAI_API_KEY is used up, says the model server at {address}"
                ),
            ),
            404 if has(&["model"]) => (
                ModelException::ResourceNotFound,
                format!("The model server at {address} has no model `{model}`"),
            ),
            404 | 405 => (
                ModelException::ResourceNotFound,
                format!(
                    "There is no chat completions API at {address}{}",
                    hint(address)
                ),
            ),
            300..=399 => (
                ModelException::ResourceNotFound,
                match location {
                    Some(to) => format!(
                        "The model server at {address} sends requests on to {to}, which are to go there directly"
                    ),
                    None => format!("The model server at {address} sends requests on to elsewhere"),
                },
            ),
            408 => (
                ModelException::ModelTimeout,
                format!("The model server at {address} took too long"),
            ),
            429 => (
                ModelException::Throttling,
                format!("The model server at {address} has too many requests"),
            ),
            503 | 529 => (
                ModelException::ServiceUnavailable,
                format!("The model server at {address} is overloaded or starting"),
            ),
            400..=499 | 501 => (
                ModelException::ResourceNotFound,
                format!(
                    "The model server at {address} does not take requests for `{model}` as they are configured"
                ),
            ),
            _ => (
                ModelException::InternalServer,
                format!("The model server at {address} failed"),
            ),
        };
        let status = status.as_u16();
        let said = said(complaint.message.as_deref(), sent);
        ModelError::new(exception, format!("{what} ({status}){said}"))
    }
}

/// The server's message, unless it is empty or repeats the prompt.
pub(super) fn said(message: Option<&str>, sent: SentRequest<'_>) -> String {
    let Some(message) = message.filter(|message| !message.trim().is_empty()) else {
        return ".".to_owned();
    };
    let message = match sent.api_key.filter(|key| !key.is_empty()) {
        Some(key) => message.replace(key, "…"),
        None => message.to_owned(),
    };
    match quote::presentable(&message, sent.prompt) {
        Some(words) => format!(": {words}"),
        None => ". Its own words repeat the prompt, and are left out.".to_owned(),
    }
}

/// A hint for an address that lacks the usual path.
pub(super) fn hint(address: &str) -> &'static str {
    if address.ends_with("/v1") {
        ""
    } else {
        ", which most servers have at an address that ends in /v1"
    }
}

/// The error in a body, in any of the shapes that servers use.
fn complaint(body: &str) -> Complaint {
    let Ok(json) = serde_json::from_str::<Value>(body) else {
        let is_page = body.trim_start().starts_with('<');
        let message = if is_page { "a web page" } else { body };
        return Complaint {
            message: Some(message.trim().to_owned()).filter(|message| !message.is_empty()),
            ..Complaint::default()
        };
    };
    let error = json.get("error").filter(|error| !error.is_null());
    let raw = |value: &Value| serde_json::value::to_raw_value(value).ok();
    let found = match error {
        Some(error) => raw(error).and_then(|error| Complaint::read(&error)),
        None => raw(&json).and_then(|json| Complaint::read(&json)),
    };
    let mut found = found.unwrap_or_default();
    // FastAPI's shape: a sentence, or a list of sentences with their place in the request.
    match json.get("detail") {
        Some(Value::String(detail)) if found.message.is_none() => {
            found.message = Some(detail.clone());
        }
        Some(Value::Array(details)) => {
            for detail in details {
                let places = detail["loc"].as_array().into_iter().flatten();
                found
                    .parameters
                    .extend(places.filter_map(Value::as_str).map(str::to_owned));
            }
            let messages: Vec<&str> = details
                .iter()
                .filter_map(|detail| detail["msg"].as_str())
                .collect();
            found.message = found.message.or_else(|| Some(messages.join("; ")));
        }
        _ => {}
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A status, a body, and the parameters that it is about.
    const NAMED: &str = r#"
400 | {"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","param":"max_tokens"}} | max_tokens
400 | {"error":{"message":"Unsupported value: 'temperature' does not support 0.3","param":"temperature"}} | temperature
400 | {"error":"unknown field stream_options"} | stream_options
400 | unknown field `stream_options` | stream_options
422 | {"detail":[{"type":"extra_forbidden","loc":["body","stream_options"],"msg":"Extra inputs are not permitted","input":{"temperature":1}}]} | stream_options
422 | {"detail":"temperature is not supported"} | temperature
400 | {"message":"my_temperature_max_tokens"} |
400 | {"error":{"message":"please stop"}} |
400 | {"error":{"message":"no","param":"stop"}} | stop
500 | {"error":{"message":"temperature too high in the room"}} |"#;

    #[test]
    fn a_refusal_names_the_parameter_that_it_is_about() {
        for case in NAMED.trim().lines() {
            let mut columns = case.split(" |");
            let mut next = || columns.next().expect("three columns").trim();
            let (status, body, expected) = (next(), next(), next());
            let refusal = Refusal {
                status: status.parse().expect("a status"),
                complaint: complaint(body),
                location: None,
            };
            let all = [
                "max_tokens",
                "stream_options",
                "stop",
                "temperature",
                "top_p",
            ];
            let named: Vec<_> = all.into_iter().filter(|name| refusal.names(name)).collect();
            let expected: Vec<_> = Some(expected)
                .filter(|name| !name.is_empty())
                .into_iter()
                .collect();
            assert_eq!(named, expected, "{case}");
        }
    }
}
