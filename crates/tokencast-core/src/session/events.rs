//! The events that a session's record covers.

use super::{Progress, Session, Status};
use crate::block::{Block, PieceKind, PieceRef, ToolNames, blocks};
use crate::event::TokenEvent;
use crate::id::{Position, Sequence};

impl Session {
    /// The session's answer and its events, without the terminal event.
    pub fn progress(&self) -> Progress {
        Progress {
            text: self.text.clone(),
            sequence: self.last_piece(),
            lengths: self.lengths.clone(),
            others: self.others.clone(),
            reasoning_ms: self.reasoning_ms,
        }
    }

    /// The pieces of the events, first to last.
    pub fn pieces(&self) -> impl Iterator<Item = PieceRef<'_>> {
        self.others.pieces(&self.text, &self.lengths)
    }

    /// The answer so far, as clients get it.
    pub fn blocks(&self) -> Vec<Block> {
        blocks(self.pieces())
    }

    /// The number of the last event with a piece.
    fn last_piece(&self) -> Sequence {
        if self.status.is_terminal() {
            Sequence(self.sequence.0.saturating_sub(1))
        } else {
            self.sequence
        }
    }

    /// The events after a position, each as it was sent. The terminal event is the last one, if the session is over.
    ///
    /// A reader of an earlier attempt gets all events, and a reader that is ahead of the record gets none.
    pub fn events_after(&self, position: Position) -> impl Iterator<Item = TokenEvent> {
        let known = position.known_of(self.attempt).0;
        let mut tools = ToolNames::default();
        let pieces = self.pieces().zip(1..).filter_map(move |(piece, n)| {
            // Known tools count too: the parts of their input name them.
            let is_missing = n > known;
            let names_tool = piece.kind == PieceKind::ToolUse;
            let piece = (is_missing || names_tool)
                .then(|| tools.piece(piece.block, piece.kind, piece.content.to_owned()))?;
            is_missing.then_some(TokenEvent {
                session_id: self.id,
                attempt: self.attempt,
                sequence: Sequence(n),
                piece: Some(piece),
                status: Status::Streaming,
                ending: None,
            })
        });
        let end = self.terminal_event().filter(|end| end.sequence.0 > known);
        pieces.chain(end)
    }

    /// The event that ends the session. It is the same however often it is sent. `None` while the session isn't over.
    pub fn terminal_event(&self) -> Option<TokenEvent> {
        self.status.is_terminal().then(|| TokenEvent {
            session_id: self.id,
            attempt: self.attempt,
            sequence: self.sequence,
            piece: None,
            status: self.status,
            ending: Some(self.ending.clone()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Ending;
    use crate::id::{Attempt, Owner, SessionId};
    use crate::time::Timestamp;

    fn session(tokens: &[&str], status: Status) -> Session {
        let owner = Owner::new("owner").expect("not empty");
        let mut session = Session::new(SessionId::random(), owner, Timestamp::EPOCH);
        let mut progress = Progress::default();
        for token in tokens {
            progress.push(PieceRef::text(token));
        }
        session.last_attempt = Attempt(2);
        session.write(Attempt(2), Some(&progress));
        if status.is_terminal() {
            session.end(status, Ending::default());
        }
        session
    }

    fn after(session: &Session, attempt: u32, sequence: u32) -> Vec<(u32, String)> {
        let events = session.events_after(Position {
            attempt: Attempt(attempt),
            sequence: Sequence(sequence),
        });
        events
            .map(|event| (event.sequence.0, event.token().to_owned()))
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
}
