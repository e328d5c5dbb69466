//! Completed values, and how a failure spreads among them.

use apollo_compiler::ast::Type;
use serde_json::{Map, Value};

use crate::errors::{GraphqlError, PathSegment, SlashPath};

/// A completed value, and the errors that occurred.
#[derive(Default)]
pub(crate) struct Completed {
    /// `None` if a field failed that can't be null. Then the parent becomes null, or fails in turn.
    pub(crate) value: Option<Value>,
    pub(crate) errors: Vec<GraphqlError>,
}

impl Completed {
    pub(super) fn value(value: Value) -> Self {
        Self {
            value: Some(value),
            errors: Vec::new(),
        }
    }

    pub(super) fn failed(error: GraphqlError) -> Self {
        Self {
            value: None,
            errors: vec![error],
        }
    }
}

/// The path from the response's root to a value.
#[derive(Clone, Copy)]
pub(crate) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    segment: Segment<'a>,
}

#[derive(Clone, Copy)]
enum Segment<'a> {
    Field(&'a str),
    Index(usize),
}

impl<'a> Path<'a> {
    pub(crate) fn field(parent: Option<&'a Path<'a>>, key: &'a str) -> Self {
        Self {
            parent,
            segment: Segment::Field(key),
        }
    }

    pub(crate) fn index(parent: &'a Path<'a>, index: usize) -> Self {
        Self {
            parent: Some(parent),
            segment: Segment::Index(index),
        }
    }

    pub(super) fn segments(&self) -> Vec<PathSegment> {
        let mut segments = self.parent.map(Path::segments).unwrap_or_default();
        segments.push(match self.segment {
            Segment::Field(name) => PathSegment::Field(name.to_owned()),
            Segment::Index(index) => PathSegment::Index(index),
        });
        segments
    }
}

/// An object of the fields' values by response key. Fails if a field failed that can't be null.
pub(crate) fn assemble<'k>(answers: impl IntoIterator<Item = (&'k str, Completed)>) -> Completed {
    let mut values = Map::new();
    let mut errors = Vec::new();
    let mut failed = false;
    for (key, mut answer) in answers {
        errors.append(&mut answer.errors);
        match answer.value {
            Some(value) => {
                values.insert(key.to_owned(), value);
            }
            None => failed = true,
        }
    }
    Completed {
        value: (!failed).then_some(Value::Object(values)),
        errors,
    }
}

pub(super) fn list(items: impl IntoIterator<Item = Completed>) -> Completed {
    let mut values = Vec::new();
    let mut errors = Vec::new();
    let mut failed = false;
    for mut item in items {
        errors.append(&mut item.errors);
        failed |= item.value.is_none();
        values.extend(item.value);
    }
    Completed {
        value: (!failed).then_some(Value::Array(values)),
        errors,
    }
}

/// A failed value becomes null if its type allows null.
pub(super) fn nullify(ty: &Type, completed: Completed) -> Completed {
    let value = completed
        .value
        .or_else(|| (!ty.is_non_null()).then_some(Value::Null));
    Completed {
        value,
        errors: completed.errors,
    }
}

pub(super) fn non_null(
    ty: &Type,
    completed: Completed,
    parent: &str,
    path: &Path<'_>,
) -> Completed {
    if ty.is_non_null() && completed.value.as_ref().is_some_and(Value::is_null) {
        let segments = path.segments();
        let message = format!(
            "Cannot return null for non-nullable type: '{}' within parent '{parent}' ({})",
            ty.inner_named_type(),
            SlashPath(&segments)
        );
        let mut errors = completed.errors;
        errors.push(at(segments, message));
        return Completed {
            value: None,
            errors,
        };
    }
    nullify(ty, completed)
}

pub(super) fn mismatch(path: &Path<'_>, expected: &str) -> GraphqlError {
    let segments = path.segments();
    let message = format!(
        "Can't resolve value ({}) : type mismatch error, expected type {expected}",
        SlashPath(&segments)
    );
    at(segments, message)
}

/// AppSync's error has no location for a value that doesn't fit.
pub(super) fn at(path: Vec<PathSegment>, message: String) -> GraphqlError {
    GraphqlError {
        message,
        path: Some(path),
        location: None,
        failure: None,
    }
}
