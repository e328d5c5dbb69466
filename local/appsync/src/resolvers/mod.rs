//! Resolvers, which provide the fields' values.
//!
//! | module | data source |
//! | --- | --- |
//! | [`lambda`] | a Lambda function, called directly or by `APPSYNC_JS` code |
//! | [`javascript`] | NONE, with `APPSYNC_JS` code |
//!
//! Both get an `event`.

mod event;
mod javascript;
mod lambda;

pub(crate) use self::javascript::Scripts;

use std::sync::Arc;

use local_kit::invoke::Invoke;
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};

use self::javascript::Turn;
use super::caller::Caller;

/// The source of a field's value.
#[derive(Clone, Debug)]
pub(crate) enum Resolver {
    Lambda {
        function: String,
    },
    /// The code's request function makes the function's payload, and its response function the field's value.
    LambdaWithCode {
        function: String,
        /// The code's index in the API's [`Scripts`].
        script: usize,
    },
    /// The code's index in the API's [`Scripts`].
    Script {
        index: usize,
    },
}

/// A field's selection, as resolvers get it in `info`.
#[derive(Clone)]
pub(crate) struct Selected {
    pub(crate) list: Arc<[String]>,
    pub(crate) graphql: Arc<str>,
}

/// A field to resolve.
pub(crate) struct Call<'a> {
    pub(crate) type_name: &'a str,
    pub(crate) field_name: &'a str,
    pub(crate) arguments: Map<String, Value>,
    pub(crate) caller: &'a Caller,
    pub(crate) source: Option<&'a Value>,
    pub(crate) variables: &'a Map<String, Value>,
    pub(crate) selected: Selected,
}

/// A field's value, with the errors that don't affect it (`util.appendError`).
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    pub(crate) value: Value,
    pub(crate) errors: Vec<ResolverError>,
}

/// Why a field has no value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ResolverError {
    pub(crate) message: String,
    pub(crate) error_type: Option<String>,
    pub(crate) data: Value,
    pub(crate) error_info: Value,
}

impl ResolverError {
    pub(crate) fn new(error_type: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            error_type: Some(error_type.into()),
            ..Self::default()
        }
    }
}

impl Resolver {
    pub(crate) async fn resolve(
        &self,
        invoke: &Arc<dyn Invoke>,
        scripts: &Scripts,
        call: &Call<'_>,
        deadline: Instant,
    ) -> Result<Resolved, Vec<ResolverError>> {
        let event = event::event(call).map_err(|error| {
            let message = format!("The resolver's context could not be written: {error}");
            vec![ResolverError::new("InternalFailure", message)]
        })?;
        let resolved = async {
            match self {
                Self::Lambda { function } => lambda::resolve(invoke.as_ref(), function, event)
                    .await
                    .map(|value| Resolved {
                        value,
                        errors: Vec::new(),
                    })
                    .map_err(|error| vec![error]),
                Self::LambdaWithCode { function, script } => {
                    let code = lambda::Code {
                        scripts,
                        script: *script,
                    };
                    code.resolve(invoke.as_ref(), function, event).await
                }
                Self::Script { index } => scripts.run(*index, Turn::both(event)).await,
            }
        };
        // A mutation whose time is over before its turn comes isn't started.
        if Instant::now() >= deadline {
            return Err(vec![timed_out(self)]);
        }
        timeout_at(deadline, resolved)
            .await
            .unwrap_or_else(|_| Err(vec![timed_out(self)]))
    }
}

fn timed_out(resolver: &Resolver) -> ResolverError {
    let error_type = match resolver {
        Resolver::Lambda { .. } | Resolver::LambdaWithCode { .. } => {
            "Lambda:ExecutionTimeoutException"
        }
        Resolver::Script { .. } => "ExecutionTimeout",
    };
    ResolverError::new(error_type, "Execution timed out.")
}
