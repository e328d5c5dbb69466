//! The start of a long text, in chunks that are written once, so that a checkpoint need not write it again.
//!
//! A chunk holds whole events, as many as it takes to reach [`TEXT_CHUNK_BYTES`]. So the events alone decide where a chunk
//! begins and ends, and a chunk that is written twice is written the same. What follows the last chunk stays in the record.
//! A checkpoint writes less than [`TEXT_CHUNK_BYTES`] and one event of text, and all chunks together write the text once.
//!
//! The items call them `parts`.

use serde::{Deserialize, Serialize};
use tokencast_core::id::{Attempt, SessionId};
use tokencast_core::session::Lengths;
use tokencast_core::time::Timestamp;

use super::item::{self, Item, MalformedItem};

/// A chunk's least size. Most answers are shorter, and have no chunks at all.
pub const TEXT_CHUNK_BYTES: usize = 4096;

/// Some events of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TextChunk {
    pub(super) text: String,
    pub(super) lengths: Lengths,
}

/// Cuts a text into its chunks, and the rest that stays in the record.
pub(super) fn split(text: &str, lengths: &Lengths) -> (Vec<TextChunk>, TextChunk) {
    let mut chunks = Vec::new();
    let (mut from, mut to) = (0, 0);
    let mut events = Lengths::default();
    for length in lengths.iter() {
        to += length;
        events.push(length);
        if to - from >= TEXT_CHUNK_BYTES {
            chunks.push(TextChunk {
                text: text[from..to].to_owned(),
                lengths: std::mem::take(&mut events),
            });
            from = to;
        }
    }
    let rest = TextChunk {
        text: text[from..].to_owned(),
        lengths: events,
    };
    (chunks, rest)
}

/// Joins the chunks and the rest.
pub(super) fn join(chunks: impl IntoIterator<Item = TextChunk>) -> TextChunk {
    let mut joined = TextChunk::default();
    for chunk in chunks {
        joined.text.push_str(&chunk.text);
        joined.lengths.extend(&chunk.lengths);
    }
    joined
}

/// The key of a session's chunk. No session has it, for an id is a UUID.
pub(super) fn key(id: SessionId, attempt: Attempt, index: u32) -> String {
    format!("{id}#{}#{index}", attempt.0)
}

/// The attributes of a chunk.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    session_id: String,
    text: String,
    #[serde(with = "serde_bytes")]
    lengths: Vec<u8>,
    /// In seconds since the Unix epoch.
    expires_at: i64,
}

pub(super) fn write(key: String, chunk: &TextChunk, expires_at: Timestamp) -> Item {
    item::to_item(&Record {
        session_id: key,
        text: chunk.text.clone(),
        lengths: chunk.lengths.as_bytes().to_vec(),
        expires_at: expires_at.as_secs(),
    })
}

pub(super) fn read(item: &Item) -> Result<TextChunk, MalformedItem> {
    let record: Record = item::of_item(item)?;
    let lengths = item::lengths(record.lengths, &record.text)?;
    let text = record.text;
    Ok(TextChunk { text, lengths })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lengths: &[usize], expected_chunks: &[usize], expected_rest: usize) {
        let text: String = ('a'..='z').cycle().take(lengths.iter().sum()).collect();
        let lengths: Lengths = lengths.iter().copied().collect();
        let (chunks, rest) = split(&text, &lengths);
        let sizes: Vec<_> = chunks.iter().map(|chunk| chunk.text.len()).collect();
        assert_eq!((&*sizes, rest.text.len()), (expected_chunks, expected_rest));
        let read = chunks
            .iter()
            .map(|chunk| read(&write("k".to_owned(), chunk, Timestamp::EPOCH)));
        let read: Result<Vec<_>, _> = read.collect();
        let joined = join(read.expect("reads").into_iter().chain([rest]));
        assert_eq!(joined, TextChunk { text, lengths });
    }

    #[test]
    fn a_text_is_cut_between_events_and_joined_again() {
        check(&[], &[], 0);
        check(&[10, 4000], &[], 4010);
        check(&[4096], &[4096], 0);
        check(&[4095, 1, 1], &[4096], 1);
        check(&[4000, 5000, 5000, 7], &[9000, 5000], 7);
        check(&vec![4; 3000], &[4096, 4096], 12_000 - 8192);
    }

    #[test]
    fn chunks_stay_as_they_are_while_the_text_grows() {
        let lengths: Vec<usize> = (1..400).map(|n| n % 90).collect();
        let text = "x".repeat(lengths.iter().sum());
        let (all, _) = split(&text, &lengths.iter().copied().collect());
        for end in 0..lengths.len() {
            let some = &lengths[..end];
            let size = some.iter().sum::<usize>();
            let (chunks, rest) = split(&text[..size], &some.iter().copied().collect());
            assert_eq!(chunks, all[..chunks.len()]);
            assert!(rest.text.len() < TEXT_CHUNK_BYTES);
        }
    }
}
