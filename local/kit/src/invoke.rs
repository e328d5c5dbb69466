//! What the other services ask of Lambda.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use thiserror::Error;

/// Synchronous invocation (`RequestResponse`).
pub trait Invoke: std::fmt::Debug + Send + Sync {
    /// Runs `function` with a JSON event and answers with its JSON result.
    fn invoke<'a>(
        &'a self,
        function: &'a str,
        event: Bytes,
    ) -> BoxFuture<'a, Result<Bytes, InvokeError>>;

    /// Whether there is a function of this name.
    fn has(&self, function: &str) -> bool;
}

#[derive(Debug, Error)]
pub enum InvokeError {
    #[error("function `{0}` not found")]
    NotFound(String),
    /// Every permitted process is busy: `TooManyRequestsException`.
    #[error("rate exceeded for function `{0}`")]
    Throttled(String),
    /// The function answered with an error, or its process ended, or it took too long.
    #[error("{error_type}: {message}")]
    Function {
        /// The function's own error type, or Lambda's, such as `Sandbox.Timedout`.
        error_type: String,
        message: String,
    },
}
