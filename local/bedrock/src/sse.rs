//! Server-sent events, read from chunks that may be split anywhere.
//!
//! This parser is our own. By its source, `sse-stream` 0.3 has no bound on a line or an event and refuses what isn't
//! UTF-8. `eventsource-stream` 0.2.3 failed the tests of `tokencast-client`'s parser. Servers omit the blank line after
//! their last event, so this parser also reads an event without it.

/// A stream with a longer event is no event stream.
const MAX_EVENT_BYTES: usize = 4 * 1024 * 1024;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SseEvent {
    /// The `event` field; empty if there is none.
    pub name: String,
    pub data: String,
}

#[derive(Debug, Default)]
pub(crate) struct SseParser {
    line: Vec<u8>,
    event: SseEvent,
    has_data: bool,
    /// A line feed directly after a carriage return ends no second line.
    after_carriage_return: bool,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event is longer than {MAX_EVENT_BYTES} bytes")]
pub(crate) struct EventTooLong;

impl SseParser {
    /// The events that `chunk` completes.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Result<Vec<SseEvent>, EventTooLong> {
        let mut events = Vec::new();
        for &byte in chunk {
            let after_carriage_return =
                std::mem::replace(&mut self.after_carriage_return, byte == b'\r');
            match byte {
                b'\n' if after_carriage_return => {}
                b'\n' | b'\r' => events.extend(self.end_of_line()),
                _ if self.held_bytes() >= MAX_EVENT_BYTES => return Err(EventTooLong),
                _ => self.line.push(byte),
            }
        }
        Ok(events)
    }

    /// The event at the stream's end, if no blank line follows it. The standard would drop it.
    pub(crate) fn finish(&mut self) -> Option<SseEvent> {
        self.end_of_line().or_else(|| self.take_event())
    }

    fn held_bytes(&self) -> usize {
        self.line.len() + self.event.data.len() + self.event.name.len()
    }

    fn end_of_line(&mut self) -> Option<SseEvent> {
        if self.line.is_empty() {
            return self.take_event();
        }
        let line = std::mem::take(&mut self.line);
        // As in the standard, what isn't UTF-8 is replaced.
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_start_matches('\u{FEFF}');
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            _ => {}
        }
        None
    }

    fn take_event(&mut self) -> Option<SseEvent> {
        let event = std::mem::take(&mut self.event);
        std::mem::take(&mut self.has_data).then_some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(stream: &[u8], size: usize) -> Vec<(String, String)> {
        let mut parser = SseParser::default();
        let mut events: Vec<SseEvent> = stream
            .chunks(size)
            .flat_map(|chunk| parser.push(chunk).expect("not too long"))
            .collect();
        events.extend(parser.finish());
        events
            .into_iter()
            .map(|event| (event.name, event.data))
            .collect()
    }

    #[test]
    fn events_come_out_whole_however_they_are_split() {
        let stream = "\u{FEFF}data: ü🌊\r\n\r\n: comment\nevent: x\ndata:two\ndata: lines\n\nevent: y\n\nid: 1\r\rdata\n\n\
                      data: [DONE]\r\r";
        let expected = [("", "ü🌊"), ("x", "two\nlines"), ("", ""), ("", "[DONE]")]
            .map(|(name, data)| (name.to_owned(), data.to_owned()));
        for size in 1..=stream.len() {
            assert_eq!(read(stream.as_bytes(), size), expected, "{size}");
        }
    }

    #[test]
    fn the_last_event_needs_no_blank_line_and_no_line_end() {
        for stream in [
            "data: a\n\ndata: b",
            "data: a\n\ndata: b\n",
            "data: a\n\ndata: b\n\n",
        ] {
            let data: Vec<_> = read(stream.as_bytes(), 3)
                .into_iter()
                .map(|(_, data)| data)
                .collect();
            assert_eq!(data, ["a", "b"], "{stream:?}");
        }
        assert_eq!(read(b"data: \xff\n\n", 2)[0].1, "\u{FFFD}");
    }

    #[test]
    fn an_event_without_an_end_is_refused_be_it_one_line_or_many() {
        let line = vec![b'x'; MAX_EVENT_BYTES + 1];
        assert_eq!(SseParser::default().push(&line), Err(EventTooLong));
        let lines = b"data: 0123456789\n".repeat(MAX_EVENT_BYTES / 10);
        assert_eq!(SseParser::default().push(&lines), Err(EventTooLong));
    }
}
