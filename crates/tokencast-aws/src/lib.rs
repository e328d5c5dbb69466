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
//! | [`assistants`] | the assistants' file |
//! | [`bedrock`] | the model: ConverseStream |
//! | [`sessions`] | the session table in DynamoDB |
//! | [`conversations`] | the conversation table in DynamoDB |
//! | [`quotas`] | the quota table in DynamoDB |
//! | [`queue`] | the job queue in SQS |
//! | [`dead_letters`] | the jobs whose every attempt failed, and putting them back |
//! | [`forget`] | everything of a user, deleted |
//! | [`clock`] | the system's time |
//! | [`requests`] | the requests of owners, over all of these |
//! | [`schema_json`] | sessions and conversations as JSON, as the schema has them |
//! | [`runtime`] | a function's process, from its start to its exit code |
//! | [`metrics`] | what CloudWatch counts |
//! | [`telemetry`] | logs as JSON lines, and metrics in them |

pub mod appsync;
pub mod assistants;
mod batch;
pub mod bedrock;
pub mod clock;
pub mod config;
pub mod connections;
pub mod conversations;
pub mod dead_letters;
pub mod event_json;
pub mod forget;
mod http_client;
pub mod jwt;
pub mod metrics;
pub mod queue;
pub mod quotas;
pub mod requests;
pub mod runtime;
pub mod schema_json;
pub mod sdk;
pub mod sessions;
pub mod settings;
pub mod telemetry;
pub mod tls;
pub mod websocket;
