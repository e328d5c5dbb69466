//! The subscriptions, and the fan-out of a mutation's result.
//!
//! [`Hub`] finds the subscriptions that a result matches, and puts one shared, serialized payload into the outbox of
//! each of their connections. Nothing here waits: a connection that doesn't read is cut.

pub(crate) mod ending;
mod hub;
mod index;

pub use hub::{Hub, MAX_PAYLOAD_BYTES};
pub(crate) use hub::{Listener, Registration};
pub use local_kit::outbox::OutboxLimits;

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

/// A subscription that was validated, authorized and admitted by its resolver.
#[derive(Clone)]
pub struct Subscription {
    /// The subscription's field, such as `onTokenReceived`.
    pub field: String,
    /// The mutations of `@aws_subscribe`, whose results the subscription gets.
    pub mutations: Vec<String>,
    /// The arguments that were given. Each must equal the field of that name in the mutation's result.
    pub arguments: Map<String, Value>,
    /// Subscriptions with equal keys render each event alike, so that an event is rendered once for all of them.
    pub selection_key: Arc<str>,
    /// Applies the subscription's selection set to a mutation's result: `{"data": …}`, with `errors` if a field is
    /// missing that can't be null.
    pub render: Arc<dyn Fn(&Value) -> Value + Send + Sync>,
}

impl fmt::Debug for Subscription {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Subscription")
            .field("field", &self.field)
            .field("arguments", &self.arguments)
            .finish_non_exhaustive()
    }
}
