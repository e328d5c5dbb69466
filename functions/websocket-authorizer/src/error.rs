//! Why an event is refused as a whole: API Gateway sees it, not the client.

use lambda_runtime::Diagnostic;
use thiserror::Error;
use tokencast_aws::jwt::{KeysError, Refused};
use tokencast_aws::runtime::Panicked;

#[derive(Debug, Error)]
pub enum EventError {
    /// API Gateway answers the handshake with 401 where it reads exactly this text.
    #[error("Unauthorized")]
    Unauthorized(#[source] Refused),
    #[error("the token cannot be checked now: try again")]
    Keys(#[source] KeysError),
    #[error(transparent)]
    Panicked(#[from] Panicked),
}

impl From<EventError> for Diagnostic {
    fn from(error: EventError) -> Self {
        let error_type = match error {
            EventError::Unauthorized(_) => "UNAUTHORIZED",
            EventError::Keys(_) | EventError::Panicked(_) => "INTERNAL",
        };
        Self {
            error_type: error_type.to_owned(),
            error_message: error.to_string(),
        }
    }
}
