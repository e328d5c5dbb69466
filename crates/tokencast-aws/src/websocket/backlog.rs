//! What one attempt has published, so that a follower that lacks some of it can be given that, joined as far as a frame
//! holds it.

use std::sync::Arc;

use tokencast_core::block::{BlockIndex, Piece, PieceKind, ToolUse};
use tokencast_core::event::TokenEvent;
use tokencast_core::id::{Attempt, Position, Sequence, SessionId};
use tokencast_core::session::{Progress, Session, Status};

/// The most content of one frame, as JSON writes it. API Gateway's limit for a frame is 32 KB, of which less than 2 KB are
/// around the content. An event of the pipeline fits: its text has at most 5 KiB, and JSON needs at most six bytes for
/// one; a citation or a tool's result is cut to 24 KiB of JSON.
const MAX_CONTENT_BYTES: usize = 30 * 1024;

/// The content of one frame: an event, or the events `first` to `event.sequence`, whose pieces are joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    pub first: Sequence,
    pub event: TokenEvent,
}

impl Joined {
    /// The position of a follower that has got it.
    pub fn position(&self) -> Position {
        self.event.position()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backlog {
    session_id: SessionId,
    attempt: Attempt,
    /// The contents of the events' pieces, joined.
    contents: String,
    events: Vec<Kept>,
    /// The tools that the answer has named.
    tools: Vec<Arc<ToolUse>>,
    /// The event that ended the session.
    terminal: Option<TokenEvent>,
}

/// What is kept of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kept {
    block: BlockIndex,
    kind: PieceKind,
    /// Where in the contents its piece ends.
    end: usize,
    /// Of a part of a tool's input: which tool.
    tool: Option<usize>,
}

impl Kept {
    /// Whether the piece of the next event may go into the same frame.
    fn joins(self, next: Self) -> bool {
        self.kind.joins() && (self.kind, self.block) == (next.kind, next.block)
    }
}

impl Backlog {
    fn new(session_id: SessionId, attempt: Attempt) -> Self {
        Self {
            session_id,
            attempt,
            contents: String::new(),
            events: Vec::new(),
            tools: Vec::new(),
            terminal: None,
        }
    }

    /// What a running attempt has published so far.
    pub fn of_attempt(session_id: SessionId, attempt: Attempt, progress: &Progress) -> Self {
        let mut backlog = Self::new(session_id, attempt);
        for piece in progress.pieces_with_tools() {
            backlog.push_piece(&piece);
        }
        backlog
    }

    /// Everything that the record of a session holds.
    pub fn of_session(session: &Session) -> Self {
        let mut backlog = Self::new(session.id, session.attempt);
        for event in session.events_after(Position::default()) {
            backlog.push(&event);
        }
        backlog
    }

    /// Adds the next event. Does nothing for an event that is there already.
    pub fn push(&mut self, event: &TokenEvent) {
        if event.is_complete() {
            self.terminal = Some(event.clone());
        } else if let Some(piece) = &event.piece
            && event.sequence == self.last_piece().next()
        {
            self.push_piece(piece);
        }
    }

    fn push_piece(&mut self, piece: &Piece) {
        self.contents.push_str(&piece.content);
        let tool = piece.tool.as_ref().map(|tool| {
            let known = self.tools.iter().position(|known| known == tool);
            known.unwrap_or_else(|| {
                self.tools.push(Arc::clone(tool));
                self.tools.len() - 1
            })
        });
        self.events.push(Kept {
            block: piece.block,
            kind: piece.kind,
            end: self.contents.len(),
            tool,
        });
    }

    pub fn attempt(&self) -> Attempt {
        self.attempt
    }

    /// Whether there is anything after a position.
    pub fn is_ahead_of(&self, position: Position) -> bool {
        let terminal = self.terminal.as_ref().map(|event| event.sequence);
        position.known_of(self.attempt) < terminal.unwrap_or(self.last_piece())
    }

    /// What comes next after a position: as much of one block as a frame holds.
    pub fn after(&self, position: Position) -> Option<Joined> {
        let known = position.known_of(self.attempt);
        let known_events = usize::try_from(known.0).unwrap_or(usize::MAX);
        let missing = self.events.get(known_events..).unwrap_or_default();
        let Some(first) = missing.first() else {
            let terminal = self.terminal.as_ref()?;
            return (terminal.sequence > known).then(|| Joined {
                first: terminal.sequence,
                event: terminal.clone(),
            });
        };
        let from = match known_events {
            0 => 0,
            some => self.events[some - 1].end,
        };
        let (mut to, mut bytes, mut sequence) = (from, 0, known);
        for event in missing {
            bytes += bytes_in_json(&self.contents[to..event.end]);
            if sequence > known && (bytes > MAX_CONTENT_BYTES || !first.joins(*event)) {
                break;
            }
            (to, sequence) = (event.end, sequence.next());
        }
        let mut piece = Piece::new(first.block, first.kind, &self.contents[from..to]);
        piece.tool = first.tool.map(|tool| Arc::clone(&self.tools[tool]));
        Some(Joined {
            first: known.next(),
            event: TokenEvent {
                session_id: self.session_id,
                attempt: self.attempt,
                sequence,
                piece: Some(piece),
                status: Status::Streaming,
                ending: None,
            },
        })
    }

    /// The number of the last event with a piece.
    fn last_piece(&self) -> Sequence {
        Sequence(u32::try_from(self.events.len()).unwrap_or(u32::MAX))
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
