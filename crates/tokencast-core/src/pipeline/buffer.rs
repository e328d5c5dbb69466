//! The answer's text: the part that went into events, and the part that waits.

use std::collections::VecDeque;

use crate::id::Sequence;
use crate::session::Progress;

/// The most text that one event carries. JSON may need six bytes for one, and API Gateway's limit for a WebSocket frame
/// is 32 KB; AppSync counts what it sends in units of 5 KB.
pub(super) const MAX_EVENT_BYTES: usize = 5 * 1024;

/// How many tokens may wait one by one before the model is read no further.
const MAX_WAITING_TOKENS: usize = 1024;

/// How much text may wait before the model is read no further. So a slow reader slows the model down.
const MAX_WAITING_BYTES: usize = 4 * MAX_EVENT_BYTES;

/// How tokens become events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PublishMode {
    /// Tokens that wait while a publish is in flight go together in the next.
    #[default]
    Joined,
    /// Each token is an event of its own.
    Token,
}

#[derive(Debug)]
pub(super) struct Buffer {
    mode: PublishMode,
    progress: Progress,
    /// Ends of the waiting tokens, as offsets into `waiting`; only when they may not be joined.
    ends: VecDeque<usize>,
    waiting: String,
    /// How much of `waiting` has been taken already.
    taken: usize,
}

impl Buffer {
    pub(super) fn new(mode: PublishMode) -> Self {
        Self {
            mode,
            progress: Progress::default(),
            ends: VecDeque::new(),
            waiting: String::new(),
            taken: 0,
        }
    }

    pub(super) fn push(&mut self, token: String) {
        if token.is_empty() {
            return;
        }
        if self.waiting.is_empty() {
            self.waiting = token;
        } else {
            self.waiting.push_str(&token);
        }
        if self.mode == PublishMode::Token {
            self.ends.push_back(self.waiting.len());
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.taken == self.waiting.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.ends.len() >= MAX_WAITING_TOKENS
            || self.waiting.len() - self.taken >= MAX_WAITING_BYTES
    }

    /// The answer's length in bytes, waiting tokens included.
    pub(super) fn answer_bytes(&self) -> usize {
        self.progress.text.len() + self.waiting.len() - self.taken
    }

    /// What the events so far cover.
    pub(super) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The next event's token, and its number; `None` when nothing waits.
    pub(super) fn take(&mut self) -> Option<(String, Sequence)> {
        if self.is_empty() {
            return None;
        }
        let end = self.ends.pop_front().unwrap_or(self.waiting.len());
        let end = floor_char_boundary(&self.waiting, end.min(self.taken + MAX_EVENT_BYTES));
        // As a rule the event takes all that waits, which is moved and not copied.
        let token = if self.taken == 0 && end == self.waiting.len() {
            std::mem::take(&mut self.waiting)
        } else {
            let token = self.waiting[self.taken..end].to_owned();
            self.taken = end;
            if self.is_empty() {
                self.waiting.clear();
                self.taken = 0;
            }
            token
        };
        self.progress.push(&token);
        Some((token, self.progress.sequence))
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

    fn check(mode: PublishMode, tokens: &[&str], expected: &[&str]) {
        let mut buffer = Buffer::new(mode);
        for token in tokens {
            buffer.push((*token).to_owned());
        }
        let taken: Vec<_> = std::iter::from_fn(|| buffer.take()).collect();
        assert_eq!(
            taken
                .iter()
                .map(|(token, _)| token.as_str())
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

    #[test]
    fn a_long_text_is_split_between_characters() {
        for mode in [PublishMode::Joined, PublishMode::Token] {
            let long = "x".to_owned() + &"é".repeat(MAX_EVENT_BYTES);
            let mut buffer = Buffer::new(mode);
            buffer.push(long.clone());
            let taken: Vec<_> = std::iter::from_fn(|| buffer.take())
                .map(|(token, _)| token)
                .collect();
            assert!(
                taken.len() == 3 && taken.iter().all(|token| token.len() <= MAX_EVENT_BYTES),
                "{mode:?}"
            );
            assert_eq!(taken.concat(), long);
        }
    }
}
