//! How far an answer has come.

use super::OtherPieces;
use crate::block::{Piece, PieceKind, PieceRef, ToolNames};
use crate::id::Sequence;

/// How far an attempt has come: what its events 1 to `sequence` carry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The text of all `TEXT` blocks, in the order of the events.
    pub text: String,
    pub sequence: Sequence,
    /// The length in `text` of each event's piece: 0 if the piece is no text.
    pub lengths: Lengths,
    pub others: OtherPieces,
    /// How long the model has reasoned; `None` if it has not.
    pub reasoning_ms: Option<u32>,
}

impl Progress {
    /// Adds the next event's piece.
    pub fn push(&mut self, piece: PieceRef<'_>) {
        if piece.kind == PieceKind::Text {
            self.text.push_str(piece.content);
            self.lengths.push(piece.content.len());
        } else {
            self.lengths.push(0);
        }
        self.others.push(piece, self.sequence.0);
        self.sequence = self.sequence.next();
    }

    /// The pieces of the events, first to last.
    pub fn pieces(&self) -> impl Iterator<Item = PieceRef<'_>> {
        self.others.pieces(&self.text, &self.lengths)
    }

    /// The pieces of the events, as the events carry them.
    pub fn pieces_with_tools(&self) -> impl Iterator<Item = Piece> {
        let mut tools = ToolNames::default();
        let pieces = self.pieces();
        pieces.map(move |piece| tools.piece(piece.block, piece.kind, piece.content.to_owned()))
    }

    /// The bytes of everything that the events carry.
    pub fn bytes(&self) -> usize {
        self.text.len() + self.others.contents().len()
    }
}

/// The length of each event's text in bytes, first to last. A length up to 127 takes a byte (LEB128).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lengths(Vec<u8>);

impl Lengths {
    pub fn push(&mut self, length: usize) {
        push_varint(&mut self.0, length);
    }

    pub fn extend(&mut self, others: &Self) {
        self.0.extend_from_slice(&others.0);
    }

    pub fn iter(&self) -> impl Iterator<Item = usize> {
        // A length that is not whole is never kept.
        Varints(&self.0).map_while(|length| length)
    }

    /// The form that a store keeps.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads the form that a store keeps; `None` if that does not fit `text`.
    pub fn of(bytes: Vec<u8>, text: &str) -> Option<Self> {
        if !Varints(&bytes).all(|length| length.is_some()) {
            return None;
        }
        let lengths = Self(bytes);
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

/// Writes a number in LEB128: seven bits a byte, lowest first.
pub(super) fn push_varint(bytes: &mut Vec<u8>, mut number: usize) {
    while number > 0x7f {
        #[expect(clippy::cast_possible_truncation, reason = "seven bits are left")]
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    #[expect(clippy::cast_possible_truncation, reason = "seven bits at most")]
    bytes.push(number as u8);
}

/// Reads numbers in LEB128, each of at most five bytes. A number that is malformed is `None`.
pub(super) struct Varints<'a>(pub(super) &'a [u8]);

impl Iterator for Varints<'_> {
    type Item = Option<usize>;

    fn next(&mut self) -> Option<Option<usize>> {
        if self.0.is_empty() {
            return None;
        }
        let mut number = 0;
        for shift in (0..35).step_by(7) {
            let Some((byte, rest)) = self.0.split_first() else {
                return Some(None);
            };
            self.0 = rest;
            number |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(Some(number));
            }
        }
        self.0 = &[];
        Some(None)
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
