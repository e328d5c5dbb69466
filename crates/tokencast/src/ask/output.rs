//! The answer on stdout: as text, or one JSON event a line.

use std::io::{self, Write};

use serde_json::json;
use tokencast_client::AnswerEvent;

/// Writes events as they come, and flushes each.
pub(super) struct Output<W> {
    out: W,
    json: bool,
    /// Whether the cursor is at the start of a line.
    at_line_start: bool,
}

impl<W: Write> Output<W> {
    pub(super) fn new(out: W, json: bool) -> Self {
        Self {
            out,
            json,
            at_line_start: true,
        }
    }

    pub(super) fn event(&mut self, event: &AnswerEvent) -> io::Result<()> {
        if self.json {
            let line = serde_json::to_string(event).map_err(io::Error::other)?;
            writeln!(self.out, "{line}")?;
            return self.out.flush();
        }
        match event {
            AnswerEvent::Text { text, .. } if !text.is_empty() => {
                self.out.write_all(text.as_bytes())?;
                self.at_line_start = text.ends_with('\n');
                self.out.flush()
            }
            AnswerEvent::Restarted { .. } => self.end_line(),
            _ => Ok(()),
        }
    }

    /// The client's own failure, which is no event of the session.
    pub(super) fn error(&mut self, message: &str) -> io::Result<()> {
        if !self.json {
            return self.end_line();
        }
        writeln!(
            self.out,
            "{}",
            json!({ "type": "error", "message": message })
        )?;
        self.out.flush()
    }

    /// So that whatever follows stands on a line of its own.
    pub(super) fn end_line(&mut self) -> io::Result<()> {
        if !std::mem::replace(&mut self.at_line_start, true) {
            self.out.write_all(b"\n")?;
        }
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(json: bool, events: &[AnswerEvent]) -> String {
        let mut bytes = Vec::new();
        let mut output = Output::new(&mut bytes, json);
        for event in events {
            output.event(event).expect("written");
        }
        output.end_line().expect("written");
        String::from_utf8(bytes).expect("UTF-8")
    }

    fn text(text: &str, attempt: u64) -> AnswerEvent {
        AnswerEvent::Text {
            text: text.into(),
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
                "{\"type\":\"text\",\"text\":\"a\\nb\",\"sequence\":1,\"attempt\":1}\n",
                "{\"type\":\"reconnecting\",\"tries\":1,\"delayMs\":250,\"reason\":\"closed\"}\n",
                "{\"type\":\"reconnected\"}\n",
                "{\"type\":\"failed\",\"code\":\"DEADLINE\",\"message\":\"late\",\"retryable\":true,\"usage\":null}\n",
            )
        );
    }
}
