//! A template as a file, and those beside it.

use std::path::Path;

use serde_json::{Map, Value};

use super::value::as_text;
use super::{Problem, TemplateError};

const SUFFIX: &str = ".template.json";

/// A template, not yet interpreted.
#[derive(Clone, Debug)]
pub(super) struct Document {
    root: Map<String, Value>,
}

/// A resource as it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resource<'a> {
    pub(super) id: &'a str,
    /// Such as `AWS::SQS::Queue`.
    pub(super) kind: &'a str,
    pub(super) properties: Option<&'a Map<String, Value>>,
    pub(super) condition: Option<&'a str>,
}

impl<'a> Resource<'a> {
    pub(super) fn property(&self, name: &str) -> Option<&'a Value> {
        self.properties?.get(name)
    }

    pub(super) fn problem(&self, property: &str, reason: impl Into<String>) -> Problem {
        Problem {
            logical_id: self.id.to_owned(),
            property: property.to_owned(),
            reason: reason.into(),
        }
    }
}

impl Document {
    pub(super) fn read(path: &Path) -> Result<Self, TemplateError> {
        let text = std::fs::read_to_string(path).map_err(|source| TemplateError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text).map_err(|source| TemplateError::Json {
            path: Some(path.to_owned()),
            source,
        })
    }

    pub(super) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        use serde::de::Error;

        let root: Map<String, Value> = serde_json::from_str(text)?;
        match root.get("Resources") {
            Some(Value::Object(_)) => Ok(Self { root }),
            _ => Err(serde_json::Error::custom("there are no `Resources` in it")),
        }
    }

    /// The other templates of the same folder. One that can't be read exports nothing.
    pub(super) fn beside(path: &Path) -> Vec<Self> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let Ok(entries) = std::fs::read_dir(folder) else {
            return Vec::new();
        };
        let mut files: Vec<_> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|file| {
                file.file_name() != path.file_name()
                    && file
                        .file_name()
                        .is_some_and(|name| name.to_string_lossy().ends_with(SUFFIX))
            })
            .collect();
        files.sort();
        files
            .iter()
            .filter_map(|file| Self::read(file).ok())
            .collect()
    }

    pub(super) fn resources(&self) -> impl Iterator<Item = Resource<'_>> {
        self.section("Resources")
            .map(|(id, resource)| Resource::new(id, resource))
    }

    pub(super) fn resources_of<'a>(&'a self, kind: &str) -> impl Iterator<Item = Resource<'a>> {
        self.resources()
            .filter(move |resource| resource.kind == kind)
    }

    pub(super) fn resource(&self, id: &str) -> Option<Resource<'_>> {
        let (id, resource) = self.root.get("Resources")?.as_object()?.get_key_value(id)?;
        Some(Resource::new(id, resource))
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&Value> {
        self.root.get("Parameters")?.get(name)
    }

    /// The value that a parameter has by default; none where it is to be given, or looked up, at the deployment.
    pub(super) fn parameter_value(&self, name: &str) -> Option<String> {
        let parameter = self.parameter(name)?;
        let is_plain = matches!(parameter["Type"].as_str(), Some("String" | "Number"));
        as_text(&parameter["Default"]).filter(|_| is_plain)
    }

    /// The value that an output exports under this name.
    pub(super) fn export(&self, name: &str) -> Option<&Value> {
        self.section("Outputs")
            .find(|(_, output)| output["Export"]["Name"] == name)?
            .1
            .get("Value")
    }

    fn section(&self, name: &str) -> impl Iterator<Item = (&str, &Value)> {
        let section = self.root.get(name).and_then(Value::as_object);
        section
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.as_str(), value))
    }
}

impl<'a> Resource<'a> {
    fn new(id: &'a str, resource: &'a Value) -> Self {
        Self {
            id,
            kind: resource["Type"].as_str().unwrap_or("no type"),
            properties: resource["Properties"].as_object(),
            condition: resource["Condition"].as_str(),
        }
    }
}
