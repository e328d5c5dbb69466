//! An AppSync and a Bedrock that keep the time of what passes through them.

mod appsync;
mod bedrock;
mod server;

pub use appsync::{AppSync, Publish};
pub use bedrock::{Bedrock, Script, token};
