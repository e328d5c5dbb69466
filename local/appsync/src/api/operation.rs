//! Executes queries and mutations, from the request's text to the response.

use std::sync::Arc;

use apollo_compiler::ast::OperationType;
use apollo_compiler::executable::Operation;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::completed::{Completed, Path, assemble};
use super::document::{Document, DocumentError};
use super::execute::{Execution, Request};
use super::selection::{Groups, Scope};
use super::{Core, GraphqlRequest, GraphqlResponse, coerce, introspection, limits};
use crate::caller::Caller;
use crate::errors::GraphqlError;

pub(crate) async fn execute(
    core: &Core,
    deadline: Instant,
    request: GraphqlRequest,
    caller: &Caller,
) -> GraphqlResponse {
    let document = match core.documents.get(&core.schema, &request.query) {
        Ok(document) => document,
        Err(error) => return refuse(error),
    };
    let operation = match document.operation(request.operation_name.as_deref()) {
        Ok(operation) => operation,
        Err(error) => return GraphqlResponse::refused(400, "BadRequestException", &error.message),
    };
    if operation.is_subscription() {
        // AppSync's message, which stems from its first real-time protocol, where subscriptions were sent by POST.
        let message = "Subscriptions over MQTT is not supported.";
        return GraphqlResponse::refused(400, "BadRequestException", message);
    }
    if let Err(error) = limits::check(core, &document, operation) {
        return GraphqlResponse::answered(None, &[error]);
    }
    let given = request.variables.unwrap_or_default();
    let variables = match coerce::variables(&core.schema.graphql, &document, operation, &given) {
        Ok(variables) => variables,
        Err(error) => return GraphqlResponse::answered(None, &[error]),
    };
    run(
        core,
        &document,
        operation,
        &variables,
        Request { caller, deadline },
    )
    .await
}

async fn run(
    core: &Core,
    document: &Arc<Document>,
    operation: &Operation,
    variables: &Map<String, Value>,
    request: Request<'_>,
) -> GraphqlResponse {
    let scope = Scope {
        schema: &core.schema.graphql,
        document,
        variables,
    };
    let execution = Execution {
        core,
        scope,
        request: Some(request),
    };
    let root = operation.object_type().as_str();
    let mut groups = scope.collect(root, [&operation.selection_set]);
    let order: Vec<String> = groups.keys().map(|key| (*key).to_owned()).collect();

    let mut meta = Map::new();
    if let Some(field) = introspection::first_field(&groups) {
        let location = document.location(field.location());
        if !core.introspection {
            let error = super::validation::introspection_disabled(&field.name, location);
            return GraphqlResponse::answered(None, &[error]);
        }
        match introspection::answer(&core.schema, document, operation, variables) {
            Ok(answered) => meta = answered,
            Err(message) => {
                return GraphqlResponse::answered(
                    None,
                    &[GraphqlError::request(message, location)],
                );
            }
        }
        groups.retain(|_, fields| {
            !fields
                .first()
                .is_some_and(|field| introspection::is_meta(&field.name))
        });
    }

    let completed = match operation.operation_type {
        OperationType::Mutation => mutate(&execution, root, &groups).await,
        OperationType::Query | OperationType::Subscription => {
            execution.object(root, None, &groups, None).await
        }
    };
    let data = completed.value.map(|value| in_order(value, meta, &order));
    GraphqlResponse::answered(data, &completed.errors)
}

/// Executes a mutation's fields one after another. Each is published to its subscribers.
async fn mutate<'a>(execution: &Execution<'a>, root: &str, groups: &Groups<'a>) -> Completed {
    let mut answers = Vec::with_capacity(groups.len());
    for (key, fields) in groups {
        let completed = execution
            .field(root, None, fields, &Path::field(None, key))
            .await;
        let settings = fields
            .first()
            .and_then(|field| execution.core.schema.field(root, &field.name));
        if let (Some(field), Some(value)) = (fields.first(), &completed.value)
            && settings.is_some_and(|settings| settings.heard)
            && completed.errors.is_empty()
            && !value.is_null()
        {
            if execution.scope.document.has_aliases {
                (execution.core.publish)(&field.name, &execution.scope.restrict(value, fields));
            } else {
                (execution.core.publish)(&field.name, value);
            }
        }
        answers.push((*key, completed));
    }
    assemble(answers)
}

/// Puts the fields, introspection included, into the document's order.
fn in_order(data: Value, mut meta: Map<String, Value>, order: &[String]) -> Value {
    let Value::Object(mut fields) = data else {
        return data;
    };
    if meta.is_empty() {
        return Value::Object(fields);
    }
    let ordered = order.iter().filter_map(|key| {
        let value = meta
            .shift_remove(key)
            .or_else(|| fields.shift_remove(key))?;
        Some((key.clone(), value))
    });
    Value::Object(ordered.collect())
}

fn refuse(error: DocumentError) -> GraphqlResponse {
    match error {
        DocumentError::Syntax(error) => {
            let mut response =
                GraphqlResponse::refused(400, "MalformedHttpRequestException", &error.message);
            if let (Some(at), Some(first)) = (error.location, response.body["errors"].get_mut(0)) {
                first["locations"] =
                    serde_json::json!([{"line": at.line, "column": at.column, "sourceName": null}]);
            }
            response
        }
        DocumentError::TooManyTokens => GraphqlResponse::refused(
            400,
            "BadRequestException",
            "Query is too large: it has more than 15000 tokens.",
        ),
        DocumentError::Invalid(errors) => GraphqlResponse::answered(None, &errors),
    }
}

impl DocumentError {
    pub(crate) fn into_errors(self) -> Vec<GraphqlError> {
        match self {
            Self::Syntax(error) => vec![GraphqlError {
                location: error.location,
                ..GraphqlError::typed("MalformedHttpRequestException", error.message)
            }],
            Self::TooManyTokens => vec![GraphqlError::typed(
                "BadRequestException",
                "Query is too large: it has more than 15000 tokens.",
            )],
            Self::Invalid(errors) => errors,
        }
    }
}
