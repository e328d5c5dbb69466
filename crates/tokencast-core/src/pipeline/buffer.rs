//! The answer's pieces: those that went into events, and those that wait.

use std::collections::VecDeque;

use crate::block::{BlockIndex, Piece, PieceKind, ToolNames};
use crate::id::Sequence;
use crate::session::Progress;

/// The most text that one event carries, of whatever block. JSON may need six bytes for one, and API Gateway's limit for a WebSocket frame
/// is 32 KB; AppSync counts what it sends in units of 5 KB.
pub(super) const MAX_EVENT_BYTES: usize = 5 * 1024;

/// How many tokens may wait one by one before the model is read no further.
const MAX_WAITING_TOKENS: usize = 1024;

/// How much text may wait before the model is read no further. So a slow reader slows the model down.
const MAX_WAITING_BYTES: usize = 4 * MAX_EVENT_BYTES;

/// How tokens become events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PublishMode {
    /// Pieces of one block that wait while a publish is in flight go together in the next.
    #[default]
    Joined,
    /// Each piece that the model sends is an event of its own.
    Token,
}

#[derive(Debug)]
pub(super) struct Buffer {
    mode: PublishMode,
    progress: Progress,
    /// What waits, in order. Each is an event of its own, or several if it is long.
    runs: VecDeque<Run>,
    /// The contents of all runs, joined.
    waiting: String,
    /// How much of `waiting` has been taken already.
    taken: usize,
    tools: ToolNames,
}

/// Waiting pieces that become one event.
#[derive(Clone, Copy, Debug)]
struct Run {
    block: BlockIndex,
    kind: PieceKind,
    /// The end of its content, as an offset into `waiting`.
    end: usize,
}

impl Buffer {
    pub(super) fn new(mode: PublishMode) -> Self {
        Self {
            mode,
            progress: Progress::default(),
            runs: VecDeque::new(),
            waiting: String::new(),
            taken: 0,
            tools: ToolNames::default(),
        }
    }

    pub(super) fn push(&mut self, piece: Piece) {
        if piece.kind.joins() {
            self.add(piece);
        } else if let Some(piece) = piece.within_limits() {
            self.add(piece);
        }
    }

    fn add(&mut self, piece: Piece) {
        let Piece {
            block,
            kind,
            content,
            ..
        } = piece;
        if content.is_empty() {
            return;
        }
        if self.waiting.is_empty() {
            self.waiting = content;
        } else {
            self.waiting.push_str(&content);
        }
        let end = self.waiting.len();
        match self.runs.back_mut() {
            Some(last)
                if self.mode == PublishMode::Joined
                    && kind.joins()
                    && (last.kind, last.block) == (kind, block) =>
            {
                last.end = end;
            }
            _ => self.runs.push_back(Run { block, kind, end }),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.taken == self.waiting.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.runs.len() >= MAX_WAITING_TOKENS
            || self.waiting.len() - self.taken >= MAX_WAITING_BYTES
    }

    /// The answer's length in bytes, waiting pieces included.
    pub(super) fn answer_bytes(&self) -> usize {
        self.progress.bytes() + self.waiting.len() - self.taken
    }

    /// What the events so far cover.
    pub(super) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Notes how long the model has reasoned.
    pub(super) fn set_reasoning_ms(&mut self, reasoning_ms: u32) {
        self.progress.reasoning_ms = Some(reasoning_ms);
    }

    /// The next event's piece, and its number; `None` when nothing waits.
    pub(super) fn take(&mut self) -> Option<(Piece, Sequence)> {
        let Run { block, kind, end } = *self.runs.front()?;
        let cut = if kind.joins() {
            floor_char_boundary(&self.waiting, end.min(self.taken + MAX_EVENT_BYTES))
        } else {
            end
        };
        if cut == end {
            self.runs.pop_front();
        }
        // As a rule the event takes all that waits, which is moved and not copied.
        let content = if self.taken == 0 && cut == self.waiting.len() {
            std::mem::take(&mut self.waiting)
        } else {
            let content = self.waiting[self.taken..cut].to_owned();
            self.taken = cut;
            if self.is_empty() {
                self.waiting.clear();
                self.taken = 0;
            }
            content
        };
        let piece = self.tools.piece(block, kind, content);
        self.progress.push(piece.as_ref());
        Some((piece, self.progress.sequence))
    }
}

fn floor_char_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::ToolUse;

    fn check(mode: PublishMode, tokens: &[&str], expected: &[&str]) {
        let mut buffer = Buffer::new(mode);
        for token in tokens {
            buffer.push(Piece::text(*token));
        }
        let taken: Vec<_> = std::iter::from_fn(|| buffer.take()).collect();
        assert_eq!(
            taken
                .iter()
                .map(|(piece, _)| piece.token())
                .collect::<Vec<_>>(),
            expected
        );
        assert!(
            taken
                .iter()
                .zip(1..)
                .all(|((_, sequence), expected)| sequence.0 == expected)
        );
        assert_eq!(buffer.progress().text, tokens.concat());
        assert!(buffer.is_empty());
    }

    #[test]
    fn waiting_tokens_are_joined_or_not() {
        check(PublishMode::Joined, &["a", "b", "", "c"], &["abc"]);
        check(PublishMode::Token, &["a", "b", "", "c"], &["a", "b", "c"]);
        check(PublishMode::Joined, &[""], &[]);
    }

    fn piece(block: u32, kind: PieceKind, content: &str) -> Piece {
        Piece::new(BlockIndex(block), kind, content)
    }

    /// The block and the content of each event.
    fn check_blocks(mode: PublishMode, pieces: &[Piece], expected: &[(u32, &str)]) {
        let mut buffer = Buffer::new(mode);
        for piece in pieces {
            buffer.push(piece.clone());
        }
        let bytes: usize = pieces.iter().map(|piece| piece.content.len()).sum();
        assert_eq!(buffer.answer_bytes(), bytes);
        let taken: Vec<_> = std::iter::from_fn(|| buffer.take()).collect();
        let shown = taken
            .iter()
            .map(|(piece, _)| (piece.block.0, &*piece.content));
        assert_eq!(shown.collect::<Vec<_>>(), expected, "{mode:?}");
        let kept = buffer
            .progress()
            .pieces()
            .eq(taken.iter().map(|(piece, _)| piece.as_ref()));
        assert!(kept, "{mode:?}");
        assert_eq!(buffer.answer_bytes(), bytes);
    }

    #[test]
    fn only_pieces_of_one_block_and_kind_are_joined() {
        use PieceKind::{Reasoning, ReasoningSignature, RedactedReasoning, Text};
        let pieces = [
            piece(0, Reasoning, "h"),
            piece(0, Reasoning, "m"),
            piece(0, ReasoningSignature, "s"),
            piece(0, RedactedReasoning, "r"),
            piece(0, RedactedReasoning, "q"),
            piece(1, Text, "a"),
            piece(1, Text, "b"),
            piece(2, Text, "c"),
            piece(1, Text, "d"),
        ];
        let joined = [
            (0, "hm"),
            (0, "s"),
            (0, "r"),
            (0, "q"),
            (1, "ab"),
            (2, "c"),
            (1, "d"),
        ];
        check_blocks(PublishMode::Joined, &pieces, &joined);
        let each: Vec<_> = pieces
            .iter()
            .map(|piece| (piece.block.0, &*piece.content))
            .collect();
        check_blocks(PublishMode::Token, &pieces, &each);
    }

    #[test]
    fn the_parts_of_a_tools_input_name_the_tool() {
        let tool = ToolUse {
            tool_use_id: "t1".into(),
            name: "weather".into(),
            input: None,
        };
        let mut buffer = Buffer::new(PublishMode::Joined);
        buffer.push(Piece::of_tool_use(BlockIndex(0), &tool));
        buffer.push(piece(0, PieceKind::ToolInput, "{\"a\":"));
        buffer.push(piece(0, PieceKind::ToolInput, "1}"));
        let taken: Vec<_> = std::iter::from_fn(|| buffer.take()).collect();
        let named: Vec<_> = taken.iter().map(|(piece, _)| piece.tool_use()).collect();
        let input = Some("{\"a\":1}".to_owned());
        assert_eq!(named, [Some(tool.clone()), Some(ToolUse { input, ..tool })]);
    }

    #[test]
    fn a_long_text_is_split_between_characters() {
        for mode in [PublishMode::Joined, PublishMode::Token] {
            let long = "x".to_owned() + &"é".repeat(MAX_EVENT_BYTES);
            let mut buffer = Buffer::new(mode);
            buffer.push(Piece::text(long.clone()));
            let taken: Vec<_> = std::iter::from_fn(|| buffer.take())
                .map(|(piece, _)| piece.content)
                .collect();
            assert!(
                taken.len() == 3 && taken.iter().all(|token| token.len() <= MAX_EVENT_BYTES),
                "{mode:?}"
            );
            assert_eq!(taken.concat(), long);
        }
    }
}
