//! Why a benchmark failed.

use std::error::Error;

use thiserror::Error;

#[derive(Debug, Error)]
pub enum BenchError {
    /// A step of the benchmark itself failed.
    #[error("cannot {step}")]
    Step {
        step: &'static str,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The measured program did something wrong, so its figures would mean nothing.
    #[error("{0}")]
    Wrong(String),
}

/// Names the step that failed, as in `cannot {step}`.
pub trait Step<T> {
    /// # Errors
    ///
    /// The original error, with the name of the step.
    fn to(self, step: &'static str) -> Result<T, BenchError>;
}

impl<T, E: Into<Box<dyn Error + Send + Sync>>> Step<T> for Result<T, E> {
    fn to(self, step: &'static str) -> Result<T, BenchError> {
        self.map_err(|source| BenchError::Step {
            step,
            source: source.into(),
        })
    }
}

/// Joins an error and its causes.
pub fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    let causes: String = causes.map(|cause| format!(": {cause}")).collect();
    format!("{error}{causes}")
}
