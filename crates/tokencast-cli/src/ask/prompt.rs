//! Reads the prompt, from the command line or from stdin.

use std::io::Read;

use thiserror::Error;

use crate::stdio::Stdin;

/// The functions' `MAX_PROMPT_BYTES` can't be more than this, so every API refuses a longer prompt.
const MAX_BYTES: usize = 500_000;
/// A prompt of that length may take twice as many bytes in UTF-16, and a byte order mark.
const MAX_BYTES_READ: u64 = 2 * MAX_BYTES as u64 + 2;

/// What is wrong with the prompt.
#[derive(Debug, Error)]
pub enum PromptError {
    #[error("the prompt is empty, expected some text (or `-` and text on stdin)")]
    Empty,
    #[error("cannot read the prompt from stdin")]
    Stdin(#[source] std::io::Error),
    #[error("the prompt on stdin has more than {MAX_BYTES} bytes, which no API takes")]
    TooLong,
    #[error(
        "the prompt on stdin is not UTF-8 at byte {at}, expected UTF-8, or UTF-16 with a byte order mark"
    )]
    NotUtf8 { at: usize },
    #[error("the prompt on stdin is UTF-32, expected UTF-8, or UTF-16 with a byte order mark")]
    Utf32,
    #[error("the prompt on stdin looks like {0} without a byte order mark, expected one, or UTF-8")]
    NoMark(&'static str),
    #[error(
        "the prompt on stdin is no {0} in spite of its byte order mark: it has half a character"
    )]
    Half(&'static str),
}

/// Returns the prompt, or reads stdin if the argument is `-`.
///
/// # Errors
///
/// Standard input can't be read, is too long, or is no text.
pub async fn read(argument: Option<&str>) -> Result<String, PromptError> {
    let prompt = match argument {
        Some("-") => from_stdin().await?,
        prompt => prompt.unwrap_or_default().to_owned(),
    };
    if prompt.trim().is_empty() {
        return Err(PromptError::Empty);
    }
    Ok(prompt)
}

async fn from_stdin() -> Result<String, PromptError> {
    let read = tokio::task::spawn_blocking(|| {
        let mut bytes = Vec::new();
        let mut limited = Stdin.take(MAX_BYTES_READ + 1);
        limited.read_to_end(&mut bytes).map(|_| bytes)
    });
    let bytes = read
        .await
        .map_err(std::io::Error::other)
        .and_then(|bytes| bytes);
    decode(bytes.map_err(PromptError::Stdin)?)
}

fn decode(bytes: Vec<u8>) -> Result<String, PromptError> {
    if bytes.len() as u64 > MAX_BYTES_READ {
        return Err(PromptError::TooLong);
    }
    let text = match bytes.as_slice() {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => return Err(PromptError::Utf32),
        [0xff, 0xfe, rest @ ..] => utf_16(rest, u16::from_le_bytes, "UTF-16LE")?,
        [0xfe, 0xff, rest @ ..] => utf_16(rest, u16::from_be_bytes, "UTF-16BE")?,
        [0xef, 0xbb, 0xbf, rest @ ..] => utf_8(rest.to_vec())?,
        _ => match unmarked_utf_16(&bytes) {
            Some(name) => return Err(PromptError::NoMark(name)),
            None => utf_8(bytes)?,
        },
    };
    if text.len() > MAX_BYTES {
        return Err(PromptError::TooLong);
    }
    Ok(text)
}

fn utf_8(bytes: Vec<u8>) -> Result<String, PromptError> {
    String::from_utf8(bytes).map_err(|error| PromptError::NotUtf8 {
        at: error.utf8_error().valid_up_to(),
    })
}

fn utf_16(
    bytes: &[u8],
    unit: impl Fn([u8; 2]) -> u16,
    name: &'static str,
) -> Result<String, PromptError> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| unit(*pair));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    match text {
        Ok(text) if rest.is_empty() => Ok(text),
        _ => Err(PromptError::Half(name)),
    }
}

/// Recognizes UTF-16 text in an alphabet. Every other byte of it is a control character, such as 0 for Latin and 4 for
/// Cyrillic letters, and hardly any byte between them is.
fn unmarked_utf_16(bytes: &[u8]) -> Option<&'static str> {
    if bytes.len() % 2 == 1 {
        return None;
    }
    let controls = |offset: usize| {
        let places = bytes.iter().skip(offset).step_by(2);
        places
            .filter(|byte| **byte < 0x20 && !b"\t\n\r".contains(byte))
            .count()
    };
    let many = bytes.len().div_ceil(4).max(1);
    match (controls(0), controls(1)) {
        (even, odd) if odd >= many && odd > 4 * even => Some("UTF-16LE"),
        (even, odd) if even >= many && even > 4 * odd => Some("UTF-16BE"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf_16_of(text: &str, bytes: impl Fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    fn check(bytes: &[u8], expected: Result<&str, &str>) {
        let got = decode(bytes.to_vec()).map_err(|error| error.to_string());
        match (&got, expected) {
            (Ok(text), Ok(expected)) => assert_eq!(text, expected),
            (Err(error), Err(expected)) => assert!(error.contains(expected), "{error}"),
            _ => panic!("{bytes:?}: {got:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn a_byte_order_mark_is_dropped_and_utf_16_needs_one() {
        const TEXT: &str = "Why? é🌊\n";
        check(TEXT.as_bytes(), Ok(TEXT));
        check(format!("\u{feff}{TEXT}").as_bytes(), Ok(TEXT));
        let little = utf_16_of(TEXT, u16::to_le_bytes);
        let big = utf_16_of(TEXT, u16::to_be_bytes);
        check(&[&[0xff, 0xfe], little.as_slice()].concat(), Ok(TEXT));
        check(&[&[0xfe, 0xff], big.as_slice()].concat(), Ok(TEXT));
        check(
            &little,
            Err("looks like UTF-16LE without a byte order mark"),
        );
        check(&big, Err("looks like UTF-16BE without a byte order mark"));
        for text in ["привет", "Γιατί;", "Почему\n"] {
            let little = utf_16_of(text, u16::to_le_bytes);
            check(&little, Err("looks like UTF-16LE without"));
            let big = utf_16_of(text, u16::to_be_bytes);
            check(&big, Err("looks like UTF-16BE without"));
        }
        check(b"a\0b", Ok("a\0b"));
        check(b"\xff\xfe\0\0h\0\0\0", Err("is UTF-32"));
        check(b"\0\0\xfe\xff\0\0\0h", Err("is UTF-32"));
        check(&[0xff, 0xfe, b'a'], Err("no UTF-16LE in spite of its"));
        check(
            &[0xfe, 0xff, 0xd8, 0x3d],
            Err("no UTF-16BE in spite of its"),
        );
    }

    #[test]
    fn what_is_no_text_is_named_with_its_place() {
        check(b"cut \xf0\x9f", Err("not UTF-8 at byte 4"));
        // Some programs write a lone surrogate like this.
        check(b"cut \xed\xa0\xbd", Err("not UTF-8 at byte 4"));
        // A single zero is a character like any other.
        check(b"a\0bcdefgh", Ok("a\0bcdefgh"));
    }

    #[test]
    fn a_prompt_is_limited_in_any_encoding() {
        let longest = "x".repeat(MAX_BYTES);
        check(longest.as_bytes(), Ok(&longest));
        let marked = [vec![0xff, 0xfe], utf_16_of(&longest, u16::to_le_bytes)].concat();
        check(&marked, Ok(&longest));
        let longer = "x".repeat(MAX_BYTES + 1);
        check(longer.as_bytes(), Err("more than 500000 bytes"));
        check(
            &vec![b'x'; 2 * MAX_BYTES + 3],
            Err("more than 500000 bytes"),
        );
    }
}
