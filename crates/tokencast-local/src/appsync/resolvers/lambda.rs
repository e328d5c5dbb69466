//! Direct Lambda resolvers.

use serde_json::Value;

use super::ResolverError;
use crate::lambda::invoke::{Invoke, InvokeError};

/// Sends the function the event, and takes its answer as the field's value.
pub(super) async fn resolve(
    invoke: &dyn Invoke,
    function: &str,
    event: String,
) -> Result<Value, ResolverError> {
    let answer = invoke
        .invoke(function, event.into())
        .await
        .map_err(failed)?;
    if answer.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&answer).map_err(|_| {
        let message = "Unable to parse the function's response: it is not valid JSON.";
        ResolverError::new("Lambda:IllegalArgument", message)
    })
}

/// The function's own error keeps its name; an error of Lambda's is marked as such.
fn failed(error: InvokeError) -> ResolverError {
    match error {
        InvokeError::Function {
            error_type,
            message,
        } => ResolverError::new(error_type, message),
        InvokeError::Throttled(_) => {
            ResolverError::new("Lambda:TooManyRequestsException", "Rate Exceeded.")
        }
        InvokeError::NotFound(function) => ResolverError::new(
            "Lambda:ResourceNotFoundException",
            format!("Function not found: {function}"),
        ),
    }
}
