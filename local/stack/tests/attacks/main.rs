//! What web pages and strangers on this machine may try, by raw requests, against each service of a stack.

#[expect(
    dead_code,
    reason = "these tests need no function that notes what it gets"
)]
#[path = "../delivery_support/mod.rs"]
mod delivery_support;
mod pages;
mod query_protocol;
mod signatures;
mod stack;
