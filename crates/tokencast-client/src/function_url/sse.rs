//! Server-sent events, read as they come.
//!
//! By the rules of the WHATWG's HTML standard, "Interpreting an event stream": lines end in CRLF, LF or CR; a byte order
//! mark may stand first; whatever isn't whole at the end of the stream is dropped.
//!
//! This parser is our own because no crate passes the tests below. eventsource-stream 0.2.3 panics on a byte order mark and
//! loses events whose lines end in CR. sse-stream 0.2 forgets the last id, names no default event, yields events that have no
//! data, and takes `data` without a colon for no data.

use std::collections::VecDeque;

use crate::error::Error;

/// Longer lines, and events of more data, are no events of ours: a token event has some 35 KB at most.
const MAX_BYTES: usize = 1024 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// `message` unless the stream says otherwise.
    pub(super) name: String,
    pub(super) data: String,
    /// The last id that the stream gave, to this event or to one before.
    pub(super) id: String,
}

/// Takes the stream in pieces, cut anywhere.
#[derive(Debug, Default)]
pub(super) struct Parser {
    /// Of the line that isn't whole yet.
    line: Vec<u8>,
    /// The last line ended in CR, so that an LF still belongs to it.
    after_cr: bool,
    /// Whether a line was read, before which a byte order mark may stand.
    begun: bool,
    name: String,
    /// Each line of the data with a line feed behind it.
    data: String,
    id: String,
    /// What the server wants a client to wait before it reconnects.
    retry_ms: Option<u64>,
    events: VecDeque<Event>,
}

impl Parser {
    /// Reads on.
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_cr)
                && let Some(rest) = bytes.strip_prefix(b"\n")
            {
                bytes = rest;
                continue;
            }
            let end = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            let (piece, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            if self.line.len() + piece.len() + self.data.len() > MAX_BYTES {
                return Err(Error::Protocol(format!(
                    "an event of more than {MAX_BYTES} bytes"
                )));
            }
            self.line.extend_from_slice(piece);
            if let Some((end, rest)) = rest.split_first() {
                self.after_cr = *end == b'\r';
                self.end_line();
                bytes = rest;
            } else {
                bytes = rest;
            }
        }
        Ok(())
    }

    /// The next event that is whole.
    pub(super) fn next(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    pub(super) fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let first = !std::mem::replace(&mut self.begun, true);
        let line = match line.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) if first => rest,
            _ => &line,
        };
        if line.is_empty() {
            self.dispatch();
            return;
        }
        let line = String::from_utf8_lossy(line);
        match line.split_once(':') {
            // A comment.
            Some(("", _)) => {}
            Some((field, value)) => self.field(field, value.strip_prefix(' ').unwrap_or(value)),
            None => self.field(&line, ""),
        }
    }

    fn field(&mut self, name: &str, value: &str) {
        match name {
            "event" => value.clone_into(&mut self.name),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" if !value.contains('\0') => value.clone_into(&mut self.id),
            "retry" if value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.retry_ms = value.parse().ok().or(self.retry_ms);
            }
            _ => {}
        }
    }

    fn dispatch(&mut self) {
        let (name, mut data) = (
            std::mem::take(&mut self.name),
            std::mem::take(&mut self.data),
        );
        if data.pop().is_none() {
            return;
        }
        let name = if name.is_empty() {
            "message".to_owned()
        } else {
            name
        };
        self.events.push_back(Event {
            name,
            data,
            id: self.id.clone(),
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<(String, String, String)> {
        let mut parser = Parser::default();
        for piece in pieces {
            parser.push(piece).expect("short enough");
        }
        std::iter::from_fn(|| parser.next())
            .map(|event| (event.name, event.data, event.id))
            .collect()
    }

    /// The events of a stream, however it is cut in two, and byte by byte.
    fn check(stream: &str, expected: &[(&str, &str, &str)]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|(name, data, id)| ((*name).to_owned(), (*data).to_owned(), (*id).to_owned()))
            .collect();
        let bytes = stream.as_bytes();
        for cut in 0..=bytes.len() {
            let (left, right) = bytes.split_at(cut);
            assert_eq!(read([left, right]), expected, "{stream:?} cut at {cut}");
        }
        assert_eq!(read(bytes.chunks(1)), expected, "{stream:?} byte by byte");
    }

    #[test]
    fn a_stream_is_read_by_the_standards_rules() {
        check("data: a\n\n", &[("message", "a", "")]);
        check(
            "event: token\r\ndata: a\r\nid: 1\r\n\r\n",
            &[("token", "a", "1")],
        );
        check(
            "data: a\r\rdata: b\r\r",
            &[("message", "a", ""), ("message", "b", "")],
        );
        check("data: a\ndata: b\n\n", &[("message", "a\nb", "")]);
        check(
            "data\n\ndata\ndata\n\n",
            &[("message", "", ""), ("message", "\n", "")],
        );
        check(": keep-alive\n\n:\n\ndata: a\n\n", &[("message", "a", "")]);
        check("\u{feff}data: a\n\n", &[("message", "a", "")]);
        check(
            "\u{feff}\u{feff}data: a\n\ndata: b\n\n",
            &[("message", "b", "")],
        );
        check(
            "data:a\n\ndata:  a\n\n",
            &[("message", "a", ""), ("message", " a", "")],
        );
        check("data: é🌊\n\n", &[("message", "é🌊", "")]);
        check("data: a: b\n\n", &[("message", "a: b", "")]);
        check(
            "other: x\nDATA: x\n data: x\ndata: a\n\n",
            &[("message", "a", "")],
        );
    }

    #[test]
    fn an_id_holds_until_the_next_one() {
        check(
            "id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n",
            &[
                ("message", "a", "1"),
                ("message", "b", "1"),
                ("message", "c", ""),
            ],
        );
        check("id: 1\n\ndata: a\n\n", &[("message", "a", "1")]);
        check(
            "id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n",
            &[("message", "a", "1"), ("message", "b", "1")],
        );
    }

    #[test]
    fn an_event_without_data_is_none_and_leaves_no_name() {
        check("event: token\n\ndata: a\n\n", &[("message", "a", "")]);
    }

    #[test]
    fn what_is_not_whole_at_the_end_is_dropped() {
        check("data: a\n\ndata: b\n", &[("message", "a", "")]);
        check("data: a", &[]);
    }

    #[test]
    fn a_pause_is_digits_only() {
        let mut parser = Parser::default();
        parser
            .push(b"retry: 1500\nretry: 2s\nretry:\n")
            .expect("short");
        assert_eq!(parser.retry_ms(), Some(1500));
    }

    #[test]
    fn a_line_or_an_event_without_end_is_refused() {
        let mut parser = Parser::default();
        let piece = vec![b'x'; MAX_BYTES];
        parser.push(&piece).expect("at the limit");
        parser.push(b"x").expect_err("beyond it");
        let mut parser = Parser::default();
        let line = [b"data: ".as_slice(), &[b'x'; 1024], b"\n"].concat();
        let refused = (0..=MAX_BYTES / 1024).find(|_| parser.push(&line).is_err());
        assert!(refused.is_some(), "many lines of one event");
    }

    proptest! {
        #[test]
        fn any_data_survives_any_cuts(
            texts in prop::collection::vec("[a-z:é🌊 \\n]{0,8}", 1..6),
            ends in prop::collection::vec(prop::sample::select(vec!["\r\n", "\n", "\r"]), 6),
            sizes in prop::collection::vec(1_usize..9, 1..40),
        ) {
            let mut stream = String::new();
            for (text, end) in texts.iter().zip(&ends) {
                for line in text.split('\n') {
                    stream.extend(["data: ", line, end]);
                }
                stream.push_str(end);
            }
            let mut rest = stream.as_bytes();
            let mut pieces = Vec::new();
            for size in sizes.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, behind) = rest.split_at((*size).min(rest.len()));
                pieces.push(piece);
                rest = behind;
            }
            let got: Vec<_> = read(pieces).into_iter().map(|(_, data, _)| data).collect();
            prop_assert_eq!(got, texts);
        }
    }
}
