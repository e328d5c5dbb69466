//! The start of a long text, in parts that are written once, so that a checkpoint need not write it again.
//!
//! A part holds whole events, as many as it takes to reach [`PART_BYTES`]; so where parts begin and end follows from the
//! events alone, and a part that is written twice is written the same. What is behind the last part stays in the record.
//! A checkpoint so writes less than [`PART_BYTES`] and one event more, and all parts together write the text once.

use serde::{Deserialize, Serialize};
use tokencast_core::id::{Attempt, SessionId};
use tokencast_core::session::Lengths;
use tokencast_core::time::Timestamp;

use super::item::{self, Item, MalformedItem};

/// A part's least size. Most answers are shorter, and have no parts at all.
pub const PART_BYTES: usize = 4096;

/// Some events of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) text: String,
    pub(super) lengths: Lengths,
}

/// Cuts a text into its parts, and the rest that stays in the record.
pub(super) fn split(text: &str, lengths: &Lengths) -> (Vec<Part>, Part) {
    let mut parts = Vec::new();
    let (mut from, mut to) = (0, 0);
    let mut events = Lengths::default();
    for length in lengths.iter() {
        to += length;
        events.push(length);
        if to - from >= PART_BYTES {
            parts.push(Part {
                text: text[from..to].to_owned(),
                lengths: std::mem::take(&mut events),
            });
            from = to;
        }
    }
    let rest = Part {
        text: text[from..].to_owned(),
        lengths: events,
    };
    (parts, rest)
}

/// Puts parts and rest together again.
pub(super) fn join(parts: impl IntoIterator<Item = Part>) -> Part {
    let mut joined = Part::default();
    for part in parts {
        joined.text.push_str(&part.text);
        joined.lengths.extend(&part.lengths);
    }
    joined
}

/// The key of a session's part: no session's own, for an id is a UUID.
pub(super) fn key(id: SessionId, attempt: Attempt, index: u32) -> String {
    format!("{id}#{}#{index}", attempt.0)
}

/// The attributes of a part.
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

pub(super) fn write(key: String, part: &Part, expires_at: Timestamp) -> Item {
    item::to_item(&Record {
        session_id: key,
        text: part.text.clone(),
        lengths: part.lengths.as_bytes().to_vec(),
        expires_at: expires_at.as_secs(),
    })
}

/// A part, and its key.
pub(super) fn read(item: &Item) -> Result<(String, Part), MalformedItem> {
    let record: Record = item::of_item(item)?;
    let lengths = item::lengths(record.lengths, &record.text)?;
    let text = record.text;
    Ok((record.session_id, Part { text, lengths }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lengths: &[usize], expected_parts: &[usize], expected_rest: usize) {
        let text: String = ('a'..='z').cycle().take(lengths.iter().sum()).collect();
        let lengths: Lengths = lengths.iter().copied().collect();
        let (parts, rest) = split(&text, &lengths);
        let sizes: Vec<_> = parts.iter().map(|part| part.text.len()).collect();
        assert_eq!((&*sizes, rest.text.len()), (expected_parts, expected_rest));
        let read = parts
            .iter()
            .map(|part| read(&write("k".to_owned(), part, Timestamp::EPOCH)).map(|(_, part)| part));
        let read: Result<Vec<_>, _> = read.collect();
        let joined = join(read.expect("reads").into_iter().chain([rest]));
        assert_eq!(joined, Part { text, lengths });
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
    fn parts_stay_as_they_are_while_the_text_grows() {
        let lengths: Vec<usize> = (1..400).map(|n| n % 90).collect();
        let text = "x".repeat(lengths.iter().sum());
        let (all, _) = split(&text, &lengths.iter().copied().collect());
        for end in 0..lengths.len() {
            let some = &lengths[..end];
            let size = some.iter().sum::<usize>();
            let (parts, rest) = split(&text[..size], &some.iter().copied().collect());
            assert_eq!(parts, all[..parts.len()]);
            assert!(rest.text.len() < PART_BYTES);
        }
    }
}
