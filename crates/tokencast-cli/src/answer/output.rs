//! Writes the answer to stdout: as text, or one JSON event a line.

use std::io::{self, Write};

use serde_json::{Value, json};
use tokencast_client::AnswerEvent;

use super::markdown::Markdown;
use super::sources::Sources;
use crate::visible::visible;

/// How the answer is written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Style {
    /// Write one JSON event a line.
    pub(super) json: bool,
    /// Show control characters instead of letting the terminal obey them, and where which source is cited.
    pub(super) terminal: bool,
    /// Show Markdown as what it means.
    pub(super) markdown: bool,
}

/// Writes events as they come, and flushes after each.
pub(super) struct Output<W> {
    out: W,
    style: Style,
    markdown: Markdown,
    sources: Sources,
    /// Whether the text on display has more than blanks.
    has_text: bool,
    /// Whether the cursor is at the start of a line.
    at_line_start: bool,
}

impl<W: Write> Output<W> {
    pub(super) fn new(out: W, style: Style) -> Self {
        Self {
            out,
            style,
            markdown: Markdown::default(),
            sources: Sources::default(),
            has_text: false,
            at_line_start: true,
        }
    }

    /// Whether the answer so far is more than blanks.
    pub(super) fn has_text(&self) -> bool {
        self.has_text
    }

    /// Writes what an event brings. `reasoning_ms` belongs to the last.
    pub(super) fn event(
        &mut self,
        event: &AnswerEvent,
        reasoning_ms: Option<u64>,
    ) -> io::Result<()> {
        match event {
            AnswerEvent::Text { text, .. } => self.has_text |= !text.trim().is_empty(),
            AnswerEvent::Restarted { .. } => self.has_text = false,
            _ => {}
        }
        if self.style.json {
            let mut line = serde_json::to_value(event).map_err(io::Error::other)?;
            if let AnswerEvent::Completed { .. } = event {
                line["reasoningMs"] = reasoning_ms.into();
                line["hasText"] = self.has_text.into();
            }
            return self.json_line(&line);
        }
        match event {
            AnswerEvent::Text { text, .. } if !text.is_empty() => {
                self.at_line_start = text.ends_with('\n');
                self.write(text)
            }
            AnswerEvent::Citation { citation, .. } => {
                let number = self.sources.number(citation);
                if !self.style.terminal {
                    return Ok(());
                }
                self.at_line_start = false;
                self.write(&format!("[{number}]"))
            }
            AnswerEvent::Restarted { .. } => {
                self.sources.clear();
                self.end_line()
            }
            _ => Ok(()),
        }
    }

    /// Writes whole lines that are no part of an answer.
    pub(super) fn plain(&mut self, text: &str) -> io::Result<()> {
        let text = if self.style.terminal {
            visible(text)
        } else {
            text.into()
        };
        self.out.write_all(text.as_bytes())
    }

    /// On a terminal, lets something else begin on a line of its own. A pipe's text stays as it is.
    pub(super) fn make_room(&mut self) -> io::Result<()> {
        if self.style.terminal && !self.style.json {
            return self.end_line();
        }
        Ok(())
    }

    /// Lists the sources of the answer on a terminal. Otherwise returns the lines, which belong elsewhere.
    pub(super) fn sources(&mut self) -> io::Result<Vec<String>> {
        let lines: Vec<_> = self.sources.lines().collect();
        // An answer that is stopped ends twice: here, and with its last event.
        self.sources.clear();
        if !self.style.terminal {
            return Ok(lines);
        }
        if !lines.is_empty() {
            let text = format!("\n{}\n", lines.join("\n"));
            self.out.write_all(visible(&text).as_bytes())?;
        }
        Ok(Vec::new())
    }

    /// Writes the client's own failure, which is no event of the session.
    pub(super) fn error(&mut self, message: &str) -> io::Result<()> {
        if !self.style.json {
            return self.end_line();
        }
        self.json_line(&json!({ "type": "error", "message": message }))
    }

    /// Ends the current line, so that whatever follows stands on a line of its own.
    pub(super) fn end_line(&mut self) -> io::Result<()> {
        let rest = self.markdown.end();
        self.out.write_all(rest.as_bytes())?;
        if !std::mem::replace(&mut self.at_line_start, true) {
            self.out.write_all(b"\n")?;
        }
        self.out.flush()
    }

    fn json_line(&mut self, line: &Value) -> io::Result<()> {
        self.write(&format!("{line}\n"))
    }

    /// Writes the text in one piece, because the stream below may have no buffer.
    fn write(&mut self, text: &str) -> io::Result<()> {
        if self.style.terminal && self.style.markdown {
            let text = self.markdown.push(&visible(text));
            self.out.write_all(text.as_bytes())?;
        } else if self.style.terminal {
            self.out.write_all(visible(text).as_bytes())?;
        } else {
            self.out.write_all(text.as_bytes())?;
        }
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use tokencast_client::Citation;

    use super::*;

    fn written(json: bool, events: &[AnswerEvent]) -> String {
        let style = Style {
            json,
            ..Style::default()
        };
        written_as(style, events)
    }

    fn written_as(style: Style, events: &[AnswerEvent]) -> String {
        let mut bytes = Vec::new();
        let mut output = Output::new(&mut bytes, style);
        for event in events {
            output.event(event, None).expect("written");
        }
        output.end_line().expect("written");
        String::from_utf8(bytes).expect("UTF-8")
    }

    fn text(text: &str, attempt: u64) -> AnswerEvent {
        AnswerEvent::Text {
            text: text.into(),
            block_index: 0,
            sequence: 1,
            attempt,
        }
    }

    #[test]
    fn a_new_attempt_starts_on_a_new_line() {
        let events = [
            text("Riv", 1),
            AnswerEvent::Restarted { attempt: 2 },
            text("Rivers", 2),
        ];
        assert_eq!(written(false, &events), "Riv\nRivers\n");
    }

    #[test]
    fn a_text_that_ends_its_line_gets_no_other() {
        assert_eq!(written(false, &[text("one\n", 1)]), "one\n");
        assert_eq!(written(false, &[]), "");
    }

    #[test]
    fn a_terminal_is_shown_control_characters_and_a_file_gets_them() {
        let (sequence, shown) = ("\u{1b}[2K\u{9b}0m\n", "\\u001b[2K\\u009b0m\n");
        // The text may be cut anywhere, as tokens may be.
        for cut in sequence.char_indices().map(|(at, _)| at) {
            let (left, right) = sequence.split_at(cut);
            let events = [text(left, 1), text(right, 1)];
            for (terminal, expected) in [(false, sequence), (true, shown)] {
                let style = Style {
                    terminal,
                    ..Style::default()
                };
                assert_eq!(written_as(style, &events), expected, "cut at {cut}");
            }
        }
        let style = Style {
            json: true,
            terminal: true,
            ..Style::default()
        };
        let line = written_as(style, &[text(sequence, 1)]);
        assert!(!line.trim_end().contains(char::is_control), "{line:?}");
        let read: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(read["text"], sequence);
    }

    fn citation(url: &str) -> AnswerEvent {
        AnswerEvent::Citation {
            citation: Citation {
                url: Some(url.into()),
                ..Citation::default()
            },
            block_index: 1,
            sequence: 2,
            attempt: 1,
        }
    }

    /// What is written on a terminal or into a pipe, and what belongs elsewhere.
    fn with_sources(terminal: bool, events: &[AnswerEvent]) -> (String, Vec<String>) {
        let style = Style {
            terminal,
            markdown: terminal,
            json: false,
        };
        let mut bytes = Vec::new();
        let mut output = Output::new(&mut bytes, style);
        for event in events {
            output.event(event, None).expect("written");
        }
        output.end_line().expect("written");
        let elsewhere = output.sources().expect("written");
        (String::from_utf8(bytes).expect("UTF-8"), elsewhere)
    }

    #[test]
    fn a_terminal_shows_where_a_source_is_cited_and_a_pipe_gets_the_text() {
        let events = [
            text("It **splits**", 1),
            citation("https://a.example"),
            citation("https://b.example"),
            text(" twice", 1),
            citation("https://a.example"),
        ];
        assert_eq!(
            with_sources(true, &events),
            (
                "It \u{1b}[1msplits\u{1b}[0m[1][2] twice[1]\n\n[1] https://a.example\n[2] https://b.example\n".into(),
                vec![]
            )
        );
        assert_eq!(
            with_sources(false, &events),
            (
                "It **splits** twice\n".into(),
                vec![
                    "[1] https://a.example".into(),
                    "[2] https://b.example".into()
                ]
            )
        );
        // An answer that starts again has other sources.
        let again = [
            citation("https://a.example"),
            AnswerEvent::Restarted { attempt: 2 },
            text("Rivers", 2),
        ];
        assert_eq!(with_sources(true, &again).0, "[1]\nRivers\n");
    }

    #[test]
    fn an_answer_without_text_is_known() {
        let completed = AnswerEvent::Completed {
            stop_reason: Some("max_tokens".into()),
            usage: None,
            guardrail: None,
        };
        let restarted = AnswerEvent::Restarted { attempt: 2 };
        for (events, has_text) in [
            (vec![], false),
            (vec![text("", 1)], false),
            (vec![text(" \n\t\u{a0}", 1), text("  ", 1)], false),
            (vec![text(" ", 1), text("a", 1), text(" ", 1)], true),
            (vec![text("a", 1), restarted.clone()], false),
            (vec![text("a", 1), restarted, text("b", 2)], true),
        ] {
            let events: Vec<_> = events.into_iter().chain([completed.clone()]).collect();
            let line = written(true, &events);
            let last: Value =
                serde_json::from_str(line.lines().last().expect("a line")).expect("JSON");
            assert_eq!(
                last,
                json!({
                    "type": "completed", "stopReason": "max_tokens", "usage": null, "guardrail": null,
                    "reasoningMs": null, "hasText": has_text
                })
            );
        }
    }

    #[test]
    fn the_json_is_as_documented() {
        let events = [
            AnswerEvent::Started {
                session_id: uuid::Uuid::nil(),
            },
            text("a\nb", 1),
            AnswerEvent::Reconnecting {
                tries: 1,
                delay_ms: 250,
                reason: "closed".into(),
            },
            AnswerEvent::Reconnected,
            AnswerEvent::Failed {
                code: "DEADLINE".into(),
                message: "late".into(),
                retryable: true,
                usage: None,
            },
        ];
        assert_eq!(
            written(true, &events),
            concat!(
                "{\"type\":\"started\",\"sessionId\":\"00000000-0000-0000-0000-000000000000\"}\n",
                "{\"type\":\"text\",\"text\":\"a\\nb\",\"blockIndex\":0,\"sequence\":1,\"attempt\":1}\n",
                "{\"type\":\"reconnecting\",\"tries\":1,\"delayMs\":250,\"reason\":\"closed\"}\n",
                "{\"type\":\"reconnected\"}\n",
                "{\"type\":\"failed\",\"code\":\"DEADLINE\",\"message\":\"late\",\"retryable\":true,\"usage\":null}\n",
            )
        );
    }
}
