//! The operations that a plan may name, for the services that have few. Other services know their own.

/// The operations of AppSync's WebSockets.
pub(crate) const REALTIME: [&str; 3] = ["connect", "start", "data"];
/// The operations of API Gateway's WebSockets.
pub(crate) const WEBSOCKET: [&str; 2] = ["connect", "data"];
pub(crate) const FUNCTION_URL: [&str; 1] = ["Invoke"];
pub(crate) const EXECUTE_API: [&str; 3] = ["PostToConnection", "GetConnection", "DeleteConnection"];
/// `DynamoDB`'s operations that read an index.
pub(crate) const INDEX: [&str; 2] = ["Query", "Scan"];
pub(crate) const BEDROCK: [&str; 4] = [
    "ConverseStream",
    "Converse",
    "InvokeModelWithResponseStream",
    "InvokeModel",
];
