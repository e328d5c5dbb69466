//! What web pages and other users of this machine may try with plain requests, against each service of a stack.

mod pages;
mod query_protocol;
mod signatures;
mod stack;
