//! One subscription on one socket, in AppSync's real-time protocol.

mod endpoint;
mod frames;
mod subscription;

pub(crate) use endpoint::Endpoint;
pub(crate) use subscription::{Delivery, Subscription};
