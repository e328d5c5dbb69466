//! Bodies in JSON. An error names the field, and repeats no text of the client's, as serde's would.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// An object of JSON. What serde derives would take an array of the fields' values, too.
#[derive(Debug)]
pub struct Object<T>(pub T);

/// What is wrong with a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// It is no JSON, or no object.
    NoObject,
    /// This field's value is of another type than expected.
    Field(String),
}

/// Reads a body, which must be an object.
///
/// # Errors
///
/// [`Invalid`] says what is wrong.
pub fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Invalid> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let Object(read) = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        // What is no JSON has a path as well, to where it ends.
        let is_json = serde_json::from_slice::<IgnoredAny>(body).is_ok();
        if is_json && path != "." {
            Invalid::Field(path)
        } else {
            Invalid::NoObject
        }
    })?;
    // Nothing follows.
    deserializer.end().map_err(|_| Invalid::NoObject)?;
    Ok(read)
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(fields)).map(Object)
            }
        }

        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

/// A word that a client has sent, as an error may repeat it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word(String);

impl Word {
    /// `None` for any other text than a short word.
    pub fn read(text: &str) -> Option<Self> {
        let is_of_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_word = (1..=64).contains(&text.len()) && text.bytes().all(is_of_word);
        is_word.then(|| Self(text.to_owned()))
    }

    /// The word, or `?` in place of any other text.
    pub fn of(text: &str) -> Self {
        Self::read(text).unwrap_or_else(|| Self("?".to_owned()))
    }
}

impl fmt::Display for Word {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Fields {
        #[serde(default)]
        name: Option<String>,
        #[serde(default)]
        more: Vec<Object<Self>>,
    }

    #[test]
    fn only_an_object_is_read() {
        let read = |body: &str| read::<Fields>(body.as_bytes());
        let Fields { name, more } =
            read(r#"{"name":"a","more":[{"name":"b"}],"x":[1]}"#).expect("read");
        assert_eq!(
            (name.as_deref(), more[0].0.name.as_deref()),
            (Some("a"), Some("b"))
        );
        for body in ["", "{", "[]", r#"["a"]"#, "null", "7", r#""a""#, "{} x"] {
            assert_eq!(read(body).expect_err(body), Invalid::NoObject, "{body}");
        }
        for (body, field) in [
            (r#"{"name":7}"#, "name"),
            (r#"{"more":[{},["b"]]}"#, "more[1]"),
            (r#"{"more":[{"name":{}}]}"#, "more[0].name"),
        ] {
            let invalid = read(body).expect_err(body);
            assert_eq!(invalid, Invalid::Field(field.to_owned()), "{body}");
        }
    }

    #[test]
    fn only_a_short_word_is_repeated() {
        assert_eq!(Word::of("submit-message_2").to_string(), "submit-message_2");
        for text in ["", "a secret", "ä", &"x".repeat(65)] {
            assert_eq!(Word::of(text).to_string(), "?", "{text}");
        }
    }
}
