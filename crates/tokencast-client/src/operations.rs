//! The operations, with types generated from `schema.graphql`, and the shape of a response.

use graphql_client::GraphQLQuery;
use serde::Deserialize;

use crate::error::{Error, is_unauthorized};
use crate::event::{Snapshot, StreamError, StreamStatus, TokenEvent, Usage, Waiting};

macro_rules! operation {
    ($name:ident) => {
        #[derive(GraphQLQuery)]
        #[graphql(
            schema_path = "../../schema.graphql",
            query_path = "graphql/operations.graphql",
            variables_derives = "Clone, Debug",
            response_derives = "Clone, Debug",
            extern_enums("StreamStatus")
        )]
        pub(crate) struct $name;
    };
}

operation!(StartStream);
operation!(StopStream);
operation!(GetStream);

operation!(OnTokenReceived);

/// The generated types of each operation are its own; these are the ones that all share.
macro_rules! shared_types {
    ($module:ident, $usage:ident, $error:ident) => {
        impl From<$module::$usage> for Usage {
            fn from(usage: $module::$usage) -> Self {
                Self {
                    input_tokens: count(usage.input_tokens),
                    output_tokens: count(usage.output_tokens),
                    total_tokens: count(usage.total_tokens),
                }
            }
        }

        impl From<$module::$error> for StreamError {
            fn from(error: $module::$error) -> Self {
                Self {
                    code: error.code,
                    message: error.message,
                    retryable: error.retryable,
                }
            }
        }
    };
}

shared_types!(get_stream, GetStreamGetStreamUsage, GetStreamGetStreamError);
shared_types!(
    on_token_received,
    OnTokenReceivedOnTokenReceivedUsage,
    OnTokenReceivedOnTokenReceivedError
);

impl From<get_stream::GetStreamGetStream> for Snapshot {
    fn from(stream: get_stream::GetStreamGetStream) -> Self {
        Self {
            status: stream.status,
            text: stream.text,
            sequence: count(stream.sequence),
            attempt: count(stream.attempt),
            stop_reason: stream.stop_reason,
            usage: stream.usage.map(Usage::from),
            error: stream.error.map(StreamError::from),
            waiting: stream.waiting.map(|waiting| Waiting {
                reason: waiting.reason,
                since: waiting.since,
            }),
        }
    }
}

impl From<on_token_received::OnTokenReceivedOnTokenReceived> for TokenEvent {
    fn from(event: on_token_received::OnTokenReceivedOnTokenReceived) -> Self {
        Self {
            attempt: event.attempt.map(count),
            sequence: event.sequence.map(count),
            first_sequence: None,
            token: event.token,
            is_complete: event.is_complete,
            status: event.status,
            stop_reason: event.stop_reason,
            usage: event.usage.map(Usage::from),
            error: event.error.map(StreamError::from),
        }
    }
}

/// GraphQL's `Int` has a sign; counts have none.
fn count(int: i64) -> u64 {
    u64::try_from(int).unwrap_or(0)
}

/// The body of a response.
#[derive(Debug, Deserialize)]
pub(crate) struct Response<T> {
    #[serde(default = "Option::default")]
    pub(crate) data: Option<T>,
    #[serde(default)]
    pub(crate) errors: Option<Vec<GraphqlError>>,
}

/// One of `errors`, as AppSync writes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GraphqlError {
    #[serde(default)]
    error_type: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

impl GraphqlError {
    pub(crate) fn error_type(&self) -> &str {
        self.error_type.as_deref().unwrap_or("GraphQLError")
    }

    pub(crate) fn message(&self) -> String {
        self.message
            .clone()
            .unwrap_or_else(|| self.error_type().to_owned())
    }
}

impl From<GraphqlError> for Error {
    fn from(error: GraphqlError) -> Self {
        let message = error.message();
        if is_unauthorized(error.error_type()) {
            return Self::Unauthorized { message };
        }
        Self::Graphql {
            error_type: error.error_type().to_owned(),
            message,
        }
    }
}
