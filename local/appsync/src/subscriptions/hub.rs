//! The hub: the fan-out of mutations' results to subscribers.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use local_faults::{AtStart, Delivered, FaultService, Faults};
use local_kit::outbox::{Frame, Outbox};
use local_kit::usage::{Count, Usage};
use serde_json::Value;
use tracing::{debug, warn};

use super::Subscription;
use super::ending::Ending;
use super::index::{Index, IndexEntry};

/// AppSync's limit on the payload of an event.
pub const MAX_PAYLOAD_BYTES: usize = 240 * 1024;

/// AppSync bills each 5 KB of an event, for each subscriber.
const UNIT_BYTES: u64 = 5 * 1024;

/// All subscriptions of the API. Clones share them.
#[derive(Clone, Default)]
pub struct Hub {
    shared: Arc<Shared>,
    faults: Faults,
    usage: Usage,
}

#[derive(Default)]
struct Shared {
    /// Locked for reading while events are queued, which never waits, and for writing only to add or remove a
    /// subscription.
    index: RwLock<Index>,
    next_id: AtomicU64,
}

/// The receiver of a subscription's frames.
#[derive(Debug)]
pub(crate) struct Listener {
    /// The data frame up to its payload: `{"id":…,"type":"data","payload":`.
    pub(crate) prefix: Arc<str>,
    /// The frame that acknowledges the subscription, if the protocol has one.
    pub(crate) acknowledgement: Option<Frame>,
    pub(crate) outbox: Outbox,
    /// Tells the session that a fault has ended the subscription. Without it, faults can't end the subscription.
    pub(crate) ending: Option<Arc<Ending>>,
}

/// Keeps a subscription registered until it is dropped.
#[must_use]
pub(crate) struct Registration {
    shared: Arc<Shared>,
    entry: IndexEntry,
}

impl Hub {
    /// A hub that applies the fault plan to frames.
    pub fn with_faults(faults: Faults) -> Self {
        Self {
            shared: Arc::default(),
            faults,
            usage: Usage::default(),
        }
    }

    /// Also counts subscriptions and delivered events.
    #[must_use]
    pub fn counting(mut self, usage: Usage) -> Self {
        self.usage = usage;
        self
    }

    /// Queues a mutation's result for every subscription that it matches, and returns their number. Never waits.
    ///
    /// A subscription matches if each of its arguments equals the result's field of that name. A field that the
    /// mutation didn't select matches nothing. A payload above [`MAX_PAYLOAD_BYTES`] isn't delivered to anybody.
    ///
    /// Each event passes here once for each subscriber, where the fault plan may drop, repeat or reorder it.
    pub fn publish(&self, mutation_field: &str, result: &Value) -> usize {
        let Value::Object(fields) = result else {
            return 0;
        };
        let index = self
            .shared
            .index
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let faults = self.faults.active(FaultService::Realtime);
        let mut delivered = 0;
        for group in index.candidates(mutation_field, fields) {
            let mut wanting = group
                .members
                .iter()
                .filter(|(_, member)| member.wants(fields))
                .peekable();
            if wanting.peek().is_none() {
                continue;
            }
            let Some(payload) = serialize(&(group.render)(result), mutation_field) else {
                continue;
            };
            let before = delivered;
            for (id, member) in wanting {
                let frame = Frame::Event {
                    prefix: Arc::clone(&member.prefix),
                    payload: Arc::clone(&payload),
                };
                let is_queued = match &faults {
                    None => member.outbox.push(frame),
                    Some(active) => {
                        let realtime = FaultService::Realtime;
                        let outbox = &member.outbox;
                        let delivered = self.faults.deliver(active, realtime, *id, outbox, frame);
                        if let (Delivered::Ended(error), Some(ending)) =
                            (&delivered, &member.ending)
                        {
                            ending.end(error.clone());
                        }
                        delivered.is_queued()
                    }
                };
                delivered += usize::from(is_queued);
            }
            let each = Count::metered(0, payload.len() as u64, UNIT_BYTES);
            let count = each.times((delivered - before) as u64);
            self.usage.add(FaultService::Realtime.name(), "data", count);
        }
        debug!(mutation = mutation_field, delivered, "published");
        delivered
    }

    /// Registers a subscription and queues its acknowledgement in one step, so that no event comes before it and none
    /// after it is missed.
    pub(crate) fn subscribe(&self, subscription: Subscription, listener: Listener) -> Registration {
        let id = self.shared.next_id.fetch_add(1, Ordering::Relaxed);
        let count = Count::of(1, 0, 0);
        self.usage
            .add(FaultService::Realtime.name(), "start", count);
        let Listener {
            prefix,
            acknowledgement,
            outbox,
            ending,
        } = listener;
        let mut index = self
            .shared
            .index
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(acknowledgement) = acknowledgement {
            outbox.push(acknowledgement);
        }
        let entry = index.insert(id, subscription, &prefix, &outbox, ending.as_ref());
        drop(index);
        Registration {
            shared: Arc::clone(&self.shared),
            entry,
        }
    }

    /// Applies the fault plan to a subscription that starts. `data` is its request.
    pub(crate) fn at_start(&self, data: &[u8]) -> AtStart {
        self.faults.at_start(data)
    }

    /// Counts how long a socket was open.
    pub(crate) fn connection_ended(&self, lasted: Duration) {
        let count = Count::default().lasting(lasted);
        self.usage
            .add(FaultService::Realtime.name(), "connect", count);
    }

    /// Whether there is no subscription.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.shared
            .index
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.shared
            .index
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.entry);
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Hub").finish_non_exhaustive()
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Registration")
            .field("entry", &self.entry)
            .finish_non_exhaustive()
    }
}

fn serialize(payload: &Value, mutation: &str) -> Option<Arc<str>> {
    let text = payload.to_string();
    if text.len() > MAX_PAYLOAD_BYTES {
        warn!(
            mutation,
            bytes = text.len(),
            limit = MAX_PAYLOAD_BYTES,
            "an event is too large to be delivered"
        );
        return None;
    }
    Some(text.into())
}

#[cfg(test)]
mod tests;
