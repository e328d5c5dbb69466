//! Lambda with real processes: this test executable, started again as a function on the official Rust runtime.

mod event_source;
mod function;
mod http;
mod orphans;
mod processes;
mod runtime_api;
mod stack;
