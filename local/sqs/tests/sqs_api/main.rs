//! SQS as the official Rust SDK sees it, and on the wire where the SDK shows too little.

mod delivery;
mod durability;
mod messages;
mod refusals;
mod stack;
