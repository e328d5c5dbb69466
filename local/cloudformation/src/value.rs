//! Evaluates intrinsic functions against the local stack.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Map, Value};

use super::document::{Document, Resource};
use super::names::Names;
use super::{Inputs, identity};

/// Where the names in a value are looked up.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) document: &'a Document,
    pub(super) beside: &'a [Document],
    /// Where the template is, with what it deploys; none if it was parsed from a text.
    pub(super) folder: Option<&'a Path>,
    pub(super) names: &'a Names,
    pub(super) inputs: &'a Inputs<'a>,
}

/// Returns the resource that a whole value refers to, by `Ref` or `Fn::GetAtt`.
pub(super) fn target(value: &Value) -> Option<&str> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    if let Some(id) = object.get("Ref") {
        return id.as_str();
    }
    match object.get("Fn::GetAtt")? {
        Value::String(text) => text.split_once('.').map(|(id, _)| id),
        Value::Array(parts) => parts.first()?.as_str(),
        _ => None,
    }
}

/// Returns the resource of a kind that a value refers to at any depth, such as a function in a URI.
pub(super) fn mentioned<'a>(
    document: &'a Document,
    value: &Value,
    kind: &str,
) -> Option<Resource<'a>> {
    if let Some(resource) = target(value).and_then(|id| document.resource(id))
        && resource.kind == kind
    {
        return Some(resource);
    }
    match value {
        Value::Object(object) => object
            .values()
            .find_map(|within| mentioned(document, within, kind)),
        Value::Array(items) => items
            .iter()
            .find_map(|within| mentioned(document, within, kind)),
        _ => None,
    }
}

impl Scope<'_> {
    /// Evaluates the intrinsic functions of a value; `None` is `AWS::NoValue`.
    pub(super) fn resolve(&self, value: &Value) -> Result<Option<Value>, String> {
        match value {
            Value::Object(object) => match object.iter().next() {
                Some((name, argument))
                    if object.len() == 1
                        && (name == "Ref" || name == "Condition" || name.starts_with("Fn::")) =>
                {
                    self.call(name, argument)
                }
                _ => self.object(object).map(Some),
            },
            Value::Array(items) => {
                let items: Result<Vec<_>, _> =
                    items.iter().map(|item| self.resolve(item)).collect();
                Ok(Some(Value::Array(items?.into_iter().flatten().collect())))
            }
            plain => Ok(Some(plain.clone())),
        }
    }

    fn object(&self, object: &Map<String, Value>) -> Result<Value, String> {
        let mut resolved = Map::new();
        for (name, value) in object {
            if let Some(value) = self.resolve(value)? {
                resolved.insert(name.clone(), value);
            }
        }
        Ok(Value::Object(resolved))
    }

    fn call(&self, function: &str, argument: &Value) -> Result<Option<Value>, String> {
        let unfit = || format!("`{function}` has an argument that makes no sense: {argument}");
        let text = match function {
            "Ref" => {
                let name = argument.as_str().ok_or_else(unfit)?;
                if name == "AWS::NoValue" {
                    return Ok(None);
                }
                self.reference(name)?
            }
            "Fn::GetAtt" => {
                let (id, attribute) = match argument {
                    Value::String(text) => text.split_once('.').ok_or_else(unfit)?,
                    Value::Array(parts) => match &parts[..] {
                        [Value::String(id), Value::String(attribute)] => {
                            (id.as_str(), attribute.as_str())
                        }
                        _ => return Err(unfit()),
                    },
                    _ => return Err(unfit()),
                };
                self.attribute(id, attribute)?
            }
            "Fn::Sub" => self.substitute(argument)?.ok_or_else(unfit)?,
            "Fn::Join" => match self.arguments(argument)?.as_slice() {
                [Value::String(between), Value::Array(parts)] => {
                    let parts: Option<Vec<_>> = parts.iter().map(as_text).collect();
                    parts.ok_or_else(unfit)?.join(between)
                }
                _ => return Err(unfit()),
            },
            "Fn::Select" => match self.arguments(argument)?.as_slice() {
                [index, Value::Array(items)] => {
                    let index = as_text(index).and_then(|index| index.parse::<usize>().ok());
                    let item = index.and_then(|index| items.get(index));
                    return Ok(Some(item.ok_or_else(unfit)?.clone()));
                }
                _ => return Err(unfit()),
            },
            "Fn::Split" => match self.arguments(argument)?.as_slice() {
                [Value::String(at), Value::String(text)] => {
                    return Ok(Some(text.split(at.as_str()).collect()));
                }
                _ => return Err(unfit()),
            },
            "Fn::ImportValue" => {
                let name = self.resolve(argument)?;
                let name = name.as_ref().and_then(Value::as_str).ok_or_else(unfit)?;
                return self.import(name);
            }
            other => {
                return Err(format!(
                    "`{other}` is an intrinsic function that is not evaluated here"
                ));
            }
        };
        Ok(Some(Value::String(text)))
    }

    fn arguments(&self, argument: &Value) -> Result<Vec<Value>, String> {
        match self.resolve(argument)? {
            Some(Value::Array(arguments)) => Ok(arguments),
            _ => Err(format!("a list of arguments was expected, not {argument}")),
        }
    }

    fn reference(&self, name: &str) -> Result<String, String> {
        if let Some(pseudo) = self.pseudo_parameter(name) {
            return pseudo;
        }
        if self.document.parameter(name).is_some() {
            let value = self.document.parameter_value(name);
            return value.ok_or_else(|| format!("the parameter {name} has no value here"));
        }
        match self.document.resource(name) {
            Some(resource) => identity::reference(self, &resource),
            None => Err(format!("there is no {name} in the template")),
        }
    }

    fn attribute(&self, id: &str, attribute: &str) -> Result<String, String> {
        match self.document.resource(id) {
            Some(resource) => identity::attribute(self, &resource, attribute),
            None => Err(format!("there is no {id} in the template")),
        }
    }

    fn pseudo_parameter(&self, name: &str) -> Option<Result<String, String>> {
        let name = name.strip_prefix("AWS::")?;
        let endpoints = self.inputs.endpoints;
        Some(match name {
            "Region" => Ok(endpoints.region.clone()),
            "AccountId" => Ok(endpoints.account_id.clone()),
            "Partition" => Ok("aws".to_owned()),
            "URLSuffix" => Ok("amazonaws.com".to_owned()),
            "StackName" => Ok("local".to_owned()),
            "StackId" => Ok(format!(
                "arn:aws:cloudformation:{}:{}:stack/local/local",
                endpoints.region, endpoints.account_id
            )),
            _ => Err(format!("`AWS::{name}` has no value here")),
        })
    }

    /// Evaluates `${Name}`, `${Name.Attribute}` and `${!Literal}`; `None` if the argument isn't valid for `Fn::Sub`.
    fn substitute(&self, argument: &Value) -> Result<Option<String>, String> {
        let (text, own) = match argument {
            Value::String(text) => (text, None),
            Value::Array(parts) => match &parts[..] {
                [Value::String(text), Value::Object(own)] => (text, Some(own)),
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        let mut substituted = String::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            substituted.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                return Ok(None);
            };
            rest = after;
            if let Some(literal) = name.strip_prefix('!') {
                // Writing to a string never fails.
                let _ = write!(substituted, "${{{literal}}}");
            } else if let Some(value) = own.and_then(|own| own.get(name)) {
                match self.resolve(value)?.as_ref().and_then(as_text) {
                    Some(value) => substituted.push_str(&value),
                    None => return Ok(None),
                }
            } else if let Some((id, attribute)) = name.split_once('.') {
                substituted.push_str(&self.attribute(id, attribute)?);
            } else {
                substituted.push_str(&self.reference(name)?);
            }
        }
        substituted.push_str(rest);
        Ok(Some(substituted))
    }

    fn import(&self, name: &str) -> Result<Option<Value>, String> {
        let exported = self
            .beside
            .iter()
            .find_map(|document| Some((document, document.export(name)?)));
        let Some((document, value)) = exported else {
            return Err(format!("no template beside this one exports {name}"));
        };
        // An export that imports a value imports it from another stack, so the lookup can't come back here.
        Scope {
            document,
            beside: &[],
            ..*self
        }
        .resolve(value)
    }
}

/// Returns a text, or what `CloudFormation` takes for one.
pub(super) fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}
