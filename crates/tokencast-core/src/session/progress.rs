//! How far an answer has come.

use crate::id::Sequence;

/// How far an attempt has come: the tokens of its events 1 to `sequence`, joined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub text: String,
    pub sequence: Sequence,
    /// Where in `text` each event ends.
    pub lengths: Lengths,
}

impl Progress {
    /// Adds the next event's token.
    pub fn push(&mut self, token: &str) {
        self.text.push_str(token);
        self.lengths.push(token.len());
        self.sequence = self.sequence.next();
    }
}

/// The length of each event's token in bytes, first to last. A length up to 127 takes a byte (LEB128).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lengths(Vec<u8>);

impl Lengths {
    pub fn push(&mut self, mut length: usize) {
        while length > 0x7f {
            #[expect(clippy::cast_possible_truncation, reason = "seven bits are left")]
            self.0.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        #[expect(clippy::cast_possible_truncation, reason = "seven bits at most")]
        self.0.push(length as u8);
    }

    pub fn extend(&mut self, others: &Self) {
        self.0.extend_from_slice(&others.0);
    }

    pub fn iter(&self) -> impl Iterator<Item = usize> {
        let mut bytes = self.0.iter();
        std::iter::from_fn(move || {
            let mut length = 0;
            for shift in (0..).step_by(7) {
                let byte = *bytes.next()?;
                length |= usize::from(byte & 0x7f) << shift;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            Some(length)
        })
    }

    /// The form that a store keeps.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads the form that a store keeps; `None` if that does not fit `text`.
    pub fn of(bytes: Vec<u8>, text: &str) -> Option<Self> {
        let whole = bytes.last().is_none_or(|last| last & 0x80 == 0);
        let short = bytes
            .split(|byte| byte & 0x80 == 0)
            .all(|more| more.len() < 5);
        let lengths = Self(bytes);
        if !whole || !short {
            return None;
        }
        let mut at = 0_usize;
        for length in lengths.iter() {
            at = at.checked_add(length)?;
            if !text.is_char_boundary(at) {
                return None;
            }
        }
        (at == text.len()).then_some(lengths)
    }
}

impl FromIterator<usize> for Lengths {
    fn from_iter<I: IntoIterator<Item = usize>>(lengths: I) -> Self {
        let mut collected = Self::default();
        lengths
            .into_iter()
            .for_each(|length| collected.push(length));
        collected
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_that_do_not_fit_are_refused() {
        for (bytes, text) in [
            (vec![1, 1], "a"),
            (vec![], "a"),
            (vec![1], "ü"),
            (vec![0x81], "a"),
            (vec![0xff; 30], "a"),
            (vec![0xff, 0xff, 0xff, 0xff, 0xff, 0x01], "a"),
        ] {
            assert_eq!(Lengths::of(bytes.clone(), text), None, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn lengths_read_back_as_written(lengths in prop::collection::vec(0_usize..20_000, 0..50)) {
            let written: Lengths = lengths.iter().copied().collect();
            let text = "x".repeat(lengths.iter().sum());
            let read = Lengths::of(written.as_bytes().to_vec(), &text).expect("fits");
            prop_assert_eq!(read.iter().collect::<Vec<_>>(), lengths);
        }
    }
}
