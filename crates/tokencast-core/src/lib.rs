//! What a session is and how its answer is delivered, with ports for everything outside.
//!
//! | module | what |
//! | --- | --- |
//! | [`time`] | points in time, and deadlines |
//! | [`id`] | session ids, owners, attempts, sequence numbers, and the positions of events |
//! | [`failure`] | the closed set of failure codes, and which of them are worth another try |
//! | [`assistant`] | named sets of a model, its instructions and limits; what its tokens cost |
//! | [`block`] | the blocks of an answer, and the pieces in which they come |
//! | [`brought`] | what a client brings with its prompt |
//! | [`event`] | what subscribers receive |
//! | [`json_text`] | a string of a request that need not be Unicode |
//! | [`job`] | what the request function asks of the worker |
//! | [`session`] | a session's record, and the rules by which it changes |
//! | [`conversation`] | trees of sessions: their rules, what a model is told of them, and documents of them |
//! | [`quota`] | how much an owner may start and use, and how that is counted |
//! | [`requests`] | what an owner asks: to start, stop, read or follow a session |
//! | [`ports`] | the model, the sink, the session table, the queue and the clock, as traits |
//! | [`pipeline`] | from a model's stream to a sink: one publish in flight, checkpoints beside it |
//! | [`deliver`] | one queued message, from its receipt to its acknowledgement |
//! | [`backoff`] | waiting longer each time, with jitter |
//! | [`retry`] | trying again what failed |
//!
//! Nothing here knows of AppSync or of any other service: whatever delivers events is a [`ports::TokenSink`].

pub mod assistant;
pub mod backoff;
pub mod block;
pub mod brought;
pub mod conversation;
pub mod deliver;
pub mod event;
pub mod failure;
pub mod id;
pub mod job;
pub mod json_text;
pub mod pipeline;
pub mod ports;
pub mod quota;
pub mod requests;
pub mod retry;
pub mod session;
mod status;
pub mod time;
