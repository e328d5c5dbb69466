//! What was written of an answer, so that a newer attempt that says the same goes on where the older one was.

use tokencast_core::block::Piece;

/// The pieces that were written, joined where they can be.
#[derive(Debug, Default)]
pub(super) struct Written {
    pieces: Vec<Piece>,
    /// How far a newer attempt has repeated them; `None` while there is none.
    repeated: Option<Repeated>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Repeated {
    /// How many pieces were repeated whole.
    pieces: usize,
    /// How much of the next one was.
    bytes: usize,
}

/// A piece of a newer attempt, compared with what was written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Compared {
    /// It repeats what was written.
    Repeats,
    /// It goes on behind what was written, by this.
    GoesOn(Piece),
    /// It says something else.
    Differs,
}

impl Written {
    pub(super) fn push(&mut self, piece: &Piece) {
        match self.pieces.last_mut() {
            Some(last) if joins(last, piece) => last.content.push_str(&piece.content),
            _ => self.pieces.push(piece.clone()),
        }
    }

    /// A newer attempt begins.
    pub(super) fn begin_again(&mut self) {
        if !self.pieces.is_empty() {
            self.repeated = Some(Repeated::default());
        }
    }

    /// Compares the next piece. Outside of a newer attempt, each goes on.
    pub(super) fn compare(&mut self, piece: &Piece) -> Compared {
        let Some(repeated) = &mut self.repeated else {
            return Compared::GoesOn(piece.clone());
        };
        let Some(known) = self.pieces.get(repeated.pieces) else {
            self.repeated = None;
            return Compared::GoesOn(piece.clone());
        };
        if (known.block, known.kind) != (piece.block, piece.kind) {
            return Compared::Differs;
        }
        let rest = &known.content[repeated.bytes..];
        let is_last = repeated.pieces + 1 == self.pieces.len();
        if rest == piece.content {
            repeated.pieces += 1;
            repeated.bytes = 0;
            Compared::Repeats
        } else if !piece.kind.joins() {
            Compared::Differs
        } else if rest.starts_with(&piece.content) {
            repeated.bytes += piece.content.len();
            Compared::Repeats
        } else if let Some(more) = piece.content.strip_prefix(rest).filter(|_| is_last) {
            let content = more.to_owned();
            self.repeated = None;
            Compared::GoesOn(Piece {
                content,
                ..piece.clone()
            })
        } else {
            Compared::Differs
        }
    }

    /// Whether a newer attempt has said something, but not yet all that was written.
    pub(super) fn is_repeated_in_part(&self) -> bool {
        self.repeated.is_some_and(|repeated| {
            let has_begun = repeated.pieces > 0 || repeated.bytes > 0;
            has_begun && repeated.pieces < self.pieces.len()
        })
    }

    /// Forgets what was written. Returns what the newer attempt has repeated of it.
    pub(super) fn take_repeated(&mut self) -> Vec<Piece> {
        let Repeated { pieces, bytes } = self.repeated.take().unwrap_or_default();
        let mut taken = std::mem::take(&mut self.pieces);
        taken.truncate(pieces + usize::from(bytes > 0));
        if let Some(last) = taken.get_mut(pieces) {
            last.content.truncate(bytes);
        }
        taken
    }
}

fn joins(last: &Piece, next: &Piece) -> bool {
    next.kind.joins() && (last.block, last.kind) == (next.block, next.kind)
}

#[cfg(test)]
mod tests {
    use tokencast_core::block::{BlockIndex, Citation, PieceKind};

    use super::*;

    fn text(block: u32, content: &str) -> Piece {
        Piece::new(BlockIndex(block), PieceKind::Text, content)
    }

    fn check(written: &[Piece], again: &[Piece], expected: &Compared, repeated: &[Piece]) {
        let mut all = Written::default();
        for piece in written {
            all.push(piece);
        }
        all.begin_again();
        let (last, before) = again.split_last().expect("pieces");
        for piece in before {
            assert_eq!(all.compare(piece), Compared::Repeats, "{again:?}");
        }
        assert_eq!(all.compare(last), *expected, "{again:?}");
        if *expected == Compared::Differs {
            assert_eq!(all.take_repeated(), repeated, "{again:?}");
        }
    }

    #[test]
    fn an_attempt_that_says_the_same_goes_on() {
        let written = [text(0, "Ri"), text(0, "vers"), text(1, "!")];
        let same = [text(0, "Rive"), text(0, "rs"), text(1, "!")];
        check(&written, &same, &Compared::Repeats, &[]);
        let more = [&same[..], &[text(2, "more")]].concat();
        check(&written, &more, &Compared::GoesOn(text(2, "more")), &[]);
        let more = [text(0, "Rivers"), text(1, "!?")];
        check(&written, &more, &Compared::GoesOn(text(1, "?")), &[]);
        let more = [text(0, "Rivers"), text(1, "!"), text(1, "?")];
        check(&written, &more, &Compared::GoesOn(text(1, "?")), &[]);
        check(&[], &[text(0, "x")], &Compared::GoesOn(text(0, "x")), &[]);
    }

    #[test]
    fn one_that_says_something_else_has_what_it_repeated() {
        let written = [text(0, "Rivers"), text(1, "!")];
        check(&written, &[text(0, "Roads")], &Compared::Differs, &[]);
        check(
            &written,
            &[text(0, "Ri"), text(0, "ck")],
            &Compared::Differs,
            &[text(0, "Ri")],
        );
        check(
            &written,
            &[text(0, "Rivers"), text(2, "x")],
            &Compared::Differs,
            &[text(0, "Rivers")],
        );
        check(&written, &[text(0, "Rivers and")], &Compared::Differs, &[]);
        let citation = |title: &str| {
            let title = Some(title.to_owned());
            Piece::of_citation(
                BlockIndex(0),
                &Citation {
                    title,
                    ..Citation::default()
                },
            )
        };
        check(&[citation("A")], &[citation("B")], &Compared::Differs, &[]);
        check(&[citation("A")], &[citation("A")], &Compared::Repeats, &[]);
    }
}
