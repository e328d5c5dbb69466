//! What a template leaves open, so that it can't be had here: parameters without a value, and nested stacks.
//!
//! Neither stops the local stack from starting. What is named by them is left out, and told.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::document::Document;
use super::{Problem, Template};

/// A template of its own, which the local stack doesn't read.
pub(super) const NESTED_STACK: &str = "AWS::CloudFormation::Stack";

impl Template {
    /// Nested stacks, and the parameters without a value that something of the template is named by.
    pub fn skipped(&self) -> Vec<Problem> {
        let document = &self.main;
        let nested = document.resources_of(NESTED_STACK).map(|stack| {
            let reason = "it is a nested stack, a template of its own: it is not started here";
            stack.problem("", reason)
        });
        let mut unset: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for resource in document.resources() {
            let mut open = Vec::new();
            for (_, value) in resource.properties.into_iter().flatten() {
                collect(document, value, &mut open);
            }
            for named in open {
                if let Open::Parameter(name) = named {
                    unset.entry(name).or_default().insert(resource.id);
                }
            }
        }
        let parameters = unset.into_iter().map(|(name, resources)| Problem {
            reason: format!(
                "the parameter has no value here: what it decides is left out of {}",
                resources.into_iter().collect::<Vec<_>>().join(", ")
            ),
            logical_id: name,
            property: String::new(),
        });
        nested.chain(parameters).collect()
    }
}

/// What a value can't be had without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Open {
    Parameter(String),
    NestedStack(String),
}

impl std::fmt::Display for Open {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Parameter(name) => write!(formatter, "the parameter {name} has no value here"),
            Self::NestedStack(id) => write!(formatter, "{id} is a nested stack, which is not here"),
        }
    }
}

/// The first parameter without a value, or nested stack, that a value names anywhere within.
pub(super) fn open_value(document: &Document, value: &Value) -> Option<Open> {
    let mut open = Vec::new();
    collect(document, value, &mut open);
    open.into_iter().next()
}

/// All of them.
fn collect(document: &Document, value: &Value, open: &mut Vec<Open>) {
    match value {
        Value::Object(object) => {
            for (key, argument) in object {
                match key.as_str() {
                    "Ref" => {
                        let name = argument.as_str();
                        open.extend(name.and_then(|name| open_name(document, name)));
                    }
                    "Fn::GetAtt" => {
                        let id = match argument {
                            Value::Array(parts) => parts.first().and_then(Value::as_str),
                            text => text.as_str().and_then(|text| text.split('.').next()),
                        };
                        open.extend(id.and_then(|id| open_name(document, id)));
                    }
                    "Fn::Sub" => {
                        let text = argument.get(0).unwrap_or(argument).as_str();
                        let text = text.unwrap_or_default();
                        open.extend(in_text(document, argument.get(1), text));
                    }
                    _ => {}
                }
                collect(document, argument, open);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(document, item, open)),
        _ => {}
    }
}

/// `${Name}` and `${Name.Attribute}` of `Fn::Sub`, unless the name is one of its own.
fn in_text(document: &Document, own: Option<&Value>, text: &str) -> Vec<Open> {
    let names = text.split("${").skip(1).filter_map(|rest| {
        let name = rest.split('}').next()?;
        let is_own = own.is_some_and(|own| own.get(name).is_some());
        name.split('.').next().filter(|_| !is_own)
    });
    names.filter_map(|name| open_name(document, name)).collect()
}

fn open_name(document: &Document, name: &str) -> Option<Open> {
    if document.parameter(name).is_some() {
        let is_open = document.parameter_value(name).is_none();
        return is_open.then(|| Open::Parameter(name.to_owned()));
    }
    let stack = document.resource(name)?;
    (stack.kind == NESTED_STACK).then(|| Open::NestedStack(name.to_owned()))
}
