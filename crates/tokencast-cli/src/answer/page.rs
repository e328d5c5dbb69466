//! What an answer looks like: its text on stdout, and what belongs beside it.

use std::io::{self, IsTerminal as _, Write};
use std::time::Duration;

use tokencast_client::{AnswerEvent, BlockContent, Snapshot};

use super::Listening;
use super::output::{Output, Style};
use super::reasoning::Reasoning;
use crate::exit::say;
use crate::stdio::{Stderr, Stdout};

/// The place of one answer on the standard streams.
pub(super) struct Page {
    output: Output<Box<dyn Write + Send>>,
    reasoning: Reasoning<Stderr>,
    json: bool,
    /// Whether stderr is a terminal.
    is_watched: bool,
}

impl Page {
    pub(super) fn new(listening: &Listening) -> Self {
        Self::on(listening, Box::new(Stdout), io::stdout().is_terminal())
    }

    /// The place of an answer that was given before. A pipe gets new answers only.
    fn of_past(listening: &Listening) -> Self {
        if io::stdout().is_terminal() {
            return Self::new(listening);
        }
        Self::on(listening, Box::new(Stderr), io::stderr().is_terminal())
    }

    fn on(listening: &Listening, out: Box<dyn Write + Send>, terminal: bool) -> Self {
        let &Listening {
            json,
            show_reasoning,
            markdown,
            colors,
            ..
        } = listening;
        let is_watched = io::stderr().is_terminal();
        let style = Style {
            json,
            terminal,
            markdown: markdown && colors && terminal,
        };
        Self {
            output: Output::new(out, style),
            reasoning: Reasoning::new(Stderr, show_reasoning, is_watched, colors),
            json,
            is_watched,
        }
    }

    /// Whether the answer so far is more than blanks.
    pub(super) fn has_text(&self) -> bool {
        self.output.has_text()
    }

    /// Prints what an event brings. `thought` is how long a stretch of reasoning was that it ends, if that is known.
    pub(super) fn event(
        &mut self,
        event: &AnswerEvent,
        thought: Option<Duration>,
    ) -> io::Result<()> {
        if !self.json {
            self.beside(event, thought)?;
        }
        self.output.event(event, None)
    }

    /// Prints the last event. `reasoning_ms` is for how long the model has reasoned in all.
    pub(super) fn last(
        &mut self,
        event: &AnswerEvent,
        reasoning_ms: Option<u64>,
        thought: Option<Duration>,
    ) -> io::Result<()> {
        if !self.json {
            self.beside(event, thought)?;
        }
        self.output.event(event, reasoning_ms)
    }

    /// Writes to stderr what belongs to the answer and isn't its text.
    fn beside(&mut self, event: &AnswerEvent, thought: Option<Duration>) -> io::Result<()> {
        match event {
            AnswerEvent::Reasoning { text, .. } => {
                self.output.make_room()?;
                self.reasoning.piece(text);
            }
            AnswerEvent::ToolUse { tool_use, .. } => {
                self.reasoning.end(thought);
                if tool_use.input.is_empty() && self.is_watched {
                    self.output.make_room()?;
                    say!("[the model uses the tool {}]", tool_use.name);
                }
            }
            // These may come at any time.
            AnswerEvent::Reconnecting { .. } | AnswerEvent::Reconnected => {}
            _ => self.reasoning.end(thought),
        }
        Ok(())
    }

    /// Writes the client's own failure, which is no event of the session.
    pub(super) fn error(&mut self, message: &str) -> io::Result<()> {
        self.reasoning.end(None);
        self.output.error(message)
    }

    /// Ends the text, and lists its sources: behind it on a terminal, and beside it otherwise.
    pub(super) fn end_text(&mut self) -> io::Result<()> {
        self.reasoning.end(None);
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

/// Prints a question and its answer as they looked when they came: on a terminal to stdout, and otherwise to stderr. What the
/// model thought is left out, unless it is shown.
///
/// # Errors
///
/// Standard output can't be written.
pub fn show(question: &str, answer: Option<&Snapshot>, listening: &Listening) -> io::Result<()> {
    let shown = show_on_page(question, answer, listening);
    if io::stdout().is_terminal() {
        shown
    } else {
        // A failed write to stderr can't be reported anywhere.
        Ok(())
    }
}

fn show_on_page(
    question: &str,
    answer: Option<&Snapshot>,
    listening: &Listening,
) -> io::Result<()> {
    let mut page = Page::of_past(listening);
    let question = question.lines().collect::<Vec<_>>().join("\n> ");
    page.output.plain(&format!("> {question}\n"))?;
    let Some(answer) = answer else {
        return Ok(());
    };
    if answer.text.is_empty() {
        let none = answer.status.is_terminal();
        return if none {
            page.output.plain("[no text]\n")
        } else {
            Ok(())
        };
    }
    let mut thought = answer.reasoning_ms.map(Duration::from_millis);
    for block in answer.to_blocks() {
        let is_reasoning = matches!(block.content, BlockContent::Reasoning { .. });
        if is_reasoning && !listening.show_reasoning {
            continue;
        }
        let event = AnswerEvent::of_block(block, answer.sequence, answer.attempt);
        if let Some(event) = event {
            // All of the time is told behind the first stretch.
            let thought = if is_reasoning { None } else { thought.take() };
            page.event(&event, thought)?;
        }
    }
    page.end_text()
}
