//! An index of subscriptions by their arguments, so that a publish looks only at subscriptions that may match.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use local_kit::outbox::Outbox;
use serde_json::{Map, Value};

use super::Subscription;
use super::ending::Ending;

type Render = Arc<dyn Fn(&Value) -> Value + Send + Sync>;

/// mutation → one of the subscription's arguments → its value → selection → subscriptions.
#[derive(Default)]
pub(super) struct Index {
    mutations: HashMap<String, Filters>,
}

#[derive(Default)]
struct Filters {
    unfiltered: Groups,
    by_argument: HashMap<String, HashMap<Key, Groups>>,
}

type Groups = HashMap<Arc<str>, Group>;

/// Subscriptions that render events alike.
pub(super) struct Group {
    pub(super) render: Render,
    /// In order of subscription.
    pub(super) members: BTreeMap<u64, Member>,
}

pub(super) struct Member {
    /// The frame up to its payload.
    pub(super) prefix: Arc<str>,
    pub(super) outbox: Outbox,
    pub(super) ending: Option<Arc<Ending>>,
    /// The arguments that the index hasn't compared already.
    remaining: Map<String, Value>,
}

impl Member {
    pub(super) fn wants(&self, result: &Map<String, Value>) -> bool {
        let is_over = self.ending.as_ref().is_some_and(|ending| ending.is_over());
        let mut remaining = self.remaining.iter();
        !is_over
            && remaining
                .all(|(name, wanted)| result.get(name).is_some_and(|got| equal(wanted, got)))
    }
}

/// A subscription's keys in the index, with which it is removed.
#[derive(Debug)]
pub(super) struct IndexEntry {
    id: u64,
    mutations: Vec<String>,
    pivot: Option<(String, Key)>,
    selection_key: Arc<str>,
}

impl Index {
    pub(super) fn insert(
        &mut self,
        id: u64,
        subscription: Subscription,
        prefix: &Arc<str>,
        outbox: &Outbox,
        ending: Option<&Arc<Ending>>,
    ) -> IndexEntry {
        let mut remaining = subscription.arguments;
        let pivot = pivot(&remaining);
        if let Some((name, key)) = &pivot
            && *key != Key::Compound
        {
            remaining.shift_remove(name);
        }
        let entry = IndexEntry {
            id,
            mutations: subscription.mutations,
            pivot,
            selection_key: subscription.selection_key,
        };
        for mutation in &entry.mutations {
            let filters = self.mutations.entry(mutation.clone()).or_default();
            let groups = match &entry.pivot {
                None => &mut filters.unfiltered,
                Some((name, key)) => filters
                    .by_argument
                    .entry(name.clone())
                    .or_default()
                    .entry(key.clone())
                    .or_default(),
            };
            let group = groups
                .entry(Arc::clone(&entry.selection_key))
                .or_insert_with(|| Group {
                    render: Arc::clone(&subscription.render),
                    members: BTreeMap::new(),
                });
            let member = Member {
                prefix: Arc::clone(prefix),
                outbox: outbox.clone(),
                ending: ending.cloned(),
                remaining: remaining.clone(),
            };
            group.members.insert(id, member);
        }
        entry
    }

    pub(super) fn remove(&mut self, entry: &IndexEntry) {
        for mutation in &entry.mutations {
            let Some(filters) = self.mutations.get_mut(mutation) else {
                continue;
            };
            match &entry.pivot {
                None => remove_member(&mut filters.unfiltered, entry),
                Some((name, key)) => {
                    let Some(values) = filters.by_argument.get_mut(name) else {
                        continue;
                    };
                    if let Some(groups) = values.get_mut(key) {
                        remove_member(groups, entry);
                        if groups.is_empty() {
                            values.remove(key);
                        }
                    }
                    if values.is_empty() {
                        filters.by_argument.remove(name);
                    }
                }
            }
            if filters.unfiltered.is_empty() && filters.by_argument.is_empty() {
                self.mutations.remove(mutation);
            }
        }
    }

    /// The groups with members that may match a result. [`Member::wants`] tells which of them do.
    pub(super) fn candidates<'a>(
        &'a self,
        mutation: &str,
        result: &'a Map<String, Value>,
    ) -> impl Iterator<Item = &'a Group> {
        self.mutations
            .get(mutation)
            .into_iter()
            .flat_map(move |filters| {
                let filtered = filters
                    .by_argument
                    .iter()
                    .filter_map(|(name, values)| values.get(&Key::of(result.get(name)?)))
                    .flat_map(HashMap::values);
                filters.unfiltered.values().chain(filtered)
            })
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.mutations.is_empty()
    }
}

fn remove_member(groups: &mut Groups, entry: &IndexEntry) {
    if let Some(group) = groups.get_mut(&entry.selection_key) {
        group.members.remove(&entry.id);
        if group.members.is_empty() {
            groups.remove(&entry.selection_key);
        }
    }
}

/// The argument to index by: an id or a text before a number, and either before values that many subscriptions share.
fn pivot(arguments: &Map<String, Value>) -> Option<(String, Key)> {
    let rank = |value: &Value| match value {
        Value::String(_) => 0,
        Value::Number(_) => 1,
        Value::Bool(_) | Value::Null => 2,
        Value::Array(_) | Value::Object(_) => 3,
    };
    let (name, value) = arguments.iter().min_by_key(|(_, value)| rank(value))?;
    Some((name.clone(), Key::of(value)))
}

/// Equal for equal values. Unequal values may have the same key only if [`equal`] is still asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    Compound,
}

impl Key {
    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Bool(*flag),
            Value::Number(number) => Self::Number(canonical(number)),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(_) | Value::Object(_) => Self::Compound,
        }
    }
}

/// In JSON, 1 and 1.0 are the same number.
fn canonical(number: &serde_json::Number) -> String {
    let text = number.to_string();
    match text.strip_suffix(".0") {
        Some("-0") => "0".to_owned(),
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

fn equal(wanted: &Value, got: &Value) -> bool {
    match (wanted, got) {
        (Value::Array(wanted), Value::Array(got)) => {
            wanted.len() == got.len()
                && wanted
                    .iter()
                    .zip(got)
                    .all(|(wanted, got)| equal(wanted, got))
        }
        (Value::Object(wanted), Value::Object(got)) => {
            wanted.len() == got.len()
                && wanted
                    .iter()
                    .all(|(name, wanted)| got.get(name).is_some_and(|got| equal(wanted, got)))
        }
        (wanted, got) => {
            let key = Key::of(wanted);
            key != Key::Compound && key == Key::of(got)
        }
    }
}
