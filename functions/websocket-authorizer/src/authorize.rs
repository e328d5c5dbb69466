//! One event: a token in, a policy out.

use tokencast_aws::jwt::{JwtError, Refused, Verifier};
use tokencast_core::ports::Clock;
use tracing::{error, info};

use crate::error::EventError;
use crate::event::{AuthorizeEvent, Policy};

/// Lets the token's user connect. What was wrong with a token stands in the log; the client only gets a 401.
///
/// # Errors
///
/// If there is no token, or more than one, or one that is not valid; and if the pool's keys can't be fetched.
pub async fn authorize<C: Clock>(
    verifier: &Verifier<C>,
    event: &AuthorizeEvent,
) -> Result<Policy, EventError> {
    let outcome = if event.has_several_tokens() {
        Err(Refused::Several.into())
    } else {
        verifier.verify(event.token()).await
    };
    match outcome {
        Ok(caller) => Ok(Policy::allow(&caller, &event.method_arn)),
        Err(JwtError::Refused(refused)) => {
            info!(reason = %refused, "refused");
            Err(EventError::Unauthorized(refused))
        }
        Err(JwtError::Keys(error)) => {
            error!(
                error = &error as &dyn std::error::Error,
                "no keys to check a token with"
            );
            Err(EventError::Keys(error))
        }
    }
}
