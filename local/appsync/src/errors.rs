//! The errors of a GraphQL response in AppSync's shape, and the errors of a configuration.

use std::fmt;

use serde_json::{Map, Value, json};
use thiserror::Error;

/// One entry of a response's `errors`.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphqlError {
    pub message: String,
    pub path: Option<Vec<PathSegment>>,
    pub location: Option<Location>,
    /// Set where AppSync sends an `errorType`: for resolver failures and refusals, not for validation errors.
    pub failure: Option<Box<Failure>>,
}

/// What a resolver reports besides the message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Failure {
    pub error_type: Option<String>,
    pub data: Value,
    pub error_info: Value,
}

/// A position in the document, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    pub line: usize,
    pub column: usize,
}

/// A step from the response's root to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathSegment {
    Field(String),
    Index(usize),
}

impl GraphqlError {
    /// An error of the request as a whole: `{"path":null,"locations":…,"message":…}`.
    pub fn request(message: impl Into<String>, location: Option<Location>) -> Self {
        Self {
            message: message.into(),
            path: None,
            location,
            failure: None,
        }
    }

    /// A refusal with an `errorType`, such as `UnsupportedOperation`.
    pub fn typed(error_type: impl Into<String>, message: impl Into<String>) -> Self {
        let failure = Failure {
            error_type: Some(error_type.into()),
            ..Failure::default()
        };
        Self {
            message: message.into(),
            path: None,
            location: None,
            failure: Some(Box::new(failure)),
        }
    }

    /// The `errorType`, if AppSync sends one.
    pub fn error_type(&self) -> Option<&str> {
        self.failure
            .as_ref()
            .and_then(|failure| failure.error_type.as_deref())
    }

    /// The error as an entry of the response.
    pub fn to_json(&self) -> Value {
        let mut fields = Map::new();
        fields.insert(
            "path".into(),
            json!(
                self.path
                    .as_ref()
                    .map(|path| path.iter().map(PathSegment::to_json).collect::<Vec<_>>())
            ),
        );
        if let Some(failure) = &self.failure {
            fields.insert("data".into(), failure.data.clone());
            fields.insert("errorType".into(), json!(failure.error_type));
            fields.insert("errorInfo".into(), failure.error_info.clone());
        }
        let locations = self
            .location
            .map(|at| json!([{"line": at.line, "column": at.column, "sourceName": null}]));
        fields.insert("locations".into(), json!(locations));
        fields.insert("message".into(), json!(self.message));
        Value::Object(fields)
    }
}

impl PathSegment {
    fn to_json(&self) -> Value {
        match self {
            Self::Field(name) => json!(name),
            Self::Index(index) => json!(index),
        }
    }
}

/// A path as AppSync's messages write it: `/items[0]/name`.
pub(crate) struct SlashPath<'a>(pub(crate) &'a [PathSegment]);

impl fmt::Display for SlashPath<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|segment| match segment {
            PathSegment::Field(name) => write!(formatter, "/{name}"),
            PathSegment::Index(index) => write!(formatter, "[{index}]"),
        })
    }
}

/// Why a configuration isn't allowed.
#[derive(Debug, Error)]
pub enum ApiConfigError {
    #[error("the schema is not valid:\n{0}")]
    Schema(String),
    #[error(
        "a resolver is configured for `{type_name}.{field_name}`, which the schema does not have"
    )]
    UnknownField {
        type_name: String,
        field_name: String,
    },
    #[error("more than one resolver is configured for `{type_name}.{field_name}`")]
    DuplicateResolver {
        type_name: String,
        field_name: String,
    },
    #[error(
        "`Subscription.{field}` names `{mutation}` in @aws_subscribe, which is no mutation of the schema"
    )]
    UnknownMutation { field: String, mutation: String },
    #[error(
        "`Subscription.{field}` and `Mutation.{mutation}`, which it names in @aws_subscribe, have different types"
    )]
    MutationType { field: String, mutation: String },
    #[error("the code of the resolver of `{type_name}.{field_name}` can't be used")]
    Code {
        type_name: String,
        field_name: String,
        #[source]
        source: CodeError,
    },
    #[error("the threads that run resolvers' code can't be started")]
    Threads(#[source] std::io::Error),
}

/// What is wrong with an `APPSYNC_JS` resolver's code.
#[derive(Debug, Error)]
pub enum CodeError {
    #[error("it has {bytes} bytes, and at most {limit} are allowed")]
    TooLong { bytes: usize, limit: usize },
    #[error("line {line}: {rule}")]
    Rule { line: usize, rule: String },
    #[error("{0}")]
    Load(String),
    #[error("it does not export a function `{0}`")]
    MissingFunction(&'static str),
}
