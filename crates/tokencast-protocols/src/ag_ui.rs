//! AG-UI: what `HttpAgent` of `@ag-ui/client` sends and reads.
//!
//! | module | what |
//! | --- | --- |
//! | [`request`] | a request for a run: the messages of a thread |
//! | [`events`] | an answer's events as those of a run |
//!
//! A thread is a conversation, and a run is a session: the same run again is the same session, and another run of the same
//! message is another answer to it. An answer's message has the id of its session.

pub mod events;
pub mod request;
