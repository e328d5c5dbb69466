//! The AWS services that Tokencast uses, in one process on loopback: for laptops and for tests.
//!
//! One port, the gateway, answers for all of them, as `AWS_ENDPOINT_URL` expects; each service speaks AWS's own wire
//! protocol, so that the official SDKs, Amplify and the unchanged Lambda functions run against it.
//!
//! [`stack`] starts them from a [`config`] of plain data.
//!
//! | module | service |
//! | --- | --- |
//! | [`gateway`] | the port: plain text and TLS, HTTP/1.1 and h2c, and which service a request is for |
//! | [`appsync`] | GraphQL over HTTP, authorization, resolvers, and the real-time WebSocket protocol |
//! | [`lambda`] | the Runtime API, one process per concurrent invocation, and the SQS event source mapping |
//! | [`function_url`] | Lambda function URLs, whose responses are streamed |
//! | [`websocket_api`] | API Gateway's WebSocket APIs, and their `@connections` |
//! | [`sqs`] | queues, over the JSON protocol |
//! | [`bedrock`] | `ConverseStream` and `InvokeModelWithResponseStream` in the event-stream encoding |
//! | [`dynamodb`] | tables, by `dynoxide` |
//! | [`cognito`] | sign-in, and the keys that tokens are checked with |
//! | [`iam`] | access keys, and signatures by them, which every service but Cognito asks for |
//!
//! | module | what tests may do to them |
//! | --- | --- |
//! | [`faults`] | a plan of what shall go wrong, where and how often |
//! | [`usage`] | what was asked of each service, counted |
//! | [`control`] | the stack over HTTP: faults, clock, processes, connections, the model's script |
//!
//! This crate depends on no other crate of the workspace: were it to share wire types with the adapters, both could
//! agree on one mistake.

pub mod appsync;
pub mod bedrock;
pub mod clock;
pub mod cognito;
pub mod config;
pub mod control;
pub mod dynamodb;
pub mod endpoints;
pub mod faults;
pub mod function_url;
pub mod gateway;
pub mod iam;
pub mod lambda;
pub mod private_files;
mod private_listener;
mod proxy_event;
pub mod sqs;
pub mod stack;
mod state_directory;
pub mod usage;
pub mod websocket_api;
pub mod write_failures;
