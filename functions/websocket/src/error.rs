//! Why an event is refused as a whole: API Gateway sees it, not the client.

use lambda_runtime::Diagnostic;
use thiserror::Error;
use tokencast_aws::runtime::Panicked;

#[derive(Debug, Error)]
pub enum EventError {
    #[error("the connection has no owner: expected the context of this API's authorizer")]
    NoOwner,
    #[error(transparent)]
    Panicked(#[from] Panicked),
}

impl From<EventError> for Diagnostic {
    fn from(error: EventError) -> Self {
        let error_type = match error {
            EventError::NoOwner => "UNAUTHORIZED",
            EventError::Panicked(_) => "INTERNAL",
        };
        Self {
            error_type: error_type.to_owned(),
            error_message: error.to_string(),
        }
    }
}
