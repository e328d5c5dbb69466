//! A function's process, from its start to its exit code.

use std::future::Future;
use std::process::ExitCode;

use thiserror::Error;
use tracing::error;

/// Something panicked. The panic's message is not kept, for it may quote what was worked on. The log has its location.
#[derive(Debug, Error)]
#[error("the function failed unexpectedly")]
pub struct Panicked;

/// Runs a function on one thread, because it waits far more than it computes. Logs an error with its causes.
pub fn run<E>(function: impl Future<Output = Result<(), E>> + Send + 'static) -> ExitCode
where
    E: Into<Box<dyn std::error::Error + Send + Sync>> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ended = runtime.map_err(Into::into).and_then(|runtime| {
        // The function is a task like those of its connections, so a task that they wake runs at once. The runtime
        // polls the future of `block_on` itself only after it has asked the system for events, which would cost a call
        // for each token.
        let ended = runtime.block_on(isolated(function));
        ended?.map_err(Into::into)
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!(
                error = &*error as &(dyn std::error::Error + 'static),
                "the function could not start"
            );
            ExitCode::FAILURE
        }
    }
}

/// Runs something as a task of its own, so that a panic becomes an error.
///
/// # Errors
///
/// [`Panicked`] if the task panics.
pub async fn isolated<T: Send + 'static>(
    task: impl Future<Output = T> + Send + 'static,
) -> Result<T, Panicked> {
    tokio::spawn(task).await.map_err(|_| Panicked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_that_says_nothing_of_it() {
        assert_eq!(isolated(async { 1 }).await.ok(), Some(1));
        let prompt = "a secret".to_owned();
        let panicked = isolated(async move { assert!(prompt.is_empty(), "{prompt}") }).await;
        let error = panicked.expect_err("it panics");
        assert_eq!(
            format!("{error} {error:?}"),
            "the function failed unexpectedly Panicked"
        );
    }
}
