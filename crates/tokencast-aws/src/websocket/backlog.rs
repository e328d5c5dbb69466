//! What one attempt has published, so that a follower that lacks some of it can be given that, joined as far as a frame
//! holds it.

use tokencast_core::event::TokenEvent;
use tokencast_core::id::{Attempt, Position, Sequence, SessionId};
use tokencast_core::session::{Progress, Session, Status};

/// The most text of one frame, as JSON writes it. API Gateway's limit for a frame is 32 KB, of which less than 2 KB are
/// around the text. An event of the pipeline fits: it has at most 5 KiB, and JSON needs at most six bytes for one.
const MAX_TEXT_BYTES: usize = 30 * 1024;

/// The content of one frame: an event, or the events `first` to `event.sequence` with their tokens joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub first: Sequence,
    pub event: TokenEvent,
}

impl Piece {
    /// The position of a follower that has got it.
    pub fn position(&self) -> Position {
        self.event.position()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backlog {
    session_id: SessionId,
    attempt: Attempt,
    text: String,
    /// Where in `text` each event ends.
    ends: Vec<usize>,
    /// The event that ended the session.
    terminal: Option<TokenEvent>,
}

impl Backlog {
    /// What a running attempt has published so far.
    pub fn of_attempt(session_id: SessionId, attempt: Attempt, progress: &Progress) -> Self {
        let ends = progress.lengths.iter().scan(0, |end, length| {
            *end += length;
            Some(*end)
        });
        Self {
            session_id,
            attempt,
            text: progress.text.clone(),
            ends: ends.collect(),
            terminal: None,
        }
    }

    /// Everything that the record of a session holds.
    pub fn of_session(session: &Session) -> Self {
        let mut backlog = Self::of_attempt(session.id, session.attempt, &Progress::default());
        for event in session.events_after(Position::default()) {
            backlog.push(&event);
        }
        backlog
    }

    /// Adds the next event. Does nothing for an event that is there already.
    pub fn push(&mut self, event: &TokenEvent) {
        if event.is_complete() {
            self.terminal = Some(event.clone());
        } else if event.sequence == self.text_sequence().next() {
            self.text.push_str(&event.token);
            self.ends.push(self.text.len());
        }
    }

    pub fn attempt(&self) -> Attempt {
        self.attempt
    }

    /// Whether there is anything after a position.
    pub fn is_ahead_of(&self, position: Position) -> bool {
        let terminal = self.terminal.as_ref().map(|event| event.sequence);
        position.known_of(self.attempt) < terminal.unwrap_or(self.text_sequence())
    }

    /// The next piece after a position: as much as a frame holds.
    pub fn after(&self, position: Position) -> Option<Piece> {
        let known = position.known_of(self.attempt);
        let known_events = usize::try_from(known.0).unwrap_or(usize::MAX);
        let Some(missing) = self.ends.get(known_events..).filter(|it| !it.is_empty()) else {
            let terminal = self.terminal.as_ref()?;
            return (terminal.sequence > known).then(|| Piece {
                first: terminal.sequence,
                event: terminal.clone(),
            });
        };
        let from = match known_events {
            0 => 0,
            some => self.ends[some - 1],
        };
        let (mut to, mut bytes, mut sequence) = (from, 0, known);
        for &end in missing {
            bytes += bytes_in_json(&self.text[to..end]);
            if to > from && bytes > MAX_TEXT_BYTES {
                break;
            }
            (to, sequence) = (end, sequence.next());
        }
        Some(Piece {
            first: known.next(),
            event: TokenEvent {
                session_id: self.session_id,
                attempt: self.attempt,
                sequence,
                token: self.text[from..to].to_owned(),
                status: Status::Streaming,
                ending: None,
            },
        })
    }

    /// The number of the last event with text.
    fn text_sequence(&self) -> Sequence {
        Sequence(u32::try_from(self.ends.len()).unwrap_or(u32::MAX))
    }
}

/// The length of a text within a JSON string.
fn bytes_in_json(text: &str) -> usize {
    let bytes = text.bytes().map(|byte| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0..=0x1f => 6,
        _ => 1,
    });
    bytes.sum()
}

#[cfg(test)]
mod tests;
