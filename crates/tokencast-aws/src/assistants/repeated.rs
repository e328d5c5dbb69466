//! Members that an object of the file has more than once. A JSON reader keeps the last one without a word, so that what
//! somebody reads in the file may not be what counts.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Their places, each once. `text` is JSON.
pub(super) fn repeated(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let look = Look {
        place: String::new(),
        found: &mut found,
    };
    // What is no JSON was refused before.
    let _ = look.deserialize(&mut serde_json::Deserializer::from_str(text));
    found
}

/// Looks at the value at a place.
struct Look<'a> {
    place: String,
    found: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Look<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self { place, found } = self;
        loop {
            let (place, found) = (place.clone(), &mut *found);
            if items.next_element_seed(Look { place, found })?.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self { place, found } = self;
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            let place = if place.is_empty() {
                name.clone()
            } else {
                format!("{place}.{name}")
            };
            if !names.insert(name) && !found.contains(&place) {
                found.push(place.clone());
            }
            let found = &mut *found;
            members.next_value_seed(Look { place, found })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_one_object_are_found_by_place() {
        for (text, expected) in [
            ("7", &[][..]),
            (
                r#"{"a": {"b": 1}, "c": {"b": [true, null, 1.5, -1, "x"]}}"#,
                &[],
            ),
            (r#"{"a": 1, "b": 2, "\u0061": 3, "a": 4}"#, &["a"]),
            (r#"{"a": {"b": {"c": 1, "c": 2}}, "a": 1}"#, &["a.b.c", "a"]),
            (r#"{"a": [{"b": 1}, {"b": 1, "b": 2}]}"#, &["a.b"]),
        ] {
            assert_eq!(repeated(text), expected, "{text}");
        }
    }
}
