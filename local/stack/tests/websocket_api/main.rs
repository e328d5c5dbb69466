//! A WebSocket API with real processes: this test executable, started again as a function on the official Rust runtime;
//! its clients are tungstenite and AWS's SDK.

mod connects;
mod ends;
mod faults;
mod function;
mod management;
mod messages;
mod stack;
