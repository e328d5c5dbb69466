//! The reassembly of an answer from events that are lost, repeated and reordered on their way, and from snapshots.
//!
//! A pure state machine. Its rules are the same in every language, and `tests/fixtures/reassembly.json` holds them.

mod answer;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use self::answer::{Answer, Contradiction};
use crate::assistant::Guardrail;
use crate::block::Block;
use crate::event::{Snapshot, StreamError, StreamStatus, TokenEvent, Usage};
use crate::position::Position;

/// How many events wait for a gap to be filled. Beyond that the highest are dropped, and a snapshot fills them in.
const MAX_WAITING: usize = 1_024;

/// The answer of one session as far as it is known.
///
/// ```
/// use tokencast_client::transcript::Change;
/// use tokencast_client::{BlockContent, TokenEvent, Transcript};
///
/// let token = |sequence, token: &str| TokenEvent {
///     attempt: Some(1),
///     sequence: Some(sequence),
///     token: token.into(),
///     ..TokenEvent::default()
/// };
/// let mut transcript = Transcript::default();
/// assert!(transcript.event(token(2, "vers")).is_empty(), "event 1 isn't there yet");
/// assert!(transcript.needs_snapshot());
/// for change in transcript.event(token(1, "Ri")) {
///     if let Change::Append { piece, .. } = change
///         && let BlockContent::Text { text } = piece.content
///     {
///         print!("{text}");
///     }
/// }
/// assert_eq!(transcript.text(), "Rivers");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    /// 0 until an attempt was seen.
    attempt: u64,
    /// Of the last event in the text.
    sequence: u64,
    answer: Answer,
    status: Option<StreamStatus>,
    /// Events after a gap, by the first and the last sequence that they stand for.
    waiting: BTreeMap<(u64, u64), TokenEvent>,
    /// The highest event that is known to exist, but was neither applied nor kept.
    missed: u64,
    /// An end was heard of that doesn't follow from what is known: only a snapshot can tell whether the session is over.
    in_doubt: bool,
    /// Events without a sequence were appended as they came, so that no snapshot short of the last says more.
    unnumbered: bool,
    ending: Option<Ending>,
}

/// What to do to the answer on display.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Clear it: it starts again.
    Restart {
        /// Of the answer that follows.
        attempt: u64,
    },
    /// Append to the block with this index, or begin it. The answer reaches as far as `sequence` then.
    Append {
        /// The index, and what to append.
        piece: Block,
        /// Of the answer.
        attempt: u64,
        /// Of the last event in the answer.
        sequence: u64,
    },
    /// Nothing follows.
    End(Ending),
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// One of the terminal ones.
    pub status: StreamStatus,
    /// Why the model has finished, if it has.
    pub stop_reason: Option<String>,
    /// What the answer took, if the API says so.
    pub usage: Option<Usage>,
    /// Of a session that failed.
    pub error: Option<StreamError>,
    /// What a guardrail did, if it did something.
    pub guardrail: Option<Guardrail>,
}

impl Transcript {
    /// The text as far as it has come without a gap: the tokens in the order of their events.
    pub fn text(&self) -> &str {
        self.answer.text()
    }

    /// The same answer with all that isn't text, in the order of the indices.
    pub fn blocks(&self) -> Vec<Block> {
        self.answer.blocks()
    }

    /// `None` until anything was heard of the session.
    pub fn status(&self) -> Option<StreamStatus> {
        self.status
    }

    /// Of the text; 0 until an attempt was seen.
    pub fn attempt(&self) -> u64 {
        self.attempt
    }

    /// Of the last event in the text.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Of the last event in the text.
    pub fn position(&self) -> Position {
        Position {
            attempt: self.attempt,
            sequence: self.sequence,
        }
    }

    /// How the session ended, once it has.
    pub fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }

    /// Whether events are missing that only a snapshot is sure to bring.
    pub fn needs_snapshot(&self) -> bool {
        self.ending.is_none()
            && (self.in_doubt || !self.waiting.is_empty() || self.missed > self.sequence)
    }

    /// Whether it takes a snapshot, or the session from its first event, as what is known isn't sure to be true.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.in_doubt && self.ending.is_none()
    }

    /// The session as this transcript has it.
    pub(crate) fn as_snapshot(&self) -> Snapshot {
        let ending = self.ending.clone();
        let Ending {
            stop_reason,
            usage,
            error,
            guardrail,
            ..
        } = ending.unwrap_or(Ending {
            status: StreamStatus::Queued,
            stop_reason: None,
            usage: None,
            error: None,
            guardrail: None,
        });
        Snapshot {
            status: self.status.unwrap_or(StreamStatus::Queued),
            text: self.answer.text().to_owned(),
            blocks: Some(self.answer.blocks()),
            sequence: self.sequence,
            attempt: self.attempt,
            stop_reason,
            usage,
            error,
            reasoning_ms: None,
            waiting: None,
            conversation_id: None,
            parent_id: None,
            assistant: None,
            guardrail,
        }
    }

    /// Takes in an event, whenever it comes.
    pub fn event(&mut self, event: TokenEvent) -> Vec<Change> {
        let mut changes = Vec::new();
        let attempt = event.attempt.unwrap_or(self.attempt.max(1));
        if self.ending.is_some() {
            return changes;
        }
        if attempt < self.attempt {
            self.in_doubt |= event.is_complete;
            return changes;
        }
        self.enter(attempt, &mut changes);
        match event.sequence {
            None => {
                self.unnumbered = true;
                self.apply_unnumbered(event, &mut changes);
            }
            Some(sequence) if sequence > self.sequence => {
                let first = first_of(sequence, &event);
                if first > self.sequence + 1 {
                    self.keep((first, sequence), event);
                } else {
                    self.join(first, sequence, event, &mut changes);
                    self.apply_waiting(&mut changes);
                }
            }
            // An end in the midst of what is known: of an attempt that died after its last checkpoint.
            Some(_) => self.in_doubt |= event.is_complete,
        }
        changes
    }

    /// Takes in a snapshot, however old.
    pub fn snapshot(&mut self, snapshot: Snapshot) -> Vec<Change> {
        let mut changes = Vec::new();
        // A session ends once. That it has is true, whatever is known of attempts since.
        let ends = snapshot.status.is_terminal();
        if self.ending.is_some() || (!ends && self.is_behind(&snapshot)) {
            return changes;
        }
        self.enter(snapshot.attempt, &mut changes);
        let blocks = snapshot.to_blocks();
        self.replace(snapshot.text, blocks, snapshot.sequence, &mut changes);
        self.status = Some(snapshot.status);
        if ends {
            let Snapshot {
                status,
                stop_reason,
                usage,
                error,
                guardrail,
                ..
            } = snapshot;
            self.end(
                Ending {
                    status,
                    stop_reason,
                    usage,
                    error,
                    guardrail,
                },
                &mut changes,
            );
        } else {
            self.apply_waiting(&mut changes);
            self.in_doubt = false;
        }
        changes
    }

    fn is_behind(&self, snapshot: &Snapshot) -> bool {
        match snapshot.attempt.cmp(&self.attempt) {
            Ordering::Less => true,
            Ordering::Equal => self.unnumbered || snapshot.sequence < self.sequence,
            Ordering::Greater => false,
        }
    }

    /// Clears the answer if `attempt` is another.
    fn enter(&mut self, attempt: u64, changes: &mut Vec<Change>) {
        if attempt == self.attempt {
            return;
        }
        let first = self.attempt == 0 && self.answer.is_empty();
        self.attempt = attempt;
        self.clear();
        self.waiting.clear();
        self.missed = 0;
        self.in_doubt = false;
        if !first {
            changes.push(Change::Restart { attempt });
        }
    }

    fn clear(&mut self) {
        self.answer = Answer::default();
        self.sequence = 0;
        self.unnumbered = false;
    }

    fn replace(
        &mut self,
        text: String,
        blocks: Vec<Block>,
        sequence: u64,
        changes: &mut Vec<Change>,
    ) {
        let attempt = self.attempt;
        if !self.answer.is_beginning_of(&text, &blocks) {
            self.clear();
            changes.push(Change::Restart { attempt });
        }
        self.sequence = sequence;
        let added = self.answer.extend(sequence, text, blocks);
        changes.extend(added.into_iter().map(|piece| self.append(piece)));
    }

    fn keep(&mut self, range: (u64, u64), event: TokenEvent) {
        self.waiting.entry(range).or_insert(event);
        if self.waiting.len() > MAX_WAITING
            && let Some(((_, dropped), _)) = self.waiting.pop_last()
        {
            self.missed = self.missed.max(dropped);
        }
    }

    fn apply_waiting(&mut self, changes: &mut Vec<Change>) {
        while let Some(entry) = self.waiting.first_entry()
            && entry.key().0 <= self.sequence + 1
        {
            let ((first, sequence), event) = entry.remove_entry();
            if sequence > self.sequence {
                self.join(first, sequence, event, changes);
            }
        }
    }

    /// Applies an event that begins in what is known, or right after it, and reaches further.
    fn join(
        &mut self,
        first: u64,
        sequence: u64,
        mut event: TokenEvent,
        changes: &mut Vec<Change>,
    ) {
        let mut piece = self.answer.piece_of(&mut event);
        let cut = if first <= self.sequence {
            self.answer.cut(first - 1, &mut piece)
        } else {
            Ok(())
        };
        match cut.and_then(|()| self.answer.add(sequence, piece)) {
            Ok(added) => {
                self.sequence = sequence;
                changes.extend(added.map(|piece| self.append(piece)));
                self.apply(event, changes);
            }
            // Where it begins isn't known, so that nobody can tell which part of it is new; or it isn't of the block that is known.
            Err(Contradiction) => self.missed = self.missed.max(sequence),
        }
    }

    fn apply_unnumbered(&mut self, mut event: TokenEvent, changes: &mut Vec<Change>) {
        let piece = self.answer.piece_of(&mut event);
        // There is no number by which one that doesn't fit could be asked for.
        let added = self.answer.add(self.sequence, piece).ok().flatten();
        changes.extend(added.map(|piece| self.append(piece)));
        self.apply(event, changes);
    }

    fn append(&self, piece: Block) -> Change {
        Change::Append {
            piece,
            attempt: self.attempt,
            sequence: self.sequence,
        }
    }

    /// Applies what an event says besides its piece.
    fn apply(&mut self, event: TokenEvent, changes: &mut Vec<Change>) {
        let TokenEvent {
            is_complete,
            status,
            stop_reason,
            usage,
            error,
            guardrail,
            ..
        } = event;
        if is_complete {
            let status = status
                .filter(|status| status.is_terminal())
                .unwrap_or(match &error {
                    Some(_) => StreamStatus::Failed,
                    None => StreamStatus::Completed,
                });
            let ending = Ending {
                status,
                stop_reason,
                usage,
                error,
                guardrail,
            };
            self.end(ending, changes);
        } else {
            self.status = Some(StreamStatus::Streaming);
        }
    }

    fn end(&mut self, ending: Ending, changes: &mut Vec<Change>) {
        self.status = Some(ending.status);
        self.waiting.clear();
        self.missed = 0;
        self.ending = Some(ending.clone());
        changes.push(Change::End(ending));
    }
}

/// The first of the events that this one stands for.
fn first_of(sequence: u64, event: &TokenEvent) -> u64 {
    event.first_sequence.unwrap_or(sequence).clamp(1, sequence)
}
