//! The lines of a pipe or a file.

use std::io::{self, BufRead};
use std::sync::mpsc as blocking;

use tokio::sync::mpsc;

use super::lines::{Reply, Request};

/// The functions' `MAX_PROMPT_BYTES` can't be more than this.
const MAX_LINE_BYTES: usize = 500_000;

const EXPECTED: &str = "expected UTF-8, or UTF-16 with a byte order mark";

/// How the text is written.
#[derive(Clone, Copy, Debug)]
enum Encoding {
    Utf8,
    Utf16(fn([u8; 2]) -> u16),
}

impl Encoding {
    /// By the first two bytes.
    fn of(mark: [u8; 2]) -> Self {
        match mark {
            [0xff, 0xfe] => Self::Utf16(u16::from_le_bytes),
            [0xfe, 0xff] => Self::Utf16(u16::from_be_bytes),
            _ => Self::Utf8,
        }
    }

    /// The bytes of a line feed.
    fn width(self) -> usize {
        match self {
            Self::Utf8 => 1,
            Self::Utf16(_) => 2,
        }
    }

    /// Whether the last bytes of a line, of which the last was the byte `at`, are a line feed.
    fn ends(self, last: [u8; 2], at: usize) -> bool {
        match self {
            Self::Utf8 => last[1] == b'\n',
            Self::Utf16(unit) => at % 2 == 1 && unit(last) == u16::from(b'\n'),
        }
    }
}

/// Answers each request with the next line.
pub(super) fn read(
    input: impl BufRead,
    asked: &blocking::Receiver<Request>,
    replies: &mpsc::Sender<Reply>,
) {
    let mut lines = Piped {
        input,
        encoding: Encoding::Utf8,
        number: 0,
    };
    while asked.recv().is_ok() {
        let reply = match lines.next() {
            Ok(None) => Reply::End,
            Ok(Some(bytes)) => lines.decode(&bytes).map_or_else(Reply::Failed, Reply::Line),
            Err(error) => {
                let _ = replies.blocking_send(Reply::Failed(format!("cannot read stdin: {error}")));
                return;
            }
        };
        if replies.blocking_send(reply).is_err() {
            return;
        }
    }
}

struct Piped<R> {
    input: R,
    encoding: Encoding,
    /// Of the last line; the first is 1.
    number: u64,
}

impl<R: BufRead> Piped<R> {
    /// The bytes of the next line, or so many of them that it is known to be too long.
    fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.number += 1;
        let mut line = Vec::new();
        let (mut last, mut at) = ([0; 2], 0);
        loop {
            let bytes = self.input.fill_buf()?;
            if bytes.is_empty() {
                return Ok((at > 0).then_some(line));
            }
            for (taken, byte) in (1..).zip(bytes) {
                last = [last[1], *byte];
                if self.number == 1 && at == 1 {
                    self.encoding = Encoding::of(last);
                }
                if line.len() <= MAX_LINE_BYTES * self.encoding.width() {
                    line.push(*byte);
                }
                let is_end = self.encoding.ends(last, at);
                at += 1;
                if is_end {
                    line.truncate(at - self.encoding.width());
                    self.input.consume(taken);
                    return Ok(Some(line));
                }
            }
            let taken = bytes.len();
            self.input.consume(taken);
        }
    }

    fn decode(&self, line: &[u8]) -> Result<String, String> {
        let number = self.number;
        let mut text = match self.encoding {
            Encoding::Utf8 => match str::from_utf8(line) {
                Ok(text) => text.to_owned(),
                Err(_) if line.len() > MAX_LINE_BYTES => return Err(self.too_long()),
                Err(error) => {
                    return Err(format!(
                        "line {number} of stdin is not UTF-8 at byte {}, {EXPECTED}",
                        error.valid_up_to()
                    ));
                }
            },
            Encoding::Utf16(unit) => {
                let (pairs, rest) = line.as_chunks::<2>();
                let units = pairs.iter().map(|pair| unit(*pair));
                match char::decode_utf16(units).collect::<Result<String, _>>() {
                    Ok(text) if rest.is_empty() => text,
                    _ => {
                        return Err(format!(
                            "line {number} of stdin has half a character, in UTF-16"
                        ));
                    }
                }
            }
        };
        if number == 1 && text.starts_with('\u{feff}') {
            text.remove(0);
        }
        if text.ends_with('\r') {
            text.pop();
        }
        if text.len() > MAX_LINE_BYTES {
            return Err(self.too_long());
        }
        // UTF-16 without a mark has many.
        if text.contains('\0') {
            return Err(format!(
                "line {number} of stdin has a NUL character, {EXPECTED}"
            ));
        }
        Ok(text)
    }

    fn too_long(&self) -> String {
        let number = self.number;
        format!("line {number} of stdin has more than {MAX_LINE_BYTES} bytes, which no API takes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &[u8]) -> Vec<Reply> {
        let (requests, asked) = blocking::channel();
        let (sender, mut replies) = mpsc::channel(1);
        let input = input.to_vec();
        let reader = std::thread::spawn(move || read(&*input, &asked, &sender));
        let mut got = Vec::new();
        let request = Request {
            prompt: String::new(),
            initial: String::new(),
            is_kept: true,
        };
        while requests.send(request.clone()).is_ok() {
            let reply = replies.blocking_recv().expect("a reply");
            if reply == Reply::End {
                break;
            }
            got.push(reply);
        }
        drop(requests);
        reader.join().expect("it ends");
        got
    }

    fn line(text: &str) -> Reply {
        Reply::Line(text.into())
    }

    #[test]
    fn stdin_is_read_line_by_line() {
        assert_eq!(lines(b""), []);
        assert_eq!(lines(b"one\n\ntwo"), [line("one"), line(""), line("two")]);
        assert_eq!(
            lines(b"\xef\xbb\xbfone\r\ntwo\\\n"),
            [line("one"), line("two\\")]
        );
    }

    #[test]
    fn a_line_that_is_no_text_is_named_and_the_next_is_read() {
        let failed = |text: &str| Reply::Failed(text.into());
        assert_eq!(
            lines(b"one\ncut \xf0\x9f\nthree\n"),
            [
                line("one"),
                failed(
                    "line 2 of stdin is not UTF-8 at byte 4, expected UTF-8, or UTF-16 with a byte order mark"
                ),
                line("three")
            ]
        );
        let long = [&vec![b'x'; MAX_LINE_BYTES + 1], &b"\nshort\n"[..]].concat();
        assert_eq!(
            lines(&long),
            [
                failed("line 1 of stdin has more than 500000 bytes, which no API takes"),
                line("short")
            ]
        );
    }

    #[test]
    fn utf_16_with_a_mark_is_read_and_without_one_nothing_of_it_is_asked() {
        // The second has the byte of a line feed in it.
        let text = "\u{feff}one\r\n\u{10a}wo\n\n🌊";
        let expected = [line("one"), line("\u{10a}wo"), line(""), line("🌊")];
        let le: Vec<_> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<_> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(lines(&le), expected);
        assert_eq!(lines(&be), expected);
        assert_eq!(
            lines(&le[..le.len() - 1]).last(),
            Some(&Reply::Failed(
                "line 4 of stdin has half a character, in UTF-16".into()
            ))
        );
        let unmarked = lines(&le[2..]);
        assert!(
            unmarked
                .iter()
                .all(|reply| matches!(reply, Reply::Failed(_))),
            "{unmarked:?}"
        );
        assert!(
            matches!(lines(b"a\0b").as_slice(), [Reply::Failed(error)] if error.contains("NUL"))
        );
    }
}
