//! The AI SDK's UI message stream, version 1: what `useChat` of `ai` 6 and 7 sends and reads.
//!
//! | module | what |
//! | --- | --- |
//! | [`chunk`] | one chunk, and why a model stopped |
//! | [`chunks`] | an answer's events as chunks |
//! | [`request`] | a request for an answer: a chat's messages |
//! | [`history`] | the messages before the question, compared with the conversation's turns |
//! | [`question`] | the session of a question, and its place in the conversation |
//! | [`messages`] | a conversation as messages, for a page that loads |
//! | [`socket`] | the frames of `WebSocketChatTransport` |
//!
//! An answer's message has the id of its session. `@tokencast/client/ai-sdk` does the same in the browser: both write the
//! same chunks, by the vectors of `tests/fixtures/ai_sdk_chunks.json`.

pub mod chunk;
pub mod chunks;
pub mod history;
pub mod messages;
pub mod question;
pub mod request;
pub mod socket;
mod written;
