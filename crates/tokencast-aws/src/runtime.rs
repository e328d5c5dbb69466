//! A function's process, from its start to its exit code.

use std::future::Future;
use std::process::ExitCode;

use thiserror::Error;
use tracing::error;

/// Something panicked. What it said is not kept, for it may quote what was worked on; the log has where it was.
#[derive(Debug, Error)]
#[error("the function failed unexpectedly")]
pub struct Panicked;

/// Runs a function on one thread: it waits for others far more than it computes. What fails is logged, with its causes.
pub fn run<E>(function: impl Future<Output = Result<(), E>> + Send + 'static) -> ExitCode
where
    E: Into<Box<dyn std::error::Error + Send + Sync>> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ended = runtime.map_err(Into::into).and_then(|runtime| {
        // A task like those of its connections: what these wake is run at once. The future of `block_on` itself is run
        // only after the system was asked for more, which costs a call for each token.
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

/// Runs something as a task of its own, whose panic is an error that can be shown.
///
/// # Errors
///
/// [`Panicked`] if it does.
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
