//! A function's error in the shape that callers get: `{"errorType", "errorMessage", …}`.

use bytes::Bytes;
use local_kit::invoke::InvokeError;
use serde_json::{Value, json};

/// Why an invocation failed.
#[derive(Clone, Debug)]
pub enum Failure {
    Throttled,
    Function(FunctionError),
}

/// An error that the function reported, or Lambda about the function.
#[derive(Clone, Debug)]
pub struct FunctionError {
    pub error_type: String,
    pub message: String,
    /// The response's body, which includes the runtime's stack trace if there is one.
    pub payload: Bytes,
}

impl FunctionError {
    pub fn new(error_type: &str, message: String) -> Self {
        let payload = json!({ "errorType": error_type, "errorMessage": message });
        Self {
            error_type: error_type.to_owned(),
            message,
            payload: payload.to_string().into(),
        }
    }

    /// Reads the error that a runtime posted. `header_type` is the type if the body has none.
    pub fn reported(payload: Bytes, header_type: &str) -> Self {
        let body: Value = serde_json::from_slice(&payload).unwrap_or_default();
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        let Some(message) = text("errorMessage") else {
            let message = String::from_utf8_lossy(&payload).into_owned();
            return Self::new(header_type, message);
        };
        Self {
            error_type: text("errorType").unwrap_or_else(|| header_type.to_owned()),
            message,
            payload,
        }
    }

    /// An error of Lambda's own, worded `RequestId: … Error: …`.
    pub fn of_request(error_type: &str, request_id: &str, what: &str) -> Self {
        Self::new(error_type, format!("RequestId: {request_id} Error: {what}"))
    }
}

impl From<FunctionError> for InvokeError {
    fn from(error: FunctionError) -> Self {
        Self::Function {
            error_type: error.error_type,
            message: error.message,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &'static str, error_type: &str, message: &str) {
        let error = FunctionError::reported(Bytes::from_static(body.as_bytes()), "Runtime.Unknown");
        assert_eq!(
            (error.error_type.as_str(), error.message.as_str()),
            (error_type, message)
        );
        let payload: Value =
            serde_json::from_slice(&error.payload).expect("JSON, whatever was reported");
        assert_eq!(payload["errorMessage"], message);
    }

    #[test]
    fn reported_errors_keep_what_the_runtime_said() {
        check(r#"{"errorType":"Oops","errorMessage":"no"}"#, "Oops", "no");
        check(r#"{"errorMessage":"no"}"#, "Runtime.Unknown", "no");
        check("plain", "Runtime.Unknown", "plain");
        check("", "Runtime.Unknown", "");
    }
}
