//! What a chat looks like on stdout.

use std::io::{self, IsTerminal as _, Write as _};

use tokencast_client::Assistant;
use tokencast_client::conversations::Conversation;

use crate::stdio::Stdout;
use crate::visible::visible;

/// Stdout, a terminal or not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Screen {
    is_terminal: bool,
}

impl Screen {
    pub(super) fn new() -> Self {
        let is_terminal = io::stdout().is_terminal();
        Self { is_terminal }
    }

    /// Prints text, and ends its line.
    pub(super) fn print(self, text: &str) -> io::Result<()> {
        let end = if text.ends_with('\n') { "" } else { "\n" };
        let text = if self.is_terminal {
            visible(text)
        } else {
            text.into()
        };
        Stdout.write_all(format!("{text}{end}").as_bytes())
    }

    /// Prints a line of the list: its number, the title, and the id to open it with from elsewhere.
    pub(super) fn listed(
        self,
        number: usize,
        conversation: &Conversation,
        is_open: bool,
    ) -> io::Result<()> {
        let Conversation {
            conversation_id,
            title,
            turn_count,
            updated_at,
            ..
        } = conversation;
        let mark = if is_open { '*' } else { ' ' };
        let turns = if *turn_count == 1 { "turn" } else { "turns" };
        let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
        self.print(&format!(
            "{mark}{number:>3}  {title}  ({turn_count} {turns}, {updated_at})  {conversation_id}"
        ))
    }

    /// Prints a line of the assistants: the name, and what it is good for.
    pub(super) fn assistant(self, assistant: &Assistant, is_chosen: bool) -> io::Result<()> {
        let mark = if is_chosen { '*' } else { ' ' };
        let told = [&assistant.title, &assistant.description];
        let told = told.into_iter().flatten().cloned().collect::<Vec<_>>();
        let line = format!("{mark} {:<16}  {}", assistant.name, told.join(": "));
        self.print(line.trim_end())
    }

    /// Ends the line that the user was writing.
    pub(super) fn end_line(self) {
        if self.is_terminal {
            let _ = Stdout.write_all(b"\n");
        }
    }

    /// Ends the line that a signal has interrupted the editor in.
    pub(super) fn leave_editor(self) {
        if self.is_terminal {
            // The editor has asked the terminal to mark pasted text.
            let _ = Stdout.write_all(b"\x1b[?2004l\n");
        }
    }
}
