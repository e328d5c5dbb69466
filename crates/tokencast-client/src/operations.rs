//! The operations, checked against `schema.graphql` when this is compiled, and the shape of a response.
//!
//! Variables have generated types. Responses are read into the crate's own types, as the events of every channel are: the types
//! that `graphql_client` generates are others for each operation.

use graphql_client::GraphQLQuery;
use serde::Deserialize;

use crate::block::BlockType;
use crate::error::{Error, QUOTA_EXCEEDED, RefusalInfo, is_unauthorized};
use crate::event::{Snapshot, StreamStatus, TokenEvent};
use crate::realtime::Delivery;
use crate::usage::QuotaUsage;

macro_rules! operation {
    ($name:ident) => {
        #[derive(GraphQLQuery)]
        #[graphql(
            schema_path = "schema.graphql",
            query_path = "graphql/operations.graphql",
            variables_derives = "Clone, Debug",
            skip_serializing_none,
            extern_enums("StreamStatus", "BlockType")
        )]
        pub(crate) struct $name;
    };
}

operation!(StartStream);
operation!(StopStream);
operation!(GetStream);
operation!(OnTokenReceived);
operation!(GetUsage);
operation!(Assistants);

pub(crate) use crate::assistant::ListedAssistants;

/// The answer to [`StartStream`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Started {
    pub(crate) start_stream: StartResponse,
}

/// Of `StreamResponse`, what is looked at.
#[derive(Debug, Deserialize)]
pub(crate) struct StartResponse {
    pub(crate) status: String,
}

/// The answer to [`GetStream`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Got {
    pub(crate) get_stream: Option<Snapshot>,
}

/// What [`OnTokenReceived`] brings.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Received {
    on_token_received: Option<TokenEvent>,
}

impl Delivery for Received {
    type Event = TokenEvent;

    fn event(self) -> Option<TokenEvent> {
        self.on_token_received
    }
}

/// The answer to [`GetUsage`].
#[derive(Debug, Deserialize)]
pub(crate) struct Used {
    pub(crate) usage: QuotaUsage,
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
    #[serde(default)]
    error_info: Option<RefusalInfo>,
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
        if error.error_type() == QUOTA_EXCEEDED {
            return error.error_info.unwrap_or_default().exceeded(message);
        }
        Self::Graphql {
            error_type: error.error_type().to_owned(),
            message,
        }
    }
}
