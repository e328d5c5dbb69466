//! How far an answer has come, and the events that said so.

use super::Session;
use crate::event::TokenEvent;
use crate::id::{Attempt, Sequence};
use crate::session::Status;

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

/// The length of each event's token in bytes, first to last: a byte for a token of up to 127 (LEB128).
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

    /// As a store keeps it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// From what a store kept; `None` if that does not fit `text`.
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

impl Session {
    /// What its text says, without the event that ended it.
    pub fn progress(&self) -> Progress {
        Progress {
            text: self.text.clone(),
            sequence: self.text_sequence(),
            lengths: self.lengths.clone(),
        }
    }

    /// The number of the last event with text.
    fn text_sequence(&self) -> Sequence {
        if self.status.is_terminal() {
            Sequence(self.sequence.0.saturating_sub(1))
        } else {
            self.sequence
        }
    }

    /// The events behind the given one, each as it was sent; of a session that is over, the terminal event last.
    ///
    /// Whoever knows an earlier attempt gets all, and whoever is ahead of the record gets none.
    pub fn events_after(
        &self,
        attempt: Attempt,
        sequence: Sequence,
    ) -> impl Iterator<Item = TokenEvent> {
        let known = match attempt.cmp(&self.attempt) {
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Equal => sequence.0,
            std::cmp::Ordering::Greater => u32::MAX,
        };
        let mut at = 0;
        let tokens = self.lengths.iter().zip(1..).filter_map(move |(length, n)| {
            let from = at;
            at += length;
            (n > known).then(|| TokenEvent {
                session_id: self.id,
                attempt: self.attempt,
                sequence: Sequence(n),
                token: self.text[from..at].to_owned(),
                status: Status::Streaming,
                ending: None,
            })
        });
        let end = TokenEvent::terminal(self).filter(|end| end.sequence.0 > known);
        tokens.chain(end)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::Ending;
    use crate::id::{Owner, SessionId};
    use crate::time::Timestamp;

    fn session(tokens: &[&str], status: Status) -> Session {
        let owner = Owner::new("owner").expect("not empty");
        let mut session = Session::new(SessionId::random(), owner, Timestamp::EPOCH);
        let mut progress = Progress::default();
        for token in tokens {
            progress.push(token);
        }
        session.last_attempt = Attempt(2);
        session.write(Attempt(2), Some(&progress));
        if status.is_terminal() {
            session.end(status, Ending::default());
        }
        session
    }

    fn after(session: &Session, attempt: u32, sequence: u32) -> Vec<(u32, String)> {
        let events = session.events_after(Attempt(attempt), Sequence(sequence));
        events
            .map(|event| (event.sequence.0, event.token))
            .collect()
    }

    #[test]
    fn what_is_missing_comes_as_it_was_sent() {
        let live = session(&["a", "bü", "c"], Status::Streaming);
        let all = [(1, "a"), (2, "bü"), (3, "c")].map(|(n, token)| (n, token.to_owned()));
        assert_eq!(after(&live, 0, 0), all);
        assert_eq!(after(&live, 1, 2), all, "of an earlier attempt");
        assert_eq!(after(&live, 2, 1), all[1..]);
        assert_eq!(after(&live, 2, 3), []);
        assert_eq!(after(&live, 3, 1), [], "ahead of the record");
        let over = session(&["a"], Status::Failed);
        let end = (2, String::new());
        assert_eq!(after(&over, 2, 0), [(1, "a".to_owned()), end.clone()]);
        assert_eq!(after(&over, 2, 1), [end]);
        assert_eq!(after(&over, 2, 2), []);
        let empty = session(&[], Status::Completed);
        assert_eq!(after(&empty, 0, 0), [(1, String::new())]);
        assert_eq!(empty.progress(), Progress::default());
    }

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
