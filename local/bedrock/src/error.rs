//! Bedrock's exceptions: an HTTP error before a stream, an event within one.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::config::ModelException;

/// The error that a caller gets. Its message is safe to show.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", exception.name())]
pub struct ModelError {
    pub exception: ModelException,
    pub message: String,
}

impl ModelError {
    pub fn new(exception: ModelException, message: impl Into<String>) -> Self {
        Self {
            exception,
            message: message.into(),
        }
    }

    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(ModelException::Validation, message)
    }

    /// The exception with Bedrock's message for it.
    pub fn standard(exception: ModelException) -> Self {
        Self::new(exception, exception.standard_message())
    }
}

impl IntoResponse for ModelError {
    fn into_response(self) -> Response {
        error_response(
            self.exception.status(),
            self.exception.name(),
            &self.message,
        )
    }
}

/// An error in the shape of AWS's REST JSON protocol.
pub(crate) fn error_response(status: StatusCode, name: &'static str, message: &str) -> Response {
    let mut response = (status, axum::Json(json!({ "message": message }))).into_response();
    response
        .headers_mut()
        .insert("x-amzn-errortype", HeaderValue::from_static(name));
    response
}

impl ModelException {
    /// The exception's name in `x-amzn-errortype`.
    pub fn name(self) -> &'static str {
        match self {
            Self::AccessDenied => "AccessDeniedException",
            Self::InternalServer => "InternalServerException",
            Self::ModelError => "ModelErrorException",
            Self::ModelNotReady => "ModelNotReadyException",
            Self::ModelStreamError => "ModelStreamErrorException",
            Self::ModelTimeout => "ModelTimeoutException",
            Self::ResourceNotFound => "ResourceNotFoundException",
            Self::ServiceUnavailable => "ServiceUnavailableException",
            Self::Throttling => "ThrottlingException",
            Self::Validation => "ValidationException",
        }
    }

    pub fn status(self) -> StatusCode {
        match self {
            Self::AccessDenied => StatusCode::FORBIDDEN,
            Self::InternalServer => StatusCode::INTERNAL_SERVER_ERROR,
            Self::ModelError | Self::ModelStreamError => StatusCode::FAILED_DEPENDENCY,
            Self::ModelNotReady | Self::Throttling => StatusCode::TOO_MANY_REQUESTS,
            Self::ModelTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::ResourceNotFound => StatusCode::NOT_FOUND,
            Self::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Validation => StatusCode::BAD_REQUEST,
        }
    }

    /// The exception's name in `:exception-type`. A stream has fewer exceptions than a call; the others become the
    /// server's.
    pub fn in_stream(self) -> &'static str {
        match self {
            Self::ModelError | Self::ModelStreamError | Self::ModelTimeout => {
                "modelStreamErrorException"
            }
            Self::ServiceUnavailable => "serviceUnavailableException",
            Self::Throttling | Self::ModelNotReady => "throttlingException",
            Self::Validation => "validationException",
            Self::AccessDenied | Self::InternalServer | Self::ResourceNotFound => {
                "internalServerException"
            }
        }
    }

    pub fn standard_message(self) -> &'static str {
        match self {
            Self::AccessDenied => "You don't have access to the model with the specified model ID.",
            Self::InternalServer => {
                "The system encountered an unexpected error during processing. Try your request again."
            }
            Self::ModelError => {
                "The model failed while it processed the request. Try your request again."
            }
            Self::ModelNotReady => {
                "Model is not ready for inference. Wait and try your request again."
            }
            Self::ModelStreamError => {
                "The model encountered an error while streaming. Try your request again."
            }
            Self::ModelTimeout => {
                "Model has timed out in processing the request. Try your request again."
            }
            Self::ResourceNotFound => {
                "The specified resource was not found. Check its ARN and try your request again."
            }
            Self::ServiceUnavailable => "Bedrock is unable to process your request.",
            Self::Throttling => "Too many requests, please wait before trying again.",
            // Most prompts are refused with this message; other refusals have their own.
            Self::Validation => "Input is too long for requested model.",
        }
    }
}
