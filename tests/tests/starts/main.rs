//! Starts over each channel: one id is one input and one session, whatever Unicode the prompt holds.

mod ask;
mod ids;
mod input;
mod unicode;
