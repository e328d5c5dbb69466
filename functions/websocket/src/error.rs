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
    #[error("the connection has no owner: expected the context of this function's authorizer")]
    NoOwner,
    #[error("an authorizer's event, but `CONNECTIONS_TABLE` is set: this is the routes' function")]
    NotAuthorizer,
    #[error("a route's event, but `CONNECTIONS_TABLE` is not set: this is the authorizer")]
    NotRoutes,
    #[error(transparent)]
    Panicked(#[from] Panicked),
}

impl From<EventError> for Diagnostic {
    fn from(error: EventError) -> Self {
        let error_type = match error {
            EventError::Unauthorized(_) | EventError::NoOwner => "UNAUTHORIZED",
            EventError::Keys(_)
            | EventError::NotAuthorizer
            | EventError::NotRoutes
            | EventError::Panicked(_) => "INTERNAL",
        };
        Self {
            error_type: error_type.to_owned(),
            error_message: error.to_string(),
        }
    }
}
