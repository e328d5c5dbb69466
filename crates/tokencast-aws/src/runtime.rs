//! A function's process, from its start to its exit code.

use std::future::Future;
use std::process::ExitCode;

use tracing::error;

/// Runs a function on one thread: it waits for others far more than it computes. What fails is logged, with its causes.
pub fn run<E>(function: impl Future<Output = Result<(), E>>) -> ExitCode
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ended = runtime
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(function).map_err(Into::into));
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
