//! Introspection: `__schema` and `__type`.

use apollo_compiler::Node;
use apollo_compiler::executable::{Field, Operation};
use apollo_compiler::introspection;
use apollo_compiler::response::JsonMap;
use apollo_compiler::validation::Valid;
use serde_json::{Map, Value};

use super::document::Document;
use super::schema::ApiSchema;
use super::selection::Groups;

pub(crate) fn is_meta(field: &str) -> bool {
    matches!(field, "__schema" | "__type")
}

/// The first root field that is an introspection field.
pub(crate) fn first_field<'a>(groups: &Groups<'a>) -> Option<&'a Node<Field>> {
    groups
        .values()
        .filter_map(|fields| fields.first().copied())
        .find(|field| is_meta(&field.name))
}

/// The values of an operation's introspection fields, by response key.
pub(crate) fn answer(
    schema: &ApiSchema,
    document: &Document,
    operation: &Operation,
    variables: &Map<String, Value>,
) -> Result<Map<String, Value>, String> {
    let executable = &document.executable;
    introspection::check_max_depth(executable, operation)
        .map_err(|error| error.message().to_string())?;
    let variables: JsonMap =
        serde_json::from_value(Value::Object(variables.clone())).map_err(|e| e.to_string())?;
    let variables = Valid::assume_valid(variables);
    let response = introspection::partial_execute(
        &schema.graphql,
        &schema.implementers,
        executable,
        operation,
        &variables,
    )
    .map_err(|error| error.message().to_string())?;
    if let Some(error) = response.errors.first() {
        return Err(error.message.clone());
    }
    match serde_json::to_value(response.data).map_err(|error| error.to_string())? {
        Value::Object(mut data) => {
            data.retain(|_, value| !value.is_string());
            Ok(data)
        }
        _ => Ok(Map::new()),
    }
}
