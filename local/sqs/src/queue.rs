//! One queue's messages: which are visible, in flight or delayed, and until when.
//!
//! Nothing here waits, locks or reads a clock: `store` does.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use tokio::sync::Notify;
use uuid::Uuid;

use super::attributes::Attributes;
use super::message::Message;

/// AWS's limit on a standard queue's messages in flight.
pub(crate) const MAX_IN_FLIGHT: usize = 120_000;

/// A message's position in the order of arrival.
type Slot = u64;
/// When a message becomes visible, then its order of arrival.
type Key = (i64, Slot);
/// `MessageGroupId`, which fair queueing uses.
type Group = Option<String>;

#[derive(Debug, Default)]
pub(crate) struct Queue {
    pub attributes: Attributes,
    pub tags: BTreeMap<String, String>,
    pub created_ms: i64,
    pub modified_ms: i64,
    pub purged_ms: Option<i64>,
    /// Wakes long polls when something may have become visible.
    pub changed: Arc<Notify>,
    next_slot: Slot,
    messages: HashMap<Slot, Message>,
    slots: HashMap<Uuid, Slot>,
    ready: BTreeMap<Group, BTreeSet<Key>>,
    /// Messages that are delayed or in flight, and those that arrived since [`Queue::settle`].
    hidden: BTreeSet<Key>,
    by_age: BTreeSet<Key>,
    in_flight: HashMap<Group, usize>,
}

/// `ApproximateNumberOfMessages…`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub visible: usize,
    pub in_flight: usize,
    pub delayed: usize,
}

impl Queue {
    pub(crate) fn put(&mut self, message: Message) {
        let slot = self.next_slot;
        self.next_slot += 1;
        self.slots.insert(message.id, slot);
        self.by_age.insert((message.sent_ms, slot));
        self.link(slot, &message);
        self.messages.insert(slot, message);
    }

    pub(crate) fn get(&self, id: Uuid) -> Option<&Message> {
        self.messages.get(self.slots.get(&id)?)
    }

    /// All messages, the oldest arrival first.
    pub(crate) fn messages(&self) -> Vec<&Message> {
        let mut all: Vec<_> = self.messages.iter().collect();
        all.sort_unstable_by_key(|(slot, _)| **slot);
        all.into_iter().map(|(_, message)| message).collect()
    }

    pub(crate) fn remove(&mut self, id: Uuid) -> Option<Message> {
        let slot = self.slots.remove(&id)?;
        let message = self.messages.remove(&slot)?;
        self.by_age.remove(&(message.sent_ms, slot));
        self.unlink(slot, &message);
        Some(message)
    }

    pub(crate) fn clear(&mut self) {
        for id in self.slots.keys().copied().collect::<Vec<_>>() {
            self.remove(id);
        }
    }

    /// Changes a message, then moves it to the set that it belongs to.
    pub(crate) fn update(&mut self, id: Uuid, change: impl FnOnce(&mut Message)) {
        let Some(slot) = self.slots.get(&id).copied() else {
            return;
        };
        let Some(mut message) = self.messages.remove(&slot) else {
            return;
        };
        self.unlink(slot, &message);
        change(&mut message);
        self.link(slot, &message);
        self.messages.insert(slot, message);
    }

    /// Makes due messages visible, and drops those older than the retention period.
    pub(crate) fn settle(&mut self, now_ms: i64) {
        let retention_ms = i64::from(self.attributes.retention_s) * 1_000;
        while let Some((sent_ms, slot)) = self.by_age.first().copied() {
            if sent_ms + retention_ms > now_ms {
                break;
            }
            match self.messages.get(&slot).map(|message| message.id) {
                Some(id) => drop(self.remove(id)),
                None => drop(self.by_age.pop_first()),
            }
        }
        while let Some((visible_ms, slot)) = self.hidden.first().copied() {
            if visible_ms > now_ms {
                break;
            }
            self.hidden.pop_first();
            let Some(message) = self.messages.get_mut(&slot) else {
                continue;
            };
            if std::mem::take(&mut message.in_flight) {
                release(&mut self.in_flight, &message.group);
            }
            self.ready
                .entry(message.group.clone())
                .or_default()
                .insert((visible_ms, slot));
        }
    }

    /// The next message to receive: from the group with the fewest messages in flight, the one that has been visible
    /// for longest. This is fair queueing: a busy group doesn't delay a quiet one.
    pub(crate) fn next_visible(&self) -> Option<&Message> {
        let first_of = |(group, keys): (&Group, &BTreeSet<Key>)| {
            let first = *keys.first()?;
            Some((self.in_flight.get(group).copied().unwrap_or(0), first))
        };
        let (_, (_, slot)) = self.ready.iter().filter_map(first_of).min()?;
        self.messages.get(&slot)
    }

    /// When the next hidden message becomes visible.
    pub(crate) fn next_change_ms(&self) -> Option<i64> {
        self.hidden.first().map(|(visible_ms, _)| *visible_ms)
    }

    pub(crate) fn counts(&self) -> Counts {
        let in_flight = self.in_flight.values().sum();
        let visible = self.ready.values().map(BTreeSet::len).sum();
        Counts {
            visible,
            in_flight,
            delayed: self.hidden.len() - in_flight,
        }
    }

    fn link(&mut self, slot: Slot, message: &Message) {
        self.hidden.insert((message.visible_ms, slot));
        if message.in_flight {
            *self.in_flight.entry(message.group.clone()).or_default() += 1;
        }
    }

    fn unlink(&mut self, slot: Slot, message: &Message) {
        let key = (message.visible_ms, slot);
        if self.hidden.remove(&key) {
            if message.in_flight {
                release(&mut self.in_flight, &message.group);
            }
        } else if let Some(keys) = self.ready.get_mut(&message.group) {
            keys.remove(&key);
            if keys.is_empty() {
                self.ready.remove(&message.group);
            }
        }
    }
}

fn release(in_flight: &mut HashMap<Group, usize>, group: &Group) {
    if let Some(count) = in_flight.get_mut(group) {
        *count -= 1;
        if *count == 0 {
            in_flight.remove(group);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &str, group: Option<&str>, visible_ms: i64) -> Message {
        Message {
            id: Uuid::new_v4(),
            body: body.to_owned(),
            attributes: BTreeMap::new(),
            group: group.map(str::to_owned),
            trace_header: None,
            sent_ms: 0,
            receive_count: 0,
            first_received_ms: None,
            visible_ms,
            in_flight: false,
            dead_letter_source: None,
        }
    }

    fn take(queue: &mut Queue, now_ms: i64) -> Option<String> {
        queue.settle(now_ms);
        let next = queue.next_visible()?;
        let (id, body) = (next.id, next.body.clone());
        queue.update(id, |message| {
            message.in_flight = true;
            message.visible_ms = now_ms + 1_000;
        });
        Some(body)
    }

    #[test]
    fn a_busy_group_delays_no_quiet_one() {
        let mut queue = Queue::default();
        for n in 0..100 {
            queue.put(message(&format!("busy {n}"), Some("busy"), 0));
        }
        queue.put(message("quiet", Some("quiet"), 0));
        assert_eq!(take(&mut queue, 1).as_deref(), Some("busy 0"));
        assert_eq!(take(&mut queue, 1).as_deref(), Some("quiet"));
        assert_eq!(take(&mut queue, 1).as_deref(), Some("busy 1"));
    }

    #[test]
    fn counts_follow_a_message_through_its_states() {
        let mut queue = Queue::default();
        queue.put(message("delayed", None, 500));
        queue.settle(0);
        assert_eq!(
            queue.counts(),
            Counts {
                visible: 0,
                in_flight: 0,
                delayed: 1
            }
        );
        assert_eq!(queue.next_change_ms(), Some(500));
        queue.settle(500);
        assert_eq!(
            queue.counts(),
            Counts {
                visible: 1,
                in_flight: 0,
                delayed: 0
            }
        );
        assert!(take(&mut queue, 500).is_some());
        assert_eq!(
            queue.counts(),
            Counts {
                visible: 0,
                in_flight: 1,
                delayed: 0
            }
        );
        queue.settle(1_500);
        assert_eq!(
            queue.counts(),
            Counts {
                visible: 1,
                in_flight: 0,
                delayed: 0
            }
        );
        queue.settle(i64::from(queue.attributes.retention_s) * 1_000);
        assert_eq!(queue.counts(), Counts::default());
        assert!(queue.messages().is_empty());
    }
}
