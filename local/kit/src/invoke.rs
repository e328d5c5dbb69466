//! Invoking a Lambda function, for services that mustn't depend on the Lambda service.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use thiserror::Error;

/// Invokes functions synchronously (`RequestResponse`).
pub trait Invoke: std::fmt::Debug + Send + Sync {
    /// Runs `function` with a JSON event and returns its JSON result.
    ///
    /// # Errors
    ///
    /// The function doesn't exist, has no free process, or failed.
    fn invoke<'a>(
        &'a self,
        function: &'a str,
        event: Bytes,
    ) -> BoxFuture<'a, Result<Bytes, InvokeError>>;

    /// Whether a function of this name exists.
    fn has(&self, function: &str) -> bool;
}

/// Why an invocation has no result.
#[derive(Debug, Error)]
pub enum InvokeError {
    #[error("function `{0}` not found")]
    NotFound(String),
    /// Every process that the function may have is busy: `TooManyRequestsException`.
    #[error("rate exceeded for function `{0}`")]
    Throttled(String),
    /// The function returned an error, its process ended, or it timed out.
    #[error("{error_type}: {message}")]
    Function {
        /// The function's own error type, or Lambda's, such as `Sandbox.Timedout`.
        error_type: String,
        message: String,
    },
}
