//! The schema, and the execution of an operation against it.

use serde::Deserialize;
use serde_json::{Map, Value};

/// The body of a GraphQL request over HTTP, and the `data` of a subscription's `start`.
#[derive(Clone, Debug, Deserialize)]
pub struct GraphqlRequest {
    pub query: String,
    #[serde(default, rename = "operationName")]
    pub operation_name: Option<String>,
    #[serde(default)]
    pub variables: Option<Map<String, Value>>,
}
