//! The WebSocket API against the whole local stack: what it promises, and that nothing that goes wrong breaks it.

mod answers;
mod faults;
mod handshake;
mod long_prompts;
mod recovery;
mod refusals;
