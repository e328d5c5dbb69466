//! What stands in an answer or a frame in place of what the service says.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A change of an answer's JSON, of its HTTP status, or of both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replacement {
    /// The place of the value, as a JSON pointer: `/data/getStream`; empty for the whole document. Without it, the body
    /// stays as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    #[serde(default)]
    pub value: Value,
    /// The HTTP status in place of the service's. A frame has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

impl Replacement {
    /// Puts `value` at `pointer`.
    pub fn of(pointer: &str, value: Value) -> Self {
        Self {
            pointer: Some(pointer.to_owned()),
            value,
            status: None,
        }
    }

    /// Puts `status` in place of the service's.
    pub fn with_status(status: u16) -> Self {
        Self {
            status: Some(status),
            ..Self::default()
        }
    }

    /// The document with the value in it. `None` if the document isn't JSON, or has nothing at the pointer.
    pub fn apply(&self, document: &[u8]) -> Option<String> {
        let pointer = self.pointer.as_deref()?;
        let mut document: Value = serde_json::from_slice(document).ok()?;
        *document.pointer_mut(pointer)? = self.value.clone();
        Some(document.to_string())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_put_in_its_place() {
        let document = r#"{"data":{"getStream":{"text":"a"}}}"#;
        for (pointer, expected) in [
            ("/data/getStream", Some(r#"{"data":{"getStream":1}}"#)),
            (
                "/data/getStream/text",
                Some(r#"{"data":{"getStream":{"text":1}}}"#),
            ),
            ("", Some("1")),
            ("/data/other", None),
        ] {
            let replacement = Replacement::of(pointer, json!(1));
            let got = replacement.apply(document.as_bytes());
            assert_eq!(got.as_deref(), expected, "{pointer}");
        }
        assert_eq!(Replacement::of("", json!(1)).apply(b"no JSON"), None);
        assert_eq!(Replacement::with_status(200).apply(b"{}"), None);
    }
}
