//! The fan-out.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;
use tracing::{debug, warn};

use super::Subscription;
use super::index::{Index, Place};
use super::outbox::{Frame, Outbox};

/// AppSync's limit for what one event carries to a subscriber.
pub const MAX_PAYLOAD_BYTES: usize = 240 * 1024;

/// Every subscription of the API.
#[derive(Clone, Default)]
pub struct Hub {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Held for reading while events are queued, which never waits; for writing only to add or remove one.
    index: RwLock<Index>,
    next_id: AtomicU64,
}

/// Where a subscription's frames go.
#[derive(Debug)]
pub(crate) struct Listener {
    /// The data frame up to its payload: `{"id":…,"type":"data","payload":`.
    pub(crate) prefix: Arc<str>,
    /// What tells the client that it is subscribed, where the protocol has that.
    pub(crate) acknowledgement: Option<Frame>,
    pub(crate) outbox: Outbox,
}

/// A subscription that is registered until this is dropped.
#[must_use]
pub(crate) struct Registration {
    shared: Arc<Shared>,
    place: Place,
}

impl Hub {
    /// Queues a mutation's result for every subscription it matches, and returns for how many. Never waits for any.
    ///
    /// A subscription matches when each of its arguments equals the result's field of that name; a field that the
    /// mutation didn't select matches none. A payload above [`MAX_PAYLOAD_BYTES`] is delivered to nobody.
    ///
    /// Every event goes through here once for each subscriber: the place to drop, repeat or reorder some on purpose.
    pub fn publish(&self, mutation_field: &str, result: &Value) -> usize {
        let Value::Object(fields) = result else {
            return 0;
        };
        let index = self
            .shared
            .index
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let mut delivered = 0;
        for group in index.candidates(mutation_field, fields) {
            let mut wanting = group
                .members
                .values()
                .filter(|member| member.wants(fields))
                .peekable();
            if wanting.peek().is_none() {
                continue;
            }
            let Some(payload) = serialize(&(group.render)(result), mutation_field) else {
                continue;
            };
            for member in wanting {
                let frame = Frame::Event {
                    prefix: Arc::clone(&member.prefix),
                    payload: Arc::clone(&payload),
                };
                delivered += usize::from(member.outbox.push(frame));
            }
        }
        debug!(mutation = mutation_field, delivered, "published");
        delivered
    }

    /// Registers, and queues the acknowledgement, in one step: no event comes before it and none after it is missed.
    pub(crate) fn subscribe(&self, subscription: Subscription, listener: Listener) -> Registration {
        let id = self.shared.next_id.fetch_add(1, Ordering::Relaxed);
        let mut index = self
            .shared
            .index
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(acknowledgement) = listener.acknowledgement {
            listener.outbox.push(acknowledgement);
        }
        let place = index.insert(id, subscription, &listener.prefix, &listener.outbox);
        drop(index);
        Registration {
            shared: Arc::clone(&self.shared),
            place,
        }
    }

    /// Whether nobody is subscribed.
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
            .remove(&self.place);
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
            .field("place", &self.place)
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
mod tests {
    use std::sync::atomic::AtomicUsize;

    use serde_json::json;

    use super::*;
    use crate::appsync::subscriptions::outbox::{Inbox, OutboxLimits, outbox};

    fn subscription(arguments: Value) -> Subscription {
        let Value::Object(arguments) = arguments else {
            panic!("arguments are an object")
        };
        Subscription {
            field: "onToken".into(),
            mutations: vec!["publishToken".into()],
            arguments,
            selection_key: "{token}".into(),
            render: Arc::new(
                |result| json!({ "data": { "onToken": { "token": result["token"] } } }),
            ),
        }
    }

    fn listen(
        hub: &Hub,
        subscription: Subscription,
        limits: OutboxLimits,
    ) -> (Registration, Inbox) {
        let (outbox, inbox) = outbox(limits);
        let listener = Listener {
            prefix: r#"{"id":"1","payload":"#.into(),
            acknowledgement: None,
            outbox,
        };
        (hub.subscribe(subscription, listener), inbox)
    }

    fn received(inbox: &mut Inbox) -> Vec<String> {
        std::iter::from_fn(|| inbox.try_next())
            .map(|frame| frame.into_message().into_text().expect("text").to_string())
            .collect()
    }

    fn check(arguments: Value, result: &Value, expected: bool) {
        let hub = Hub::default();
        let shown = format!("{arguments} {result}");
        let (registration, mut inbox) =
            listen(&hub, subscription(arguments), OutboxLimits::default());
        assert_eq!(
            hub.publish("publishToken", result),
            usize::from(expected),
            "{shown}"
        );
        assert_eq!(received(&mut inbox).len(), usize::from(expected), "{shown}");
        assert_eq!(hub.publish("another", result), 0);
        drop(registration);
        assert!(hub.is_empty(), "{shown}");
        assert_eq!(hub.publish("publishToken", result), 0);
    }

    #[test]
    fn arguments_filter_on_the_result() {
        check(json!({}), &json!({"token": "a"}), true);
        check(json!({"id": "x"}), &json!({"id": "x"}), true);
        check(json!({"id": "x"}), &json!({"id": "y"}), false);
        check(json!({"id": "x"}), &json!({"token": "a"}), false);
        check(json!({"id": "x"}), &json!({"id": null}), false);
        check(json!({"id": null}), &json!({"id": null}), true);
        check(json!({"id": null}), &json!({"id": "x"}), false);
        check(json!({"id": null}), &json!({}), false);
        check(json!({"id": "1"}), &json!({"id": 1}), false);
        check(json!({"n": 1}), &json!({"n": 1.0}), true);
        check(json!({"n": 1.5}), &json!({"n": 1.5}), true);
        check(json!({"n": 1}), &json!({"n": 2}), false);
        check(json!({"done": true}), &json!({"done": true}), true);
        check(json!({"done": true}), &json!({"done": false}), false);
        check(
            json!({"id": "x", "done": true}),
            &json!({"id": "x", "done": true}),
            true,
        );
        check(
            json!({"id": "x", "done": true}),
            &json!({"id": "x", "done": false}),
            false,
        );
        check(json!({"id": "x", "done": true}), &json!({"id": "x"}), false);
        check(
            json!({"tags": ["a", 1]}),
            &json!({"tags": ["a", 1.0]}),
            true,
        );
        check(json!({"tags": ["a"]}), &json!({"tags": ["b"]}), false);
        check(
            json!({"at": {"x": 1, "y": 2}}),
            &json!({"at": {"y": 2, "x": 1}}),
            true,
        );
        check(
            json!({"at": {"x": 1}}),
            &json!({"at": {"x": 1, "y": 2}}),
            false,
        );
        check(json!({}), &Value::Null, false);
    }

    #[test]
    fn an_event_is_rendered_once_for_equal_selections() {
        let hub = Hub::default();
        let renders = Arc::new(AtomicUsize::new(0));
        let counted = |key: &str| {
            let renders = Arc::clone(&renders);
            let render = move |result: &Value| {
                renders.fetch_add(1, Ordering::Relaxed);
                result.clone()
            };
            Subscription {
                selection_key: key.into(),
                render: Arc::new(render),
                ..subscription(json!({"id": "x"}))
            }
        };
        let mut listeners: Vec<_> = ["a", "a", "a", "b"]
            .map(|key| listen(&hub, counted(key), OutboxLimits::default()))
            .into_iter()
            .collect();
        assert_eq!(hub.publish("publishToken", &json!({"id": "x"})), 4);
        assert_eq!(renders.load(Ordering::Relaxed), 2);
        assert_eq!(hub.publish("publishToken", &json!({"id": "y"})), 0);
        assert_eq!(renders.load(Ordering::Relaxed), 2);
        for (_, inbox) in &mut listeners {
            assert_eq!(received(inbox), [r#"{"id":"1","payload":{"id":"x"}}"#]);
        }
    }

    #[test]
    fn one_that_does_not_read_delays_nobody() {
        let hub = Hub::default();
        let few = OutboxLimits {
            frames: 10,
            bytes: 1 << 20,
        };
        let (_stalled, mut unread) = listen(&hub, subscription(json!({})), few);
        let (_reading, mut read) = listen(&hub, subscription(json!({})), OutboxLimits::default());
        for token in 0..100 {
            hub.publish("publishToken", &json!({ "token": token }));
        }
        assert_eq!(received(&mut read).len(), 100);
        assert_eq!(received(&mut unread).len(), 10);
    }

    #[test]
    fn a_payload_above_the_limit_is_not_delivered() {
        let hub = Hub::default();
        let (_registration, mut inbox) =
            listen(&hub, subscription(json!({})), OutboxLimits::default());
        assert_eq!(
            hub.publish(
                "publishToken",
                &json!({"token": "x".repeat(MAX_PAYLOAD_BYTES)})
            ),
            0
        );
        let frame = r#"{"data":{"onToken":{"token":""}}}"#.len();
        assert_eq!(
            hub.publish(
                "publishToken",
                &json!({"token": "x".repeat(MAX_PAYLOAD_BYTES - frame)})
            ),
            1
        );
        assert_eq!(received(&mut inbox).len(), 1);
    }

    #[test]
    fn the_acknowledgement_comes_first() {
        let hub = Hub::default();
        let (outbox, mut inbox) = outbox(OutboxLimits::default());
        let acknowledgement = Some(Frame::Text("ack".into()));
        let listener = Listener {
            prefix: "{".into(),
            acknowledgement,
            outbox,
        };
        let _registration = hub.subscribe(subscription(json!({})), listener);
        hub.publish("publishToken", &json!({"token": "a"}));
        assert_eq!(
            received(&mut inbox),
            ["ack", r#"{{"data":{"onToken":{"token":"a"}}}}"#]
        );
    }
}
