//! The assistants as models.

use serde_json::{Value, json};

/// `GET /v1/models/NAME`.
pub fn model(name: &str) -> Value {
    json!({ "id": name, "object": "model", "created": 0, "owned_by": "tokencast" })
}

/// `GET /v1/models`.
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> Value {
    let models: Vec<_> = names.into_iter().map(model).collect();
    json!({ "object": "list", "data": models })
}
