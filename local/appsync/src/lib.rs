//! AppSync: GraphQL over HTTP and over its real-time WebSocket protocol.
//!
//! | module | what |
//! | --- | --- |
//! | [`caller`] | who a request comes from |
//! | [`auth`] | how that is found out: Cognito's tokens and SigV4 signatures |
//! | [`api`] | the schema, and the execution of an operation against it |
//! | [`errors`] | AppSync's error shapes |
//! | `resolvers` | what a field's value is asked of |
//! | [`subscriptions`] | who listens to what, and the fan-out of a mutation's result |
//! | [`http`] | the GraphQL endpoint |
//! | [`realtime`] | the WebSocket protocol |
//! | [`service`] | all of it behind one router |

pub mod api;
pub mod auth;
pub mod caller;
pub mod config;
pub mod endpoint;
pub mod errors;
pub mod http;
pub mod realtime;
mod resolvers;
pub mod service;
pub mod subscriptions;

#[cfg(test)]
pub(crate) mod test_support;

pub use endpoint::ENDPOINT;
pub use service::AppSync;
