//! Resolvers on Lambda data sources: direct ones, and those with `APPSYNC_JS` code.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use local_kit::invoke::{Invoke, InvokeError};
use serde::Deserialize;
use serde_json::{Value, json};

use super::javascript::Turn;
use super::{Resolved, ResolverError, Scripts};

/// Invokes the function with the event. Its response is the field's value.
pub(super) async fn resolve(
    invoke: &dyn Invoke,
    function: &str,
    event: String,
) -> Result<Value, ResolverError> {
    let answered = invoke.invoke(function, event.into()).await;
    answer(answered, |error_type| error_type).map_err(|error| *error)
}

/// A resolver's code.
pub(super) struct Code<'a> {
    pub(super) scripts: &'a Scripts,
    pub(super) script: usize,
}

/// The result of the code's request function.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Outcome {
    /// The request, and what the code left in `ctx.stash`.
    Request { request: Value, stash: Value },
    /// The value of `runtime.earlyReturn`, in which case the function isn't invoked.
    Returned(Value),
}

impl<'a> Code<'a> {
    /// Runs the code's request function, invokes the function with the payload, and runs the code's response function.
    ///
    /// Boxed, because otherwise every level of a nested result would have this future, which few of them run, in its
    /// stack frame.
    pub(super) fn resolve(
        self,
        invoke: &'a dyn Invoke,
        function: &'a str,
        event: String,
    ) -> BoxFuture<'a, Result<Resolved, Vec<ResolverError>>> {
        Box::pin(self.run(invoke, function, event))
    }

    async fn run(
        self,
        invoke: &dyn Invoke,
        function: &str,
        event: String,
    ) -> Result<Resolved, Vec<ResolverError>> {
        let turn = Turn::request(event.clone());
        let asked = self.scripts.run(self.script, turn).await?;
        let mut errors = asked.errors;
        let (request, stash) = match serde_json::from_value(asked.value) {
            Ok(Outcome::Request { request, stash }) => (request, stash),
            Ok(Outcome::Returned(value)) => return Ok(Resolved { value, errors }),
            Err(error) => {
                let message = format!("The resolver's request could not be read: {error}");
                return Err(vec![ResolverError::new("InternalFailure", message)]);
            }
        };
        if let Err(unusable) = check(&request) {
            errors.push(*unusable);
            return Err(errors);
        }
        let payload = Bytes::from(request["payload"].to_string());
        // AppSync hides the type of a function's error from a resolver with code.
        let answered = answer(invoke.invoke(function, payload).await, |_| {
            "Lambda:Unhandled".to_owned()
        });
        let carried = match answered {
            Ok(result) => json!({"result": result, "stash": stash}),
            Err(error) => json!({
                "result": null,
                "error": {"message": error.message, "type": error.error_type},
                "stash": stash,
            }),
        };
        let turn = Turn::response(event, &carried);
        match self.scripts.run(self.script, turn).await {
            Ok(mut resolved) => {
                errors.append(&mut resolved.errors);
                Ok(Resolved {
                    value: resolved.value,
                    errors,
                })
            }
            Err(mut raised) => {
                errors.append(&mut raised);
                Err(errors)
            }
        }
    }
}

/// Checks that AppSync allows the request and the local stack supports it.
fn check(request: &Value) -> Result<(), Box<ResolverError>> {
    let operation = request["operation"].as_str();
    let kind = request["invocationType"].as_str();
    match (operation, kind) {
        (Some("Invoke"), None | Some("RequestResponse")) => Ok(()),
        (Some("Invoke"), Some(kind)) => Err(Box::new(ResolverError::new(
            "UnsupportedByLocalStack",
            format!("the invocation type {kind} is not supported by the local stack"),
        ))),
        (Some("BatchInvoke"), _) => Err(Box::new(ResolverError::new(
            "UnsupportedByLocalStack",
            "the operation BatchInvoke is not supported by the local stack",
        ))),
        (operation, _) => Err(Box::new(ResolverError::new(
            "MappingTemplate",
            format!(
                "Unsupported operation '{}'. Datasource Versions only support the following operations (Invoke,BatchInvoke).",
                operation.unwrap_or_default()
            ),
        ))),
    }
}

/// The function's response, or the resolver's error. `named` maps the function's own error types.
fn answer(
    invoked: Result<Bytes, InvokeError>,
    named: impl Fn(String) -> String,
) -> Result<Value, Box<ResolverError>> {
    let answer = invoked.map_err(|error| Box::new(failed(error, named)))?;
    if answer.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&answer).map_err(|_| {
        let message = "Unable to parse the function's response: it is not valid JSON.";
        Box::new(ResolverError::new("Lambda:IllegalArgument", message))
    })
}

/// Lambda's own errors are marked as such.
fn failed(error: InvokeError, named: impl Fn(String) -> String) -> ResolverError {
    match error {
        InvokeError::Function {
            error_type,
            message,
        } => ResolverError::new(named(error_type), message),
        InvokeError::Throttled(_) => {
            ResolverError::new("Lambda:TooManyRequestsException", "Rate Exceeded.")
        }
        InvokeError::NotFound(function) => ResolverError::new(
            "Lambda:ResourceNotFoundException",
            format!("Function not found: {function}"),
        ),
    }
}
