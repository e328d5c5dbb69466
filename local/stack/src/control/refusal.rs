//! Error responses: what is wrong with a request, and where.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use local_faults::PlanError;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// An error response: `{"error": CODE, "message": …, "path": …}`.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
    /// The place in the body.
    pub(super) path: Option<String>,
}

impl Refusal {
    pub(super) fn invalid(code: &'static str, message: String) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code,
            message,
            path: None,
        }
    }

    pub(super) fn at(path: &str, message: String) -> Self {
        Self {
            path: Some(path.to_owned()),
            ..Self::invalid("InvalidRequest", message)
        }
    }

    pub(super) fn not_found(message: String) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            ..Self::invalid("NotFound", message)
        }
    }
}

impl From<PlanError> for Refusal {
    fn from(error: PlanError) -> Self {
        Self {
            path: Some(error.path),
            ..Self::invalid("InvalidFaultPlan", error.message)
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut body = json!({ "error": self.code, "message": self.message });
        if let Some(path) = self.path {
            body["path"] = Value::String(path);
        }
        (self.status, axum::Json(body)).into_response()
    }
}

/// Reads a JSON body. An empty body counts as `{}`.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let body = if body.trim_ascii().is_empty() {
        b"{}"
    } else {
        body
    };
    let mut reader = serde_json::Deserializer::from_slice(body);
    let read = serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| Refusal::at(&error.path().to_string(), error.inner().to_string()))?;
    reader
        .end()
        .map_err(|error| Refusal::at(".", error.to_string()))?;
    Ok(read)
}
