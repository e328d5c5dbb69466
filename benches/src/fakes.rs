//! Fakes of the services that the worker talks to, in this process. Each records when something passed through it.

pub mod appsync;
pub mod aws;
pub mod bedrock;
pub mod lambda;
pub(crate) mod server;
pub mod timer;

pub use appsync::{AppSync, Publish};
pub use aws::Aws;
pub use bedrock::{Bedrock, Script, token};
pub use lambda::Lambda;

use crate::error::BenchError;

/// Every fake that a worker needs.
#[derive(Debug)]
pub struct Fakes {
    pub lambda: Lambda,
    pub bedrock: Bedrock,
    pub appsync: AppSync,
    pub aws: Aws,
}

impl Fakes {
    /// Starts the fakes.
    ///
    /// # Errors
    ///
    /// No port is free.
    pub async fn start() -> Result<Self, BenchError> {
        Ok(Self {
            lambda: Lambda::start().await?,
            bedrock: Bedrock::start().await?,
            appsync: AppSync::start().await?,
            aws: Aws::start().await?,
        })
    }
}
