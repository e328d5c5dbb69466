//! Text of JSON strings, in which a character may be split over two strings.

use std::fmt;

use serde::Deserializer as _;
use serde::de::Visitor;

/// The bytes of a JSON string. Half of a surrogate pair is no character; it becomes three bytes that aren't UTF-8.
pub(super) fn bytes_of(string: &str) -> Option<Vec<u8>> {
    struct Bytes;

    impl Visitor<'_> for Bytes {
        type Value = Vec<u8>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a string")
        }

        fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
            Ok(bytes.to_vec())
        }
    }

    let mut json = serde_json::Deserializer::from_str(string);
    json.deserialize_bytes(Bytes).ok()
}

/// The text of a string that stands alone.
pub(super) fn text_of(string: &str) -> Option<String> {
    let bytes = bytes_of(string)?;
    let mut joined = Joined::default();
    let mut text = joined.push(&bytes);
    text.push_str(joined.finish());
    Some(text)
}

/// Joins the pieces of a text, and keeps half a character until the other half arrives.
#[derive(Debug, Default)]
pub(super) struct Joined {
    high: Option<u16>,
}

impl Joined {
    pub(super) fn push(&mut self, bytes: &[u8]) -> String {
        let mut text = String::with_capacity(bytes.len());
        let mut rest = bytes;
        while !rest.is_empty() {
            if let Some(half) = half(rest) {
                rest = &rest[3..];
                match (self.high.take(), half) {
                    (high, 0xD800..=0xDBFF) => {
                        text.extend(high.map(|_| char::REPLACEMENT_CHARACTER));
                        self.high = Some(half);
                    }
                    (Some(high), low) => {
                        text.extend(
                            char::decode_utf16([high, low])
                                .map(|decoded| decoded.unwrap_or(char::REPLACEMENT_CHARACTER)),
                        );
                    }
                    (None, _) => text.push(char::REPLACEMENT_CHARACTER),
                }
                continue;
            }
            text.push_str(self.finish());
            let length = match std::str::from_utf8(rest) {
                Ok(valid) => valid.len(),
                Err(error) => error.valid_up_to(),
            };
            // The other bytes are halves: everything else that isn't UTF-8 was replaced before.
            let length = length.max(1);
            text.push_str(&String::from_utf8_lossy(&rest[..length]));
            rest = &rest[length..];
        }
        text
    }

    /// The replacement for a half that no other half followed.
    pub(super) fn finish(&mut self) -> &'static str {
        match self.high.take() {
            Some(_) => "\u{FFFD}",
            None => "",
        }
    }
}

/// The surrogate that the bytes begin with, in the form that UTF-8 would have for it.
fn half(bytes: &[u8]) -> Option<u16> {
    match *bytes {
        [0xED, second @ 0xA0..=0xBF, third @ 0x80..=0xBF, ..] => {
            Some(0xD000 | u16::from(second & 0x3F) << 6 | u16::from(third & 0x3F))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pieces: &[&str], expected: &str) {
        let mut joined = Joined::default();
        let mut text: String = pieces
            .iter()
            .map(|piece| joined.push(&bytes_of(piece).expect("a string")))
            .collect();
        text.push_str(joined.finish());
        assert_eq!(text, expected, "{pieces:?}");
    }

    #[test]
    fn halves_of_a_character_are_joined_and_lone_ones_are_replaced() {
        check(&[r#""a\u00e9""#, r#""ü""#], "aéü");
        check(&[r#""a \ud83d""#, r#""\ude00 ok""#], "a 😀 ok");
        check(&[r#""\ud83d\ude00""#], "😀");
        check(&[r#""\ud83d""#, r#""""#, r#""\ude00""#], "😀");
        check(&[r#""\ud83d""#, r#""x""#], "\u{FFFD}x");
        check(&[r#""\ude00""#], "\u{FFFD}");
        check(&[r#""\ud83d\ud83d""#, r#""\ude00""#], "\u{FFFD}😀");
        check(&[r#""cut \ud83d""#], "cut \u{FFFD}");
        check(&[r#""\ud7ff\ue000""#], "\u{D7FF}\u{E000}");
        assert_eq!(bytes_of("12"), None);
        assert_eq!(text_of(r#""\ud83d\n""#).as_deref(), Some("\u{FFFD}\n"));
    }
}
