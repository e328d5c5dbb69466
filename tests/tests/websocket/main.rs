//! Tests the WebSocket API against the whole local stack: its promises hold, and no fault breaks it.

mod answers;
mod faults;
mod handshake;
mod long_prompts;
mod recovery;
mod refusals;
