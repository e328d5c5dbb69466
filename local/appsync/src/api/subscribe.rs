//! Subscriptions: access, arguments, and the rendering of events.

use std::collections::BTreeSet;
use std::sync::Arc;

use apollo_compiler::executable::{Selection, SelectionSet};
use apollo_compiler::{Node, ast, executable};
use futures_util::FutureExt;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::completed::{Path, assemble};
use super::document::Document;
use super::execute::{Execution, Request, unauthorized};
use super::selection::Scope;
use super::{Core, GraphqlRequest, coerce, limits};
use crate::caller::Caller;
use crate::errors::GraphqlError;
use crate::subscriptions::Subscription;

pub(crate) async fn subscribe(
    core: &Arc<Core>,
    deadline: Instant,
    request: GraphqlRequest,
    caller: &Caller,
) -> Result<Subscription, Vec<GraphqlError>> {
    let document = core
        .documents
        .get(&core.schema, &request.query)
        .map_err(super::document::DocumentError::into_errors)?;
    let operation = document
        .operation(request.operation_name.as_deref())
        .map_err(|error| vec![error])?;
    if !operation.is_subscription() {
        let message = format!(
            "{} not supported through the realtime channel",
            operation.operation_type
        );
        return Err(vec![GraphqlError::typed("UnsupportedOperation", message)]);
    }
    limits::check(core, &document, operation).map_err(|error| vec![error])?;
    let given = request.variables.unwrap_or_default();
    let variables = coerce::variables(&core.schema.graphql, &document, operation, &given)
        .map_err(|error| vec![error])?;
    let scope = Scope {
        schema: &core.schema.graphql,
        document: &document,
        variables: &variables,
    };
    let caller_request = Request { caller, deadline };
    let execution = Execution {
        core,
        scope,
        request: Some(caller_request),
    };
    let root = operation.object_type().as_str();
    let groups = scope.collect(root, [&operation.selection_set]);
    let (Some((key, fields)), 1) = (groups.first(), groups.len()) else {
        let message = "A subscription must have exactly one root field.";
        return Err(vec![GraphqlError::typed("BadRequestException", message)]);
    };
    let (field, path) = (fields[0], Path::field(None, key));
    let Some(settings) = core.schema.field(root, &field.name) else {
        let message = format!("{} is not a subscription", field.name);
        return Err(vec![GraphqlError::typed("BadRequestException", message)]);
    };
    if !execution.admitted(caller, &settings.access, root, field, true) {
        return Err(vec![execution.failure(
            field,
            &path,
            unauthorized(root, &field.name),
        )]);
    }
    refuse_hidden_fields(&execution, caller, field, &path)?;
    if let Some(resolver) = &settings.resolver {
        let answer = execution
            .call(resolver, caller_request, root, None, fields)
            .await;
        let errors = answer.map_or_else(|errors| errors, |resolved| resolved.errors);
        if !errors.is_empty() {
            return Err(errors
                .into_iter()
                .map(|error| execution.failure(field, &path, error))
                .collect());
        }
    } else {
        coerce::arguments(scope.schema, field, &variables).map_err(|message| {
            vec![GraphqlError::request(
                message,
                document.location(field.location()),
            )]
        })?;
    }
    Ok(Subscription {
        field: field.name.to_string(),
        mutations: settings.mutations.clone(),
        arguments: coerce::given_arguments(scope.schema, field, &variables),
        selection_key: selection_key(
            &document,
            request.operation_name.as_deref(),
            &operation.selection_set,
            &variables,
        ),
        render: renderer(
            Arc::clone(core),
            Arc::clone(&document),
            request.operation_name,
            variables.clone(),
        ),
    })
}

/// A field that the caller may not access is refused at the start, instead of being null in every event.
fn refuse_hidden_fields<'a>(
    execution: &Execution<'a>,
    caller: &Caller,
    field: &'a Node<executable::Field>,
    path: &Path<'_>,
) -> Result<(), Vec<GraphqlError>> {
    let object = field.ty().inner_named_type().as_str();
    for (key, fields) in execution.scope.collect(object, [&field.selection_set]) {
        let (field, path) = (fields[0], Path::field(Some(path), key));
        if let Some(settings) = execution.core.schema.field(object, &field.name)
            && !execution.admitted(caller, &settings.access, object, field, false)
        {
            return Err(vec![execution.failure(
                field,
                &path,
                unauthorized(object, &field.name),
            )]);
        }
        refuse_hidden_fields(execution, caller, field, &path)?;
    }
    Ok(())
}

/// Equal for subscriptions that render events alike: by the document, the operation, and the variables that decide
/// which fields are selected. A subscription's arguments only select events.
fn selection_key(
    document: &Document,
    operation_name: Option<&str>,
    set: &SelectionSet,
    variables: &Map<String, Value>,
) -> Arc<str> {
    let mut names = BTreeSet::new();
    conditions(set, &mut names);
    for fragment in document.executable.fragments.values() {
        conditions(&fragment.selection_set, &mut names);
    }
    let deciding: Map<String, Value> = names
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), variables.get(name)?.clone())))
        .collect();
    json!([operation_name, deciding, &*document.text])
        .to_string()
        .into()
}

fn conditions<'a>(set: &'a SelectionSet, names: &mut BTreeSet<&'a str>) {
    for selection in &set.selections {
        for directive in selection.directives() {
            if let Some(ast::Value::Variable(name)) = directive
                .specified_argument_by_name("if")
                .map(AsRef::as_ref)
            {
                names.insert(name.as_str());
            }
        }
        match selection {
            Selection::Field(field) => conditions(&field.selection_set, names),
            Selection::InlineFragment(inline) => conditions(&inline.selection_set, names),
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn renderer(
    core: Arc<Core>,
    document: Arc<Document>,
    operation_name: Option<String>,
    variables: Map<String, Value>,
) -> Arc<dyn Fn(&Value) -> Value + Send + Sync> {
    Arc::new(move |result| {
        render(
            &core,
            &document,
            operation_name.as_deref(),
            &variables,
            result,
        )
    })
}

fn render(
    core: &Core,
    document: &Document,
    operation_name: Option<&str>,
    variables: &Map<String, Value>,
    result: &Value,
) -> Value {
    let Ok(operation) = document.operation(operation_name) else {
        return json!({"data": null});
    };
    let scope = Scope {
        schema: &core.schema.graphql,
        document,
        variables,
    };
    let execution = Execution {
        core,
        scope,
        request: None,
    };
    let root = operation.object_type().as_str();
    let groups = scope.collect(root, [&operation.selection_set]);
    let answers = groups.iter().map(|(key, fields)| {
        let path = Path::field(None, key);
        // Nothing is resolved, so nothing waits.
        let completed = execution
            .complete(root, result.clone(), fields, &path)
            .now_or_never()
            .unwrap_or_default();
        (*key, completed)
    });
    let completed = assemble(answers.collect::<Vec<_>>());
    let mut rendered = json!({"data": completed.value});
    if !completed.errors.is_empty() {
        rendered["errors"] = completed.errors.iter().map(GraphqlError::to_json).collect();
    }
    rendered
}
