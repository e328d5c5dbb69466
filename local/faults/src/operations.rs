//! The operations that a plan may name, of the services that have few. What others have is theirs to know.

/// Of AppSync's WebSockets.
pub const REALTIME: [&str; 3] = ["connect", "start", "data"];
/// Of API Gateway's.
pub const WEBSOCKET: [&str; 2] = ["connect", "data"];
pub const FUNCTION_URL: [&str; 1] = ["Invoke"];
pub const EXECUTE_API: [&str; 3] = ["PostToConnection", "GetConnection", "DeleteConnection"];
pub const BEDROCK: [&str; 4] = [
    "ConverseStream",
    "Converse",
    "InvokeModelWithResponseStream",
    "InvokeModel",
];
