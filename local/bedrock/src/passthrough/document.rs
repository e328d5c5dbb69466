//! JSON as the SDK has it.

use aws_smithy_types::{Document, Number};
use serde_json::Value;

pub(super) fn of(json: Value) -> Document {
    match json {
        Value::Object(fields) => {
            let fields = fields.into_iter();
            Document::Object(fields.map(|(name, value)| (name, of(value))).collect())
        }
        Value::Array(values) => Document::Array(values.into_iter().map(of).collect()),
        Value::Number(number) => Document::Number(match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => Number::PosInt(number),
            (None, Some(number)) => Number::NegInt(number),
            (None, None) => Number::Float(number.as_f64().unwrap_or_default()),
        }),
        Value::String(text) => Document::String(text),
        Value::Bool(bool) => Document::Bool(bool),
        Value::Null => Document::Null,
    }
}
