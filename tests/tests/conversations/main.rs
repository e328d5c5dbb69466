//! Conversations through the public interfaces.

mod changes;
mod channels;
mod deletes;
mod history;
mod lifetimes;
mod reads;
mod refusals;
