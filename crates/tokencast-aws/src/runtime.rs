//! A function's process, from its start to its exit code.

use std::future::Future;
use std::process::ExitCode;

use tracing::error;

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
        let ended = runtime.block_on(async { tokio::spawn(function).await });
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
