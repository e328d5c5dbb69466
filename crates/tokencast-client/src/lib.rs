//! A client of a Tokencast API over any of its channels: AppSync, a Lambda Function URL, or an API Gateway WebSocket API.
//!
//! ```no_run
//! # async fn example() -> Result<(), tokencast_client::Error> {
//! use tokencast_client::{AnswerEvent, Client, Credentials};
//!
//! let client = Client::builder("https://example.appsync-api.us-east-1.amazonaws.com/graphql")
//!     .credentials(Credentials::token("a JWT of the user pool"))
//!     .build()?;
//! let mut answer = client.stream("Why do rivers meander?");
//! while let Some(event) = answer.next().await {
//!     if let AnswerEvent::Text { text, .. } = event? {
//!         print!("{text}");
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Over another channel only the first line differs:
//!
//! ```no_run
//! # fn example() -> Result<(), tokencast_client::Error> {
//! use tokencast_client::{Channel, Client, Credentials};
//!
//! let client = Client::builder(Channel::FunctionUrl("https://example.lambda-url.us-east-1.on.aws/".into()))
//!     .credentials(Credentials::token("a JWT of the user pool"))
//!     .build()?;
//! # Ok(())
//! # }
//! ```
//!
//! | module | what |
//! | --- | --- |
//! | [`client`] | [`Client`] and its builder: start, stop, read, and listen to a session |
//! | [`assistant`] | who may answer, and what a guardrail did |
//! | [`channel`] | over which channel an answer comes, and where that answers |
//! | [`event`] | what a stream yields |
//! | [`block`] | what an answer consists of: text, reasoning, citations, tools |
//! | [`conversations`] | the caller's conversations: list, read, rename, delete, export, and hear of changes |
//! | [`transcript`] | the reassembly of the answer, by attempt and sequence; pure |
//! | [`usage`] | what answers cost, and what the caller has used of their quota |
//! | [`error`] | everything that can go wrong |
//! | [`credentials`] | a token, or a user who signs in |
//! | [`cognito`] | sign-in with SRP |
//!
//! Inside: `session` has the engine behind a stream, which is one for all channels; `realtime` is one of AppSync's subscriptions
//! on one socket, `function_url` one response of server-sent events, `web_socket` one connection to a WebSocket API; `http` the
//! calls, `operations` the types that are generated from `schema.graphql`; `bounds` says how long what may take.

#![warn(missing_docs)]

pub mod assistant;
pub mod block;
pub mod channel;
pub mod client;
pub mod cognito;
pub mod conversations;
pub mod credentials;
pub mod error;
pub mod event;
pub mod transcript;
pub mod usage;

mod backoff;
mod bounds;
mod dial;
mod function_url;
mod http;
mod operations;
mod position;
mod prompt;
mod realtime;
mod session;
mod tls;
mod wall_clock;
mod web_socket;

pub use assistant::{Assistant, Guardrail};
pub use block::{Block, BlockContent, BlockType, Citation, ToolResult, ToolUse};
pub use bounds::Timeouts;
pub use channel::Channel;
pub use client::{Client, ClientBuilder};
pub use conversations::Conversations;
pub use credentials::Credentials;
pub use error::Error;
pub use event::{AnswerEvent, Snapshot, StreamError, StreamStatus, TokenEvent, Usage, Waiting};
pub use position::Position;
pub use prompt::Prompt;
pub use session::AnswerStream;
pub use transcript::Transcript;
pub use usage::{Cost, QuotaLimit, QuotaUsage};
