//! AppSync: GraphQL over HTTP and over its real-time WebSocket protocol.
//!
//! | module | what |
//! | --- | --- |
//! | [`caller`] | the sender of a request |
//! | [`auth`] | authenticates senders by Cognito tokens and SigV4 signatures |
//! | [`api`] | the schema, and the execution of an operation against it |
//! | [`errors`] | AppSync's error shapes |
//! | `resolvers` | resolvers on Lambda and NONE data sources |
//! | [`subscriptions`] | the subscriptions, and the fan-out of a mutation's result |
//! | [`http`] | the GraphQL endpoint over HTTP |
//! | [`realtime`] | the WebSocket protocol |
//! | `service` | all of it in one router |

pub mod api;
pub mod auth;
pub mod caller;
pub mod config;
mod endpoint;
pub mod errors;
pub mod http;
pub mod realtime;
mod resolvers;
mod service;
pub mod subscriptions;

#[cfg(test)]
pub(crate) mod test_support;

pub use endpoint::ENDPOINT;
pub use service::AppSync;
