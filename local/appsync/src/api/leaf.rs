//! Result coercion: a result's scalars and enums become values of the schema's types.

use apollo_compiler::Schema;
use apollo_compiler::schema::ExtendedType;
use serde_json::{Number, Value};

use super::coerce::kind;

/// Serializes as leniently as AppSync: numbers and booleans become strings, and numeric strings become numbers, where
/// the type asks for it. The error is the end of AppSync's message, `Can't serialize value (/path) : …`.
pub(crate) fn serialize(schema: &Schema, type_name: &str, value: Value) -> Result<Value, String> {
    let expected =
        |value: &Value| format!("Expected type '{type_name}' but was '{}'.", kind(value));
    if let Some(ExtendedType::Enum(definition)) = schema.types.get(type_name) {
        let name = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        return if definition.values.contains_key(name.as_str()) {
            Ok(Value::String(name))
        } else {
            Err(format!(
                "Invalid input for Enum '{type_name}'. No value found for name '{name}'"
            ))
        };
    }
    match type_name {
        "String" | "ID" => match value {
            Value::String(_) => Ok(value),
            Value::Bool(_) | Value::Number(_) => Ok(Value::String(value.to_string())),
            _ => Err(expected(&value)),
        },
        "Int" => whole(&value)
            .filter(|number| i32::try_from(*number).is_ok())
            .map(Value::from)
            .ok_or_else(|| expected(&value)),
        "AWSTimestamp" => whole(&value)
            .map(Value::from)
            .ok_or_else(|| expected(&value)),
        "Float" => match &value {
            Value::Number(_) => Ok(value),
            Value::String(text) => {
                let number = text.parse().ok().and_then(Number::from_f64);
                number.map(Value::Number).ok_or_else(|| expected(&value))
            }
            _ => Err(expected(&value)),
        },
        "Boolean" => match &value {
            Value::Bool(_) => Ok(value),
            Value::String(text) if text == "true" || text == "false" => {
                Ok(Value::Bool(text == "true"))
            }
            Value::Number(number) => Ok(Value::Bool(number.as_f64() != Some(0.0))),
            _ => Err(expected(&value)),
        },
        "AWSJSON" => Ok(Value::String(match value {
            Value::String(text) => text,
            other => other.to_string(),
        })),
        _ if type_name.starts_with("AWS") && !value.is_string() => Err(format!(
            "Unable to serialize the value as a valid {type_name}."
        )),
        _ => Ok(value),
    }
}

/// The whole number in a JSON number or numeric string.
fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number
            .as_i64()
            .or_else(|| number.as_f64().and_then(whole_float)),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn whole_float(number: f64) -> Option<i64> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the bound keeps the number exact"
    )]
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}
