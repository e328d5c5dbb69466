//! What an answer looks like: its text on stdout, and what belongs beside it.

use std::io::{self, IsTerminal as _};

use tokencast_client::{AnswerEvent, BlockContent, Snapshot};

use super::Listening;
use super::output::{Output, Style};
use super::reasoning::Reasoning;
use crate::exit::say;
use crate::stdio::{Stderr, Stdout};

/// The place of one answer on the standard streams.
pub(super) struct Page {
    output: Output<Stdout>,
    reasoning: Reasoning<Stderr>,
    json: bool,
    /// Whether stderr is a terminal.
    is_watched: bool,
}

impl Page {
    pub(super) fn new(listening: &Listening) -> Self {
        let &Listening {
            json,
            show_reasoning,
            markdown,
            colors,
            ..
        } = listening;
        let terminal = io::stdout().is_terminal();
        let is_watched = io::stderr().is_terminal();
        let style = Style {
            json,
            terminal,
            markdown: markdown && colors && terminal,
        };
        Self {
            output: Output::new(Stdout, style),
            reasoning: Reasoning::new(Stderr, show_reasoning, is_watched, colors),
            json,
            is_watched,
        }
    }

    /// Whether the answer so far is more than blanks.
    pub(super) fn has_text(&self) -> bool {
        self.output.has_text()
    }

    /// Prints what an event brings.
    pub(super) fn event(&mut self, event: &AnswerEvent) -> io::Result<()> {
        if !self.json {
            self.beside(event)?;
        }
        self.output.event(event)
    }

    /// Writes to stderr what belongs to the answer and isn't its text.
    fn beside(&mut self, event: &AnswerEvent) -> io::Result<()> {
        match event {
            AnswerEvent::Reasoning { text, .. } => {
                self.output.make_room()?;
                self.reasoning.piece(text);
            }
            AnswerEvent::ToolUse { tool_use, .. } => {
                self.reasoning.end();
                if tool_use.input.is_empty() && self.is_watched {
                    self.output.make_room()?;
                    say!("[the model uses the tool {}]", tool_use.name);
                }
            }
            // These may come at any time.
            AnswerEvent::Reconnecting { .. } | AnswerEvent::Reconnected => {}
            _ => self.reasoning.end(),
        }
        Ok(())
    }

    /// Writes the client's own failure, which is no event of the session.
    pub(super) fn error(&mut self, message: &str) -> io::Result<()> {
        self.reasoning.end();
        self.output.error(message)
    }

    /// Ends the text, and lists its sources: behind it on a terminal, and beside it otherwise.
    pub(super) fn end_text(&mut self) -> io::Result<()> {
        self.reasoning.end();
        self.output.end_line()?;
        if self.json {
            return Ok(());
        }
        for line in self.output.sources()? {
            say!("{line}");
        }
        Ok(())
    }
}

/// Prints an answer as it looked when it came. What the model thought is left out, unless it is shown.
///
/// # Errors
///
/// Standard output or standard error can't be written.
pub fn show(answer: &Snapshot, listening: &Listening) -> io::Result<()> {
    let mut page = Page::new(listening);
    for block in answer.to_blocks() {
        let is_reasoning = matches!(block.content, BlockContent::Reasoning { .. });
        if is_reasoning && !listening.show_reasoning {
            continue;
        }
        let event = AnswerEvent::of_block(block, answer.sequence, answer.attempt);
        if let Some(event) = event {
            page.event(&event)?;
        }
    }
    page.end_text()
}
