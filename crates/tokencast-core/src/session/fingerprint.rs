//! A fingerprint of what a session was started with. It is enough to tell the same input from another one.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use thiserror::Error;

/// SHA-256, in bytes.
const BYTES: usize = 32;

/// The SHA-256 of a prompt and the options of its start. The record holds it in place of the prompt, which nobody can
/// read from it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; BYTES]);

/// A text that is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("expected 64 hexadecimal digits")]
pub struct InvalidFingerprint;

impl Fingerprint {
    /// The fingerprint of a prompt and of its options, by name and always in the same order. An option that a start
    /// does not give is left out, so such a start keeps its fingerprint when options are added.
    pub fn of(prompt: &str, options: &[(&str, &str)]) -> Self {
        let mut hash = Sha256::new();
        let options = options.iter().flat_map(|(name, value)| [*name, *value]);
        for part in std::iter::once(prompt).chain(options) {
            // The lengths keep inputs apart whose parts are equal when joined.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Fingerprint({self})")
    }
}

impl FromStr for Fingerprint {
    type Err = InvalidFingerprint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != 2 * BYTES || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidFingerprint);
        }
        let mut bytes = [0; BYTES];
        for (at, byte) in bytes.iter_mut().enumerate() {
            let digits = &text[2 * at..2 * at + 2];
            *byte = u8::from_str_radix(digits, 16).map_err(|_| InvalidFingerprint)?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_input_has_its_own_and_always_the_same() {
        let inputs: [(&str, &[(&str, &str)]); 7] = [
            ("", &[]),
            ("Hi", &[]),
            ("Hi ", &[]),
            ("Hi", &[("a", "bc")]),
            ("Hi", &[("ab", "c")]),
            ("Hi", &[("a", "b"), ("c", "d")]),
            ("Hia", &[("", "bc")]),
        ];
        for (at, (prompt, options)) in inputs.iter().enumerate() {
            for (other_at, (other, other_options)) in inputs.iter().enumerate() {
                let same =
                    Fingerprint::of(prompt, options) == Fingerprint::of(other, other_options);
                assert_eq!(same, at == other_at, "{prompt:?} {options:?}, {other:?}");
            }
        }
    }

    #[test]
    fn a_fingerprint_reads_back_as_written_and_does_not_show_the_prompt() {
        let fingerprint = Fingerprint::of("a secret", &[]);
        let text = fingerprint.to_string();
        assert_eq!(text.parse(), Ok(fingerprint));
        assert!(!format!("{text} {fingerprint:?}").contains("secret"));
        for text in [
            "",
            "abc",
            &text[1..],
            &text.replace(&text[..1], "g"),
            &"é".repeat(32),
        ] {
            assert_eq!(
                text.parse::<Fingerprint>(),
                Err(InvalidFingerprint),
                "{text}"
            );
        }
    }
}
