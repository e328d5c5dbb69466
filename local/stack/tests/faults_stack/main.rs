//! Fault plans against a whole stack, as real clients see them.

mod control;
mod function;
mod messages;
mod model;
mod outage;
mod processes;
mod realtime;
mod requests;
mod shutdown;
mod stack;
mod subscriber;
