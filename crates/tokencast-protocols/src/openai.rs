//! OpenAI's chat completions and models: what its clients send, and what they read.
//!
//! | module | what |
//! | --- | --- |
//! | [`request`] | a request for a completion |
//! | [`invalid`] | why a request is refused |
//! | [`error`] | an error in OpenAI's shape |
//! | [`chunks`] | an answer's events as the chunks of a streamed completion |
//! | [`completion`] | an answer as a completion that isn't streamed |
//! | [`sent`] | what a client has of an answer that starts again |
//! | [`words`] | what a chunk and a completion have in common |
//! | [`models`] | the assistants as models |
//!
//! A completion is a session outside of conversations: its client keeps the history, and brings it with each prompt.

pub mod chunks;
pub mod completion;
pub mod error;
pub mod invalid;
pub mod models;
pub mod request;
pub mod sent;
mod words;

pub use words::Named;
