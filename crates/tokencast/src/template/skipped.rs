//! What a template leaves open, so that it can't be had here: parameters without a value, and nested stacks.
//!
//! Neither stops the local stack from starting. What is named by them is left out, and told.

use std::collections::BTreeMap;

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
        let mut unset: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for resource in document.resources() {
            let properties = resource.properties.into_iter().flatten();
            for open in properties.filter_map(|(_, value)| open_value(document, value)) {
                if let Open::Parameter(name) = open {
                    let named_by = unset.entry(name).or_default();
                    if !named_by.contains(&resource.id) {
                        named_by.push(resource.id);
                    }
                }
            }
        }
        let parameters = unset.into_iter().map(|(name, resources)| Problem {
            reason: format!(
                "the parameter has no value here: what it decides is left out of {}",
                resources.join(", ")
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
    match value {
        Value::Object(object) => object.iter().find_map(|(key, argument)| {
            let named = match key.as_str() {
                "Ref" => argument.as_str().and_then(|name| open_name(document, name)),
                "Fn::GetAtt" => {
                    let id = match argument {
                        Value::Array(parts) => parts.first().and_then(Value::as_str),
                        text => text.as_str().and_then(|text| text.split('.').next()),
                    };
                    id.and_then(|id| open_name(document, id))
                }
                "Fn::Sub" => {
                    let text = argument.get(0).unwrap_or(argument).as_str();
                    text.and_then(|text| open_in_text(document, argument.get(1), text))
                }
                _ => None,
            };
            named.or_else(|| open_value(document, argument))
        }),
        Value::Array(items) => items.iter().find_map(|item| open_value(document, item)),
        _ => None,
    }
}

/// `${Name}` or `${Name.Attribute}` of `Fn::Sub`, unless the name is one of its own.
fn open_in_text(document: &Document, own: Option<&Value>, text: &str) -> Option<Open> {
    text.split("${").skip(1).find_map(|rest| {
        let name = rest.split('}').next()?;
        let is_own = own.is_some_and(|own| own.get(name).is_some());
        let id = name.split('.').next()?;
        if is_own {
            None
        } else {
            open_name(document, id)
        }
    })
}

fn open_name(document: &Document, name: &str) -> Option<Open> {
    if document.parameter(name).is_some() {
        let is_open = document.parameter_value(name).is_none();
        return is_open.then(|| Open::Parameter(name.to_owned()));
    }
    let stack = document.resource(name)?;
    (stack.kind == NESTED_STACK).then(|| Open::NestedStack(name.to_owned()))
}
