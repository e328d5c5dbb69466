//! A resource's properties, each of which is read, without effect here, or refused.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::document::Resource;
use super::skipped::{Open, open_value};
use super::value::{Scope, as_text};
use super::{Problem, absent};

/// The properties of a resource, or of an object within it, that nobody has looked at yet.
pub(super) struct Properties<'a> {
    scope: Scope<'a>,
    resource: Resource<'a>,
    /// Before a nested object's properties: `ScalingConfig.`
    prefix: String,
    rest: BTreeMap<&'a str, &'a Value>,
    problems: Vec<Problem>,
}

impl<'a> Properties<'a> {
    pub(super) fn of(scope: &Scope<'a>, resource: Resource<'a>) -> Self {
        let mut properties = Self::within(scope, resource, String::new(), resource.properties);
        properties
            .rest
            .retain(|property, _| absent::property(resource.kind, property).is_none());
        properties
    }

    fn within(
        scope: &Scope<'a>,
        resource: Resource<'a>,
        prefix: String,
        object: Option<&'a Map<String, Value>>,
    ) -> Self {
        let rest = object.into_iter().flatten();
        Self {
            scope: *scope,
            resource,
            prefix,
            rest: rest.map(|(name, value)| (name.as_str(), value)).collect(),
            problems: Vec::new(),
        }
    }

    /// The problems: those met so far, and every property that nobody asked for.
    pub(super) fn finish(mut self) -> Vec<Problem> {
        let rest: Vec<&str> = self.rest.keys().copied().collect();
        for name in rest {
            self.problem(name, "the local stack has nothing like it");
        }
        self.problems
    }

    pub(super) fn problem(&mut self, name: &str, reason: impl Into<String>) {
        let property = format!("{}{name}", self.prefix);
        let property = property.trim_end_matches('.');
        self.problems.push(self.resource.problem(property, reason));
    }

    /// As it is written, for what is about the resource that it names.
    pub(super) fn raw(&mut self, name: &str) -> Option<&'a Value> {
        self.rest.remove(name)
    }

    /// What a property can't be had without; then it is left out.
    pub(super) fn open(&self, name: &str) -> Option<Open> {
        open_value(self.scope.document, self.rest.get(name)?)
    }

    /// Without intrinsic functions; none if it isn't there, or is left out.
    pub(super) fn value(&mut self, name: &str) -> Option<Value> {
        let is_open = self.open(name).is_some();
        let value = self.rest.remove(name)?;
        if is_open {
            return None;
        }
        match self.scope.resolve(value) {
            Ok(value) => value,
            Err(reason) => {
                self.problem(name, reason);
                None
            }
        }
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        let value = self.value(name)?;
        let text = as_text(&value);
        if text.is_none() {
            self.problem(name, format!("it is {value}, expected a text"));
        }
        text
    }

    /// A text that must be there; empty where it isn't.
    pub(super) fn required(&mut self, name: &str) -> String {
        if !self.rest.contains_key(name) {
            self.problem(name, "it is missing");
        } else if let Some(open) = self.open(name) {
            self.problem(name, format!("it is needed, and {open}"));
        }
        self.text(name).unwrap_or_default()
    }

    /// A list of texts; empty where it isn't there.
    pub(super) fn list(&mut self, name: &str) -> Vec<String> {
        let Some(value) = self.value(name) else {
            return Vec::new();
        };
        let texts = value.as_array().and_then(|items| {
            let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
            texts.collect()
        });
        texts.unwrap_or_else(|| {
            self.problem(name, format!("it is {value}, expected a list of texts"));
            Vec::new()
        })
    }

    /// A whole number, which may be written as a text.
    pub(super) fn number(&mut self, name: &str) -> Option<u32> {
        let text = self.text(name)?;
        let number = text.parse().ok();
        if number.is_none() {
            self.problem(name, format!("it is `{text}`, expected a whole number"));
        }
        number
    }

    /// Refuses every value but these.
    pub(super) fn only(&mut self, name: &str, allowed: &[&str], otherwise: &str) {
        if let Some(text) = self.text(name)
            && !allowed.contains(&text.as_str())
        {
            self.problem(name, format!("it is `{text}`: {otherwise}"));
        }
    }

    /// The properties of an object; none if it isn't there.
    pub(super) fn nested<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        match self.rest.remove(name)? {
            Value::Object(object) => {
                let prefix = format!("{}{name}.", self.prefix);
                let mut nested = Self::within(&self.scope, self.resource, prefix, Some(object));
                let value = read(&mut nested);
                self.problems.extend(nested.finish());
                Some(value)
            }
            other => {
                self.problem(name, format!("it is {other}, expected an object"));
                None
            }
        }
    }

    /// The properties of each object of a list.
    pub(super) fn each<T>(&mut self, name: &str, mut read: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let items = match self.rest.remove(name) {
            None => return Vec::new(),
            Some(Value::Array(items)) => items,
            Some(other) => {
                self.problem(name, format!("it is {other}, expected a list"));
                return Vec::new();
            }
        };
        let mut values = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let prefix = format!("{}{name}[{index}].", self.prefix);
            let mut nested = Self::within(&self.scope, self.resource, prefix, item.as_object());
            values.push(read(&mut nested));
            self.problems.extend(nested.finish());
        }
        values
    }

    /// Every property of an object, whatever its name.
    pub(super) fn texts(&mut self) -> BTreeMap<String, String> {
        let names: Vec<&str> = self.rest.keys().copied().collect();
        names
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), self.text(name)?)))
            .collect()
    }
}
