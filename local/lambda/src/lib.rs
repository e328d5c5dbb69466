//! Lambda: the Runtime API, one process per concurrent invocation, and the SQS event source mapping.
//!
//! | module | what |
//! | --- | --- |
//! | [`service`] | the functions, and what may be done to their processes |
//! | [`invoke_api`] | `POST /2015-03-31/functions/{name}/invocations` |
//! | [`pool`] | a function's processes: reuse, cold starts, the limit |
//! | [`environment`] | one process and its one invocation at a time |
//! | [`runtime_api`] | what that process talks to |
//! | [`streaming`] | a response that goes to its caller as it comes |
//! | [`process`] | how it is started: its environment variables and its output |
//! | [`error`] | errors in the shape that a caller sees |
//! | [`trace`] | an invocation's X-Ray header, by which loops are stopped |
//! | [`event_source`] | SQS messages to invocations |
//!
//! A process ends with us, even when we are killed: its Runtime API lives in our process, so that its pending `next`
//! breaks, or its next call is refused, and a runtime exits at that.

pub mod config;
pub mod endpoint;
pub mod environment;
pub mod error;
pub mod event_source;
mod faults;
pub mod function_url;
pub mod invoke_api;
pub mod pool;
pub mod process;
pub mod runtime_api;
pub mod service;
pub mod streaming;
pub mod trace;

pub use endpoint::ENDPOINT;
pub use event_source::EventSource;
pub use service::Lambda;
