//! Function URLs with real processes: this test executable, started again as a function on the official Rust runtime.

mod browsers;
#[path = "../delivery_support/mod.rs"]
mod delivery_support;
mod ends;
mod faults;
mod function;
mod requests;
mod responses;
mod stack;
