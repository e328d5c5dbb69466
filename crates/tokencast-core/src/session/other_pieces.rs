//! What an answer has besides the text of one block: the contents that are no text, and which piece each event has.

use super::Lengths;
use super::progress::{Varints, push_varint};
use crate::block::{BlockIndex, PieceKind, PieceRef};

/// The pieces of an answer's events, without the text that a record holds by itself. Empty for an answer that is only
/// text of block 0, as most are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OtherPieces {
    /// The contents of all pieces that are no text, joined.
    contents: String,
    /// The length of each such content in bytes.
    lengths: Lengths,
    /// Which piece each event has. None while all are text of block 0.
    runs: Vec<Run>,
}

/// Events that follow each other, each with a piece of one block and one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    kind: PieceKind,
    block: BlockIndex,
    events: u32,
}

impl OtherPieces {
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The contents of all pieces that are no text, joined.
    pub fn contents(&self) -> &str {
        &self.contents
    }

    /// Adds the next event's piece. `events` is how many there are without it.
    pub(super) fn push(&mut self, piece: PieceRef<'_>, events: u32) {
        let is_text = piece.kind == PieceKind::Text;
        if self.runs.is_empty() {
            if is_text && piece.block == BlockIndex(0) {
                return;
            }
            self.add(PieceKind::Text, BlockIndex(0), events);
        }
        self.add(piece.kind, piece.block, 1);
        if !is_text {
            self.contents.push_str(piece.content);
            self.lengths.push(piece.content.len());
        }
    }

    fn add(&mut self, kind: PieceKind, block: BlockIndex, events: u32) {
        match self.runs.last_mut() {
            Some(last) if (last.kind, last.block) == (kind, block) => last.events += events,
            _ if events == 0 => {}
            _ => self.runs.push(Run {
                kind,
                block,
                events,
            }),
        }
    }

    /// The pieces of an answer with this text.
    pub(crate) fn pieces<'a>(
        &'a self,
        text: &'a str,
        lengths: &'a Lengths,
    ) -> impl Iterator<Item = PieceRef<'a>> {
        let runs = self.runs.iter();
        let kinds = runs.flat_map(|run| (0..run.events).map(|_| (run.kind, run.block)));
        // After the last run there is nothing unless there is no run at all.
        let kinds = kinds.chain(std::iter::repeat((PieceKind::Text, BlockIndex(0))));
        let (mut text, mut contents) = (text, self.contents.as_str());
        let mut other_lengths = self.lengths.iter();
        lengths
            .iter()
            .zip(kinds)
            .map(move |(length, (kind, block))| {
                let content = match kind {
                    PieceKind::Text => take(&mut text, length),
                    _ => take(&mut contents, other_lengths.next().unwrap_or_default()),
                };
                PieceRef {
                    block,
                    kind,
                    content,
                }
            })
    }

    /// Cuts off parts that each have `least` bytes and end between events, and the rest. So a store can write each part
    /// once while an answer grows: the parts of its beginning are the same.
    pub fn split(&self, least: usize) -> (Vec<Self>, Self) {
        let mut parts = Vec::new();
        let mut part = Self::default();
        let (mut contents, mut lengths) = (self.contents.as_str(), self.lengths.iter());
        for run in &self.runs {
            // A run of text may still grow, so no part ends within it.
            let steps = match run.kind {
                PieceKind::Text => 1,
                _ => run.events,
            };
            for _ in 0..steps {
                if part.bytes() >= least {
                    parts.push(std::mem::take(&mut part));
                }
                part.add(run.kind, run.block, run.events / steps);
                if run.kind != PieceKind::Text {
                    let length = lengths.next().unwrap_or_default();
                    part.contents.push_str(take(&mut contents, length));
                    part.lengths.push(length);
                }
            }
        }
        (parts, part)
    }

    /// About how many bytes a store needs for it.
    fn bytes(&self) -> usize {
        self.contents.len() + self.lengths.as_bytes().len() + RUN_BYTES * self.runs.len()
    }

    /// Adds what follows these events.
    pub fn append(&mut self, next: &Self) {
        for run in &next.runs {
            self.add(run.kind, run.block, run.events);
        }
        self.contents.push_str(&next.contents);
        self.lengths.extend(&next.lengths);
    }

    /// Which piece each event has, in the form that a store keeps beside the [`contents`](Self::contents): how many
    /// runs there are; of each run the kind, the block and the number of its events; then the length of each content.
    /// All are LEB128.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        push_varint(&mut bytes, self.runs.len());
        for run in &self.runs {
            push_varint(&mut bytes, number_of(run.kind));
            push_varint(&mut bytes, run.block.0 as usize);
            push_varint(&mut bytes, run.events as usize);
        }
        bytes.extend_from_slice(self.lengths.as_bytes());
        bytes
    }

    /// Reads the form that a store keeps; `None` if it is malformed, or does not fit `contents`.
    pub fn of(contents: String, bytes: &[u8]) -> Option<Self> {
        let mut varints = Varints(bytes);
        let mut runs = Vec::new();
        let mut others = 0_usize;
        for _ in 0..varints.next()?? {
            let kind = kind_of(varints.next()??)?;
            let block = BlockIndex(u32::try_from(varints.next()??).ok()?);
            let events = u32::try_from(varints.next()??).ok()?;
            if kind != PieceKind::Text {
                others = others.checked_add(events as usize)?;
            }
            runs.push(Run {
                kind,
                block,
                events,
            });
        }
        let lengths = Lengths::of(varints.0.to_vec(), &contents)?;
        (lengths.iter().count() == others).then_some(Self {
            contents,
            lengths,
            runs,
        })
    }

    /// Whether there is a piece for each event of a text, and its length is 0 where the piece is no text.
    pub fn fits(&self, lengths: &Lengths) -> bool {
        if self.runs.is_empty() {
            return true;
        }
        let mut lengths = lengths.iter();
        self.runs.iter().all(|run| {
            (0..run.events).all(|_| match lengths.next() {
                Some(length) => length == 0 || run.kind == PieceKind::Text,
                None => false,
            })
        }) && lengths.next().is_none()
    }
}

/// The bytes of a run as a store keeps it, but for large numbers.
const RUN_BYTES: usize = 3;

/// The number of a kind in a record. Numbers stay; a new kind gets a new one.
fn number_of(kind: PieceKind) -> usize {
    match kind {
        PieceKind::Text => 0,
        PieceKind::Reasoning => 1,
        PieceKind::ReasoningSignature => 2,
        PieceKind::RedactedReasoning => 3,
        PieceKind::Citation => 4,
        PieceKind::ToolUse => 5,
        PieceKind::ToolInput => 6,
        PieceKind::ToolResult => 7,
    }
}

fn kind_of(number: usize) -> Option<PieceKind> {
    let mut kinds = PieceKind::ALL.into_iter();
    kinds.find(|kind| number_of(*kind) == number)
}

/// Takes so many bytes off the front. Takes nothing if that is beyond the end or in a character.
fn take<'a>(text: &mut &'a str, bytes: usize) -> &'a str {
    let (front, rest) = text.split_at_checked(bytes).unwrap_or(("", text));
    *text = rest;
    front
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::session::Progress;

    /// The block, the kind and the content of a piece, and how often it comes.
    type Said = (u32, PieceKind, String, usize);

    fn said() -> impl Strategy<Value = Vec<Said>> {
        let kind = prop::sample::select(PieceKind::ALL.as_slice());
        prop::collection::vec((0_u32..300, kind, "[a-zü]{1,40}", 1_usize..5), 0..40)
    }

    fn progress(said: &[Said]) -> Progress {
        let mut progress = Progress::default();
        for (block, kind, content, times) in said {
            for _ in 0..*times {
                progress.push(PieceRef {
                    block: BlockIndex(*block),
                    kind: *kind,
                    content,
                });
            }
        }
        progress
    }

    #[test]
    fn text_of_block_0_alone_leaves_it_empty() {
        let mut progress = Progress::default();
        for token in ["a", "b"] {
            progress.push(PieceRef::text(token));
        }
        assert!(progress.others.is_empty());
        assert_eq!(
            progress.others.split(1),
            (Vec::new(), OtherPieces::default())
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (contents, bytes) in [
            ("", vec![]),
            ("", vec![1]),
            ("", vec![1, 9, 0, 1]),
            ("a", vec![1, 1, 0, 1]),
            ("a", vec![1, 1, 0, 2, 1]),
            ("ab", vec![1, 1, 0, 1, 1]),
            ("a", vec![0xff, 0xff, 0xff, 0xff, 0xff, 1]),
        ] {
            assert_eq!(
                OtherPieces::of(contents.to_owned(), &bytes),
                None,
                "{bytes:?}"
            );
        }
        let one = OtherPieces::of("a".to_owned(), &[1, 1, 0, 1, 1]).expect("fits");
        let fits = |lengths: &[usize]| one.fits(&lengths.iter().copied().collect());
        assert!(fits(&[0]) && !fits(&[]) && !fits(&[1]) && !fits(&[0, 0]));
        assert!(OtherPieces::default().fits(&[1, 2].into_iter().collect()));
    }

    proptest! {
        #[test]
        fn any_pieces_read_back_whole_and_in_parts(said in said(), least in 1_usize..300) {
            let progress = progress(&said);
            let pieces: Vec<_> = progress.pieces().map(|piece| {
                (piece.block.0, piece.kind, piece.content.to_owned())
            }).collect();
            let expected: Vec<_> = said.iter().flat_map(|(block, kind, content, times)| {
                std::iter::repeat_n((*block, *kind, content.clone()), *times)
            }).collect();
            prop_assert_eq!(pieces, expected);

            let others = &progress.others;
            prop_assert!(others.fits(&progress.lengths));
            let read = |others: &OtherPieces| {
                OtherPieces::of(others.contents().to_owned(), &others.to_bytes()).expect("fits")
            };
            prop_assert_eq!(&read(others), others);
            let (parts, rest) = others.split(least);
            let mut joined = OtherPieces::default();
            for part in parts.iter().chain([&rest]) {
                joined.append(&read(part));
            }
            prop_assert_eq!(&joined, others);
        }

        #[test]
        fn parts_stay_as_they_are_while_an_answer_grows(said in said(), least in 1_usize..300) {
            let (all, _) = progress(&said).others.split(least);
            for end in 0..said.len() {
                let (parts, rest) = progress(&said[..end]).others.split(least);
                prop_assert_eq!(&parts[..], &all[..parts.len()]);
                // The rest is less than a part, and one piece or run more.
                prop_assert!(rest.bytes() < least + 100, "{}", rest.bytes());
            }
        }
    }
}
