//! Makes the config of a local stack from a synthesized `CloudFormation` template, so that what runs here is what will
//! be deployed.
//!
//! | module | what |
//! | --- | --- |
//! | [`absent`] | resource types and properties that have no effect here, each with its reason |
//! | `document` | the template as a file, and those beside it, whose exports it imports |
//! | [`Part`], [`Trigger`], `names` | what each queue, table and function is called here |
//! | `identity` | what `Ref` and `Fn::GetAtt` of a resource give here |
//! | `value` | intrinsic functions |
//! | `skipped` | what a template leaves open, and is left out here |
//! | `properties` | a resource's properties, each of which is read, without effect, or refused |
//! | `queues`, `table`, `functions`, `layers`, `policies`, `event_source`, `api`, `function_url`, `websocket_api`, `users` | one kind of resource each |
//!
//! Whatever the local stack can't honour is refused by its logical id and property. All problems are reported at once.

pub mod absent;
mod api;
mod document;
mod event_source;
mod function_url;
mod functions;
mod identity;
mod layers;
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

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use local_stack::StackConfig;
use local_stack::appsync::realtime::RealtimeLimits;
use local_stack::config::{AccessConfig, ModelConfig, UserPoolConfig};
use local_stack::endpoints::Endpoints;
use local_stack::faults::FaultPlan;
use thiserror::Error;

pub use self::names::{Part, Trigger};

use self::document::Document;
use self::names::Names;
use self::value::Scope;

/// A synthesized template, with the exports of the templates in the same folder.
#[derive(Clone, Debug)]
pub struct Template {
    /// The template's file; none if it was parsed from a text.
    path: Option<PathBuf>,
    main: Document,
    beside: Vec<Document>,
}

/// What a stack needs besides a template.
pub struct Inputs<'a> {
    /// The addresses of the stack, which environments and policies name.
    pub endpoints: &'a Endpoints,
    /// Names a resource that the template doesn't name. Without a name from here either, the resource has its logical
    /// id as its name.
    pub name: &'a dyn Fn(Part<'_>) -> Option<String>,
    /// Returns how to run a function, or why it can't be run.
    pub program: &'a dyn Fn(Trigger) -> Result<Program, String>,
    /// Replaces the template's pool. The pool's id (if the template names one) and the lifetime of its tokens come from
    /// the template.
    pub user_pool: UserPoolConfig,
    /// The model that answers in place of Amazon Bedrock's.
    pub model: ModelConfig,
}

/// A program that speaks Lambda's Runtime API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub program: PathBuf,
    pub args: Vec<OsString>,
}

/// Why the local stack can't be what a template describes.
#[derive(Debug, Error)]
pub enum TemplateError {
    #[error("cannot read the template {}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{} is no CloudFormation template in JSON", named(path.as_deref()))]
    Json {
        /// The template's file; none if it was parsed from a text.
        path: Option<PathBuf>,
        source: serde_json::Error,
    },
    #[error("the local stack cannot be what {} describes:{}", named(path.as_deref()), listed(problems))]
    Refused {
        /// The template's file; none if it was parsed from a text.
        path: Option<PathBuf>,
        problems: Vec<Problem>,
    },
}

/// Something in a template that the local stack can't honour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The resource's logical id; empty if the problem is about the template as a whole.
    pub logical_id: String,
    /// The property, such as `ScalingConfig.MaximumConcurrency`; empty if the problem is about the resource as a whole.
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
    /// Reads a template from its text. It can't import anything from other templates.
    ///
    /// # Errors
    ///
    /// If the text is not a template in JSON.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let main =
            Document::parse(text).map_err(|source| TemplateError::Json { path: None, source })?;
        Ok(Self {
            path: None,
            main,
            beside: Vec::new(),
        })
    }

    /// Reads a template from a file, and the other `*.template.json` files of its folder.
    ///
    /// # Errors
    ///
    /// If the file can't be read, or is not a template in JSON.
    pub fn open(path: &Path) -> Result<Self, TemplateError> {
        Ok(Self {
            path: Some(path.to_owned()),
            main: Document::read(path)?,
            beside: Document::beside(path),
        })
    }

    /// Returns the template's resources as the config of a local stack. Settings that the template doesn't give have
    /// their defaults.
    ///
    /// # Errors
    ///
    /// If the local stack can't be what the template describes. The error lists every problem.
    pub fn stack_config(&self, inputs: &Inputs<'_>) -> Result<StackConfig, TemplateError> {
        let mut problems = Vec::new();
        let config = self.translate(inputs, &mut problems);
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(TemplateError::Refused {
                path: self.path.clone(),
                problems,
            }),
        }
    }

    fn translate(&self, inputs: &Inputs<'_>, problems: &mut Vec<Problem>) -> Option<StackConfig> {
        let names = Names::find(&self.main, inputs.name);
        let scope = Scope {
            document: &self.main,
            beside: &self.beside,
            folder: self.folder(),
            names: &names,
            inputs,
        };
        self.refuse_unknown(problems);
        let queues = queues::read(&scope, problems);
        let tables = table::read(&scope, problems);
        let event_sources = event_source::read(&scope, problems);
        layers::refuse_unknown(&scope, problems);
        let functions = functions::read(&scope, problems);
        let api = api::read(&scope, problems);
        let function_url = function_url::read(&scope, problems);
        let websocket_api = websocket_api::read(&scope, problems);
        let user_pool = users::read(&scope, problems);
        Some(StackConfig {
            queues,
            tables,
            functions,
            event_sources,
            function_urls: function_url.into_iter().collect(),
            websocket_apis: websocket_api.into_iter().collect(),
            api: api?,
            realtime: RealtimeLimits::default(),
            user_pool,
            model: inputs.model.clone(),
            guardrails: Vec::new(),
            faults: FaultPlan::default(),
            control: false,
            access: AccessConfig::default(),
        })
    }

    /// Returns the folder that the synthesis left the template in, with what it deploys; none if the template was parsed
    /// from a text.
    fn folder(&self) -> Option<&Path> {
        let folder = self.path.as_deref()?.parent()?;
        Some(if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        })
    }

    /// Returns what has an effect on AWS and none here.
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

/// Names a template in a message, by its file if it has one.
fn named(path: Option<&Path>) -> String {
    match path {
        Some(path) => path.display().to_string(),
        None => "the template".to_owned(),
    }
}

fn listed(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(|problem| format!("\n  {problem}"))
        .collect()
}
