//! A string of a request's JSON that may not be Unicode: JSON's grammar allows `"\ud83d"`, half of a surrogate pair.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use thiserror::Error;

/// A string as a client sent it. A program that cuts a text between two UTF-16 units sends half of a character. A field
/// of type `String` would turn that into an error of the whole request, which does not name the field.
#[derive(Clone, PartialEq, Eq)]
pub struct JsonText(Result<String, NotUnicode>);

/// The text has half of a surrogate pair, or bytes that are no UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no Unicode text")]
pub struct NotUnicode;

impl JsonText {
    /// # Errors
    ///
    /// [`NotUnicode`] if it has half of a surrogate pair, or bytes that are no UTF-8.
    pub fn into_text(self) -> Result<String, NotUnicode> {
        self.0
    }
}

impl fmt::Debug for JsonText {
    /// Without the text, which may be a prompt.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0.as_ref().map(String::len);
        formatter.debug_tuple("JsonText").field(&bytes).finish()
    }
}

impl From<String> for JsonText {
    fn from(text: String) -> Self {
        Self(Ok(text))
    }
}

impl From<&str> for JsonText {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl<'de> Deserialize<'de> for JsonText {
    /// Deserializes bytes: then `serde_json` passes halves of surrogate pairs on, which it refuses in a `String`.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl Visitor<'_> for TextVisitor {
            type Value = JsonText;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<JsonText, E> {
                Ok(text.into())
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<JsonText, E> {
                let text = str::from_utf8(bytes).map(str::to_owned);
                Ok(JsonText(text.map_err(|_| NotUnicode)))
            }
        }

        deserializer.deserialize_byte_buf(TextVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_half_of_a_surrogate_pair_is_no_text() {
        for (json, expected) in [
            (r#""""#, Some("")),
            (r#""a \"b\"\n""#, Some("a \"b\"\n")),
            (r#""\u0000\ufffe\uffff""#, Some("\0\u{fffe}\u{ffff}")),
            (r#""\ud83d\ude00""#, Some("😀")),
            (r#""😀é""#, Some("😀é")),
            (r#""cut \ud83d""#, None),
            (r#""\ud83d and on""#, None),
            (r#""\ude00\ud83d""#, None),
            (r#""\ud83d\ud83d\ude00""#, None),
        ] {
            let text: JsonText = serde_json::from_str(json).expect(json);
            assert_eq!(text.into_text().ok().as_deref(), expected, "{json}");
        }
        for json in ["7", "null", "[1]", "{}"] {
            serde_json::from_str::<JsonText>(json).expect_err(json);
        }
        assert_eq!(
            serde_json::from_str::<Option<JsonText>>("null").expect("none"),
            None
        );
        let bytes = b"\"\xff\"";
        let text: JsonText = serde_json::from_slice(bytes).expect("bytes");
        assert_eq!(text.into_text(), Err(NotUnicode));
    }
}
