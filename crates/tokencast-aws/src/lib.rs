//! `tokencast-core`'s ports over AWS, and what the functions share at their start.
//!
//! | module | what |
//! | --- | --- |
//! | [`config`] | environment variables, checked, with errors that say what was expected |
//! | [`settings`] | the variables that several functions share |
//! | [`sdk`] | the AWS SDK's settings: one TLS stack, `AWS_ENDPOINT_URL` honoured, time-outs |
//! | [`tls`] | the certificate authorities that a function trusts |
//! | [`appsync`] | the sink: `publishToken`, signed with SigV4 |
//! | [`websocket`] | the sink of those who follow a session over API Gateway's WebSockets |
//! | [`connections`] | the table of their connections |
//! | [`jwt`] | who calls, where no AWS service says so: a user pool's tokens, verified |
//! | [`event_json`] | an event as JSON, for the deliveries that write it themselves |
//! | [`bedrock`] | the model: ConverseStream |
//! | [`sessions`] | the session table in DynamoDB |
//! | [`queue`] | the job queue in SQS |
//! | [`dead_letters`] | the jobs whose every attempt failed, and putting them back |
//! | [`clock`] | the system's time |
//! | [`runtime`] | a function's process, from its start to its exit code |
//! | [`metrics`] | what CloudWatch counts |
//! | [`telemetry`] | logs as JSON lines, and metrics in them |

pub mod appsync;
pub mod bedrock;
pub mod clock;
pub mod config;
pub mod connections;
pub mod dead_letters;
pub mod event_json;
mod http_client;
pub mod jwt;
pub mod metrics;
pub mod queue;
pub mod runtime;
pub mod sdk;
pub mod sessions;
pub mod settings;
pub mod telemetry;
pub mod tls;
pub mod websocket;
