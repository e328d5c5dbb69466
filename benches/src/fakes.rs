//! What the worker talks to, in this process: each notes when what passes through it came or went.

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

/// Everything that a worker needs.
#[derive(Debug)]
pub struct Fakes {
    pub lambda: Lambda,
    pub bedrock: Bedrock,
    pub appsync: AppSync,
    pub aws: Aws,
}

impl Fakes {
    /// # Errors
    ///
    /// There is no port to listen at.
    pub async fn start() -> Result<Self, BenchError> {
        Ok(Self {
            lambda: Lambda::start().await?,
            bedrock: Bedrock::start().await?,
            appsync: AppSync::start().await?,
            aws: Aws::start().await?,
        })
    }
}
