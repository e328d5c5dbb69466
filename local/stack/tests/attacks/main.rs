//! What web pages and strangers on this machine may try, by raw requests, against each service of a stack.

mod pages;
mod query_protocol;
mod signatures;
mod stack;
