//! What the model thinks, on stderr beside the answer.

use std::io::Write;
use std::time::Duration;

use super::reasoning_time::thought_for;
use crate::visible::visible;

/// Shows reasoning, or that there is some.
#[derive(Debug)]
pub(super) struct Reasoning<W> {
    err: W,
    /// Show what the model thinks.
    is_shown: bool,
    is_terminal: bool,
    /// Set it apart from the answer.
    is_dim: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The model isn't thinking.
    Over,
    /// It is, and nothing was shown yet.
    Begun,
    /// A line is being written.
    InLine,
    /// A line is whole.
    LineStart,
}

impl<W: Write> Reasoning<W> {
    pub(super) fn new(err: W, is_shown: bool, is_terminal: bool, colors: bool) -> Self {
        Self {
            err,
            is_shown,
            is_terminal,
            is_dim: is_terminal && colors,
            state: State::Over,
        }
    }

    /// The next piece. The first of a stretch may be empty.
    pub(super) fn piece(&mut self, text: &str) {
        if !self.is_shown {
            // A note for who waits.
            if self.state == State::Over && self.is_terminal {
                self.write("[the model is thinking …]\n");
            }
            self.state = State::LineStart;
            return;
        }
        if self.state == State::Over {
            self.state = State::Begun;
        }
        if !text.is_empty() {
            self.write(text);
            self.state = if text.ends_with('\n') {
                State::LineStart
            } else {
                State::InLine
            };
        }
    }

    /// Something else comes. Whatever follows stands on a line of its own. A terminal is told for how long the model thought.
    pub(super) fn end(&mut self, thought: Option<Duration>) {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Begun => self.write("[the model keeps its reasoning to itself]\n"),
            State::InLine => self.write("\n"),
            State::Over | State::LineStart => {}
        }
        if let Some(thought) = thought
            && self.is_terminal
        {
            self.write(&format!("[{}]\n", thought_for(thought)));
        }
    }

    fn write(&mut self, text: &str) {
        let shown = if self.is_terminal {
            visible(text)
        } else {
            text.into()
        };
        let styled = if self.is_dim {
            // Each piece by itself, so that whatever is written between two of them is not dim.
            format!("\x1b[2m{shown}\x1b[0m")
        } else {
            shown.into_owned()
        };
        // A failed write to stderr can't be reported anywhere.
        let _ = self.err.write_all(styled.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(is_shown: bool, is_terminal: bool, pieces: &[Option<&str>]) -> String {
        let mut bytes = Vec::new();
        let mut reasoning = Reasoning::new(&mut bytes, is_shown, is_terminal, false);
        for piece in pieces {
            match piece {
                Some(text) => reasoning.piece(text),
                None => reasoning.end(Some(Duration::from_millis(2_540))),
            }
        }
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn reasoning_stands_on_lines_of_its_own() {
        let pieces = [
            Some("Let me"),
            Some(" think"),
            None,
            Some("more\n"),
            None,
            None,
        ];
        assert_eq!(written(true, false, &pieces), "Let me think\nmore\n");
        assert_eq!(written(false, false, &pieces), "");
        assert_eq!(
            written(false, true, &pieces),
            concat!(
                "[the model is thinking …]\n[thought for 2.5 s]\n",
                "[the model is thinking …]\n[thought for 2.5 s]\n[thought for 2.5 s]\n"
            )
        );
    }

    #[test]
    fn reasoning_that_is_not_shown_is_told_of() {
        let pieces = [Some(""), Some(""), None];
        assert_eq!(
            written(true, false, &pieces),
            "[the model keeps its reasoning to itself]\n"
        );
        assert_eq!(written(true, false, &[Some(""), Some("a"), None]), "a\n");
    }

    #[test]
    fn a_terminal_shows_it_dim_and_obeys_nothing_in_it() {
        let mut bytes = Vec::new();
        let mut reasoning = Reasoning::new(&mut bytes, true, true, true);
        reasoning.piece("a\u{1b}[2K");
        reasoning.end(None);
        assert_eq!(
            String::from_utf8(bytes).expect("UTF-8"),
            "\x1b[2ma\\u001b[2K\x1b[0m\x1b[2m\n\x1b[0m"
        );
    }
}
