//! Server-sent events, read from chunks that may be split anywhere.

/// More than this without a line's end is no event stream.
const MAX_LINE_BYTES: usize = 4 * 1024 * 1024;

#[derive(Debug, Default)]
pub struct SseParser {
    line: Vec<u8>,
    data: Option<String>,
    /// A line feed right after a carriage return ends no second line.
    after_carriage_return: bool,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    #[error("a line is longer than {MAX_LINE_BYTES} bytes")]
    LineTooLong,
    #[error("a line is not UTF-8")]
    NotUtf8,
}

impl SseParser {
    /// The data of each event that `chunk` completes.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Vec<String>, SseError> {
        let mut events = Vec::new();
        for &byte in chunk {
            let after_carriage_return =
                std::mem::replace(&mut self.after_carriage_return, byte == b'\r');
            match byte {
                b'\n' if after_carriage_return => {}
                b'\n' | b'\r' => events.extend(self.end_of_line()?),
                _ if self.line.len() == MAX_LINE_BYTES => return Err(SseError::LineTooLong),
                _ => self.line.push(byte),
            }
        }
        Ok(events)
    }

    fn end_of_line(&mut self) -> Result<Option<String>, SseError> {
        if self.line.is_empty() {
            return Ok(self.data.take());
        }
        let line = std::mem::take(&mut self.line);
        let line = std::str::from_utf8(&line)
            .map_err(|_| SseError::NotUtf8)?
            .trim_start_matches('\u{FEFF}');
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        if field == "data" {
            let value = value.strip_prefix(' ').unwrap_or(value);
            match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                none => *none = Some(value.to_owned()),
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_out_whole_however_they_are_split() {
        let stream = "\u{FEFF}data: ü🌊\r\n\r\n: comment\nevent: x\ndata:two\ndata: lines\n\nid: 1\r\rdata: [DONE]\r\r";
        for size in 1..=stream.len() {
            let mut parser = SseParser::default();
            let events: Vec<String> = stream
                .as_bytes()
                .chunks(size)
                .flat_map(|chunk| parser.push(chunk).expect("valid"))
                .collect();
            assert_eq!(events, ["ü🌊", "two\nlines", "[DONE]"], "{size}");
        }
    }

    #[test]
    fn what_is_no_event_stream_is_refused() {
        assert_eq!(
            SseParser::default().push(b"data: \xff\n"),
            Err(SseError::NotUtf8)
        );
        assert_eq!(
            SseParser::default().push(&vec![b'x'; MAX_LINE_BYTES + 1]),
            Err(SseError::LineTooLong)
        );
    }
}
