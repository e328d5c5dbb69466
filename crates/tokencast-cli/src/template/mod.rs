//! The local stack from a synthesized `CloudFormation` template, so that what runs here is what will be deployed.
//!
//! | module | what |
//! | --- | --- |
//! | [`absent`] | resource types and properties that have no effect here, each with its reason |
//! | `document` | the template as a file, and those beside it, whose exports it imports |
//! | `names` | what each queue, table and function is called here |
//! | `identity` | what `Ref` and `Fn::GetAtt` of a resource give here |
//! | `value` | intrinsic functions |
//! | `skipped` | what a template leaves open, and is left out here |
//! | `properties` | a resource's properties, each of which is read, without effect, or refused |
//! | `queues`, `table`, `functions`, `policies`, `event_source`, `api`, `function_url`, `websocket_api`, `users` | one kind of resource each |
//!
//! Whatever the local stack can't honour is refused by its logical id and property; all of it is told at once.

pub mod absent;
mod api;
mod document;
mod event_source;
mod function_url;
mod functions;
mod identity;
mod names;
mod policies;
mod properties;
mod queues;
mod skipped;
mod table;
#[cfg(test)]
mod tests;
mod users;
mod value;
mod websocket_api;

use std::fmt;
use std::path::{Path, PathBuf};

use local_stack::endpoints::Endpoints;
use thiserror::Error;

use self::document::Document;
use self::names::Roles;
use self::value::Scope;
use crate::stack::{Resources, StackOptions};

/// A synthesized template, with the exports of those beside it.
#[derive(Clone, Debug)]
pub struct Template {
    path: PathBuf,
    main: Document,
    beside: Vec<Document>,
}

/// Why there is no stack like the template's.
#[derive(Debug, Error)]
pub enum TemplateError {
    #[error("cannot read the template {}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the template {} is no CloudFormation template in JSON", path.display())]
    Json {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("the local stack cannot be what {} describes:{}", path.display(), listed(problems))]
    Refused {
        path: PathBuf,
        problems: Vec<Problem>,
    },
}

/// Something of a template that the local stack can't honour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Of the resource; empty if it is about the template as a whole.
    pub logical_id: String,
    /// Such as `ScalingConfig.MaximumConcurrency`; empty if it is about the resource as a whole.
    pub property: String,
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            logical_id,
            property,
            reason,
        } = self;
        match (logical_id.as_str(), property.as_str()) {
            ("", _) => write!(formatter, "{reason}"),
            (id, "") => write!(formatter, "{id}: {reason}"),
            (id, property) => write!(formatter, "{id}.{property}: {reason}"),
        }
    }
}

impl Template {
    /// Reads a template, and the `*.template.json` beside it.
    pub fn open(path: &Path) -> Result<Self, TemplateError> {
        Ok(Self {
            path: path.to_owned(),
            main: Document::read(path)?,
            beside: Document::beside(path),
        })
    }

    /// The template's resources on a stack that answers at `endpoints`.
    ///
    /// Of the options, the functions' programs, what overrides their environment, and the model count.
    pub fn resources(
        &self,
        options: &StackOptions,
        endpoints: &Endpoints,
    ) -> Result<Resources, TemplateError> {
        let mut problems = Vec::new();
        let resources = self.translate(options, endpoints, &mut problems);
        match resources {
            Some(resources) if problems.is_empty() => Ok(resources),
            _ => Err(TemplateError::Refused {
                path: self.path.clone(),
                problems,
            }),
        }
    }

    fn translate(
        &self,
        options: &StackOptions,
        endpoints: &Endpoints,
        problems: &mut Vec<Problem>,
    ) -> Option<Resources> {
        let roles = Roles::find(&self.main);
        let scope = Scope {
            document: &self.main,
            beside: &self.beside,
            roles: &roles,
            endpoints,
        };
        self.refuse_unknown(problems);
        let queues = queues::read(&scope, problems);
        let tables = table::read(&scope, problems);
        let event_sources = event_source::read(&scope, problems);
        let functions = functions::read(&scope, options, problems);
        let api = api::read(&scope, problems);
        let function_url = function_url::read(&scope, problems);
        let websocket_api = websocket_api::read(&scope, options, problems);
        let user_pool = users::read(&scope, problems);
        let names = roles.names(problems)?;
        Some(Resources {
            names,
            queues,
            tables,
            functions,
            event_sources,
            api: api?,
            function_url,
            websocket_api,
            user_pool,
        })
    }

    /// What has an effect on AWS and none here.
    fn refuse_unknown(&self, problems: &mut Vec<Problem>) {
        for resource in self.main.resources() {
            let known = absent::is_read(resource.kind);
            if resource.kind == skipped::NESTED_STACK {
                continue;
            }
            match absent::reason(resource.kind) {
                Some(reason) => {
                    tracing::info!(
                        resource = resource.id,
                        kind = resource.kind,
                        reason,
                        "without effect here"
                    );
                }
                None if known => {
                    if let Some(condition) = resource.condition {
                        problems.push(resource.problem(
                            "",
                            format!("it depends on the condition {condition}, and conditions are not evaluated"),
                        ));
                    }
                }
                None => problems.push(resource.problem(
                    "",
                    format!("the local stack has nothing like {}", resource.kind),
                )),
            }
        }
    }
}

fn listed(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(|problem| format!("\n  {problem}"))
        .collect()
}
