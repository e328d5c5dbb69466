//! Function URLs with real processes: this test executable, started again as a function on the official Rust runtime.

mod browsers;
mod ends;
mod faults;
mod function;
mod requests;
mod responses;
mod stack;
