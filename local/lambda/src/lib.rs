//! Lambda: the Runtime API, one process per concurrent invocation, and the SQS event source mapping.
//!
//! | module | what |
//! | --- | --- |
//! | [`service`] | the functions and their processes |
//! | `invoke_api` | `POST /2015-03-31/functions/{name}/invocations` |
//! | `pool` | a function's processes: reuse, cold starts, the concurrency limit |
//! | [`environment`] | one process, which runs one invocation at a time |
//! | [`runtime_api`] | the API that this process calls |
//! | `streaming` | responses that are passed on as they arrive |
//! | `process` | starts a process: its environment variables and its output |
//! | `role` | the role's temporary credentials |
//! | `error` | errors in the shape that callers get |
//! | `trace` | an invocation's X-Ray header, which stops loops |
//! | [`event_source`] | invokes functions for SQS messages |
//!
//! A function's process ends with this process, even if this process is killed. Its Runtime API is served here, so its
//! pending `next` breaks or its next call is refused, and a runtime exits then.

pub mod config;
mod endpoint;
pub mod environment;
mod error;
pub mod event_source;
mod faults;
pub mod function_url;
mod invoke_api;
mod pool;
mod process;
mod role;
pub mod runtime_api;
pub mod service;
mod streaming;
mod trace;

pub use endpoint::ENDPOINT;
pub use event_source::EventSource;
pub use service::Lambda;
