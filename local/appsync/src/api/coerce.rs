//! Input coercion: variables and arguments become values of the schema's types.

use apollo_compiler::Schema;
use apollo_compiler::ast::{self, Type};
use apollo_compiler::executable::{Field, Operation};
use apollo_compiler::schema::ExtendedType;
use serde_json::{Map, Value};

use super::document::Document;
use crate::errors::GraphqlError;

/// A request's variables. A variable without a value and without a default is left out.
pub(crate) fn variables(
    schema: &Schema,
    document: &Document,
    operation: &Operation,
    given: &Map<String, Value>,
) -> Result<Map<String, Value>, GraphqlError> {
    let mut coerced = Map::new();
    for definition in &operation.variables {
        let name = definition.name.as_str();
        let value = match (given.get(name), &definition.default_value) {
            (Some(value), _) => from_json(schema, &definition.ty, value),
            (None, Some(default)) => {
                Ok(literal(schema, &definition.ty, default, &Map::new()).unwrap_or_default())
            }
            (None, None) if definition.ty.is_non_null() => {
                Err(Mismatch::Null(definition.ty.to_string()))
            }
            (None, None) => continue,
        };
        let value = value.map_err(|mismatch| {
            // AppSync's error has no location for this mismatch.
            let is_placed = !matches!(mismatch, Mismatch::UnknownField(_));
            let location = document
                .location(definition.location())
                .filter(|_| is_placed);
            GraphqlError::request(mismatch.message(name), location)
        })?;
        coerced.insert(name.to_owned(), value);
    }
    Ok(coerced)
}

/// A field's arguments with the schema's defaults. An argument without a value is left out.
pub(crate) fn arguments(
    schema: &Schema,
    field: &Field,
    variables: &Map<String, Value>,
) -> Result<Map<String, Value>, String> {
    let mut coerced = given_arguments(schema, field, variables);
    for definition in &field.definition.arguments {
        let name = definition.name.as_str();
        if !coerced.contains_key(name)
            && let Some(default) = &definition.default_value
        {
            coerced.insert(
                name.to_owned(),
                literal(schema, &definition.ty, default, variables).unwrap_or_default(),
            );
        }
        if definition.ty.is_non_null() && coerced.get(name).is_none_or(Value::is_null) {
            return Err(Mismatch::Null(definition.ty.to_string()).message(name));
        }
    }
    Ok(coerced)
}

/// The arguments in the document: literals, and variables that have a value.
pub(crate) fn given_arguments(
    schema: &Schema,
    field: &Field,
    variables: &Map<String, Value>,
) -> Map<String, Value> {
    let definitions = field.definition.arguments.iter();
    definitions
        .filter_map(|definition| {
            let value = field.specified_argument_by_name(&definition.name)?;
            Some((
                definition.name.to_string(),
                literal(schema, &definition.ty, value, variables)?,
            ))
        })
        .collect()
}

/// Why a variable's value doesn't fit its type.
enum Mismatch {
    /// Null or nothing, where this type is required.
    Null(String),
    UnknownField(String),
    Value(String),
}

impl Mismatch {
    fn expected(ty: &str, value: &Value) -> Self {
        Self::Value(format!("Expected type '{ty}' but was '{}'.", kind(value)))
    }

    fn message(&self, variable: &str) -> String {
        match self {
            Self::Null(ty) => {
                format!("Variable '{variable}' has coerced Null value for NonNull type '{ty}'")
            }
            Self::UnknownField(ty) => {
                format!(
                    "The variables input contains a field that is not defined for input object type '{ty}' "
                )
            }
            Self::Value(detail) => format!("Variable '{variable}' has an invalid value. {detail}"),
        }
    }
}

fn from_json(schema: &Schema, ty: &Type, value: &Value) -> Result<Value, Mismatch> {
    if value.is_null() {
        return if ty.is_non_null() {
            Err(Mismatch::Null(ty.to_string()))
        } else {
            Ok(Value::Null)
        };
    }
    if ty.is_list() {
        return match value {
            Value::Array(items) => items
                .iter()
                .map(|item| from_json(schema, ty.item_type(), item))
                .collect::<Result<_, _>>()
                .map(Value::Array),
            single => Ok(Value::Array(vec![from_json(
                schema,
                ty.item_type(),
                single,
            )?])),
        };
    }
    let name = ty.inner_named_type().as_str();
    match schema.types.get(name) {
        Some(ExtendedType::InputObject(input)) => {
            let Value::Object(given) = value else {
                return Err(Mismatch::expected(name, value));
            };
            if given
                .keys()
                .any(|key| !input.fields.contains_key(key.as_str()))
            {
                return Err(Mismatch::UnknownField(name.to_owned()));
            }
            let mut coerced = Map::new();
            for (field, definition) in &input.fields {
                let value = match (given.get(field.as_str()), &definition.default_value) {
                    (Some(value), _) => from_json(schema, &definition.ty, value)?,
                    (None, Some(default)) => {
                        literal(schema, &definition.ty, default, &Map::new()).unwrap_or_default()
                    }
                    (None, None) if definition.ty.is_non_null() => {
                        return Err(Mismatch::Null(definition.ty.to_string()));
                    }
                    (None, None) => continue,
                };
                coerced.insert(field.to_string(), value);
            }
            Ok(Value::Object(coerced))
        }
        Some(ExtendedType::Enum(definition)) => match value {
            Value::String(given) if definition.values.contains_key(given.as_str()) => {
                Ok(value.clone())
            }
            Value::String(given) => Err(Mismatch::Value(format!(
                "Invalid input for Enum '{name}'. No value found for name '{given}'"
            ))),
            _ => Err(Mismatch::expected(name, value)),
        },
        _ => scalar(name, value),
    }
}

fn scalar(name: &str, value: &Value) -> Result<Value, Mismatch> {
    let fits = match name {
        "Int" => value
            .as_i64()
            .is_some_and(|number| i32::try_from(number).is_ok()),
        "AWSTimestamp" => value.is_i64(),
        "Float" => value.is_number(),
        "Boolean" => value.is_boolean(),
        "ID" if value.is_i64() || value.is_u64() => return Ok(Value::String(value.to_string())),
        "AWSJSON" => {
            let parsed = value
                .as_str()
                .and_then(|text| serde_json::from_str(text).ok());
            return parsed.ok_or_else(|| {
                Mismatch::Value(format!("Unable to parse the value as valid {name}."))
            });
        }
        _ if name.starts_with("AWS") || matches!(name, "ID" | "String") => value.is_string(),
        _ => true,
    };
    if fits {
        Ok(value.clone())
    } else {
        Err(Mismatch::expected(name, value))
    }
}

/// A value of a validated document. `None` for a variable without a value.
fn literal(
    schema: &Schema,
    ty: &Type,
    value: &ast::Value,
    variables: &Map<String, Value>,
) -> Option<Value> {
    if let ast::Value::Variable(name) = value {
        return variables.get(name.as_str()).cloned();
    }
    if ty.is_list() && !matches!(value, ast::Value::List(_) | ast::Value::Null) {
        return Some(Value::Array(vec![literal(
            schema,
            ty.item_type(),
            value,
            variables,
        )?]));
    }
    Some(match value {
        ast::Value::Null | ast::Value::Variable(_) => Value::Null,
        ast::Value::Enum(name) => Value::String(name.to_string()),
        ast::Value::String(text) if ty.inner_named_type() == "AWSJSON" => {
            serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()))
        }
        ast::Value::String(text) => Value::String(text.clone()),
        ast::Value::Boolean(flag) => Value::Bool(*flag),
        ast::Value::Int(number) if ty.inner_named_type() == "ID" => {
            Value::String(number.as_str().to_owned())
        }
        ast::Value::Int(number) => number.as_str().parse::<i64>().map_or_else(
            |_| number.try_to_f64().map_or(Value::Null, Value::from),
            Value::from,
        ),
        ast::Value::Float(number) => number.try_to_f64().map_or(Value::Null, Value::from),
        ast::Value::List(items) => Value::Array(
            items
                .iter()
                .map(|item| literal(schema, ty.item_type(), item, variables).unwrap_or_default())
                .collect(),
        ),
        ast::Value::Object(given) => {
            let input = schema.get_input_object(ty.inner_named_type());
            let mut fields = Map::new();
            for (field, value) in given {
                let ty = input
                    .and_then(|input| input.fields.get(field))
                    .map_or(ty, |definition| &definition.ty);
                if let Some(value) = literal(schema, ty, value, variables) {
                    fields.insert(field.to_string(), value);
                }
            }
            for (field, definition) in input.iter().flat_map(|input| &input.fields) {
                if let Some(default) = &definition.default_value
                    && !fields.contains_key(field.as_str())
                {
                    fields.insert(
                        field.to_string(),
                        literal(schema, &definition.ty, default, variables).unwrap_or_default(),
                    );
                }
            }
            Value::Object(fields)
        }
    })
}

/// A JSON value's type, as AppSync's messages name it.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Number(number) if number.is_f64() => "Double",
        Value::Number(_) => "Integer",
        Value::String(_) => "String",
        Value::Array(_) => "ArrayList",
        Value::Object(_) => "LinkedHashMap",
    }
}
