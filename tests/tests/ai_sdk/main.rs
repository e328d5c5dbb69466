//! The AI SDK's protocol over the Function URL and the WebSocket API.

mod chat;
mod faults;
mod refusals;
mod socket;
