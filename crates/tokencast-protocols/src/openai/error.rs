//! An error in OpenAI's shape: `{"error": {"message", "type", "param", "code"}}`.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::json;
use tokencast_core::failure::{Failure, FailureCode};

use super::invalid::InvalidRequest;

/// An error as OpenAI's clients read it. `code` is OpenAI's where it has one for the case, and ours otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApiError {
    pub message: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub param: Option<String>,
    pub code: Option<Cow<'static, str>>,
}

/// The type of an error that the client can mend.
pub const INVALID_REQUEST: &str = "invalid_request_error";

/// The type of an error that may be over soon.
pub const SERVER: &str = "server_error";

impl ApiError {
    /// The error of a request or an answer that failed with one of our codes.
    pub fn of(code: FailureCode, message: impl Into<String>) -> Self {
        let (kind, code) = match code {
            FailureCode::InvalidPrompt => (INVALID_REQUEST, "invalid_prompt"),
            FailureCode::QuotaExceeded => ("insufficient_quota", "insufficient_quota"),
            FailureCode::Throttled => ("rate_limit_error", "rate_limit_exceeded"),
            code if is_ours(code) => (SERVER, code.as_str()),
            code => (INVALID_REQUEST, code.as_str()),
        };
        Self {
            message: message.into(),
            kind,
            param: None,
            code: Some(code.into()),
        }
    }

    /// The caller's key was refused.
    pub fn of_key(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            kind: INVALID_REQUEST,
            param: None,
            code: Some("invalid_api_key".into()),
        }
    }

    /// There is no such model; the message names those that there are.
    pub fn no_model<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
        let message = format!(
            "The model does not exist, or you do not have access to it: expected {}.",
            names.join(" or ")
        );
        Self {
            message,
            kind: INVALID_REQUEST,
            param: Some("model".to_owned()),
            code: Some("model_not_found".into()),
        }
    }

    /// The messages beside the prompt, the system's too, are longer than a model is told.
    pub fn long_context(tokens: u64, max: u32) -> Self {
        let message = format!(
            "The messages beside the prompt have about {tokens} tokens, by their bytes: expected at most {max}."
        );
        Self {
            message,
            kind: INVALID_REQUEST,
            param: Some("messages".to_owned()),
            code: Some("context_length_exceeded".into()),
        }
    }

    #[must_use]
    pub fn about(self, param: &str) -> Self {
        let param = Some(param.to_owned());
        Self { param, ..self }
    }

    pub fn to_json(&self) -> String {
        json!({ "error": self }).to_string()
    }
}

/// Whether a code says that something failed on our side.
fn is_ours(code: FailureCode) -> bool {
    matches!(
        code,
        FailureCode::ModelError
            | FailureCode::ModelStalled
            | FailureCode::ModelUnavailable
            | FailureCode::Deadline
            | FailureCode::PublishFailed
            | FailureCode::Internal
    )
}

impl From<&Failure> for ApiError {
    fn from(failure: &Failure) -> Self {
        Self::of(failure.code, &failure.message)
    }
}

impl From<&InvalidRequest> for ApiError {
    fn from(invalid: &InvalidRequest) -> Self {
        Self {
            message: invalid.to_string(),
            kind: INVALID_REQUEST,
            param: invalid.param().map(str::to_owned),
            code: invalid.code().map(Cow::Borrowed),
        }
    }
}
