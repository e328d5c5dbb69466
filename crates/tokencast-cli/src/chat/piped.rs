//! The lines of a pipe or a file.

use std::io::{self, BufRead};
use std::sync::mpsc as blocking;

use tokio::sync::mpsc;

use super::lines::{Reply, Request};

/// The functions' `MAX_PROMPT_BYTES` can't be more than this.
const MAX_LINE_BYTES: usize = 500_000;

/// Answers each request with the next line.
pub(super) fn read(
    mut input: impl BufRead,
    asked: &blocking::Receiver<Request>,
    replies: &mpsc::Sender<Reply>,
) {
    let mut number = 0;
    while asked.recv().is_ok() {
        number += 1;
        let reply = match next_line(&mut input) {
            Ok(None) => Reply::End,
            Ok(Some(bytes)) => decode(bytes, number),
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

/// The bytes of the next line, or so many of them that it is known to be too long.
fn next_line(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    loop {
        let bytes = input.fill_buf()?;
        if bytes.is_empty() {
            return Ok((!line.is_empty()).then_some(line));
        }
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let taken = end.unwrap_or(bytes.len());
        if line.len() <= MAX_LINE_BYTES {
            line.extend_from_slice(&bytes[..taken]);
        }
        input.consume(end.map_or(taken, |end| end + 1));
        if end.is_some() {
            return Ok(Some(line));
        }
    }
}

fn decode(mut line: Vec<u8>, number: u64) -> Reply {
    line.pop_if(|last| *last == b'\r');
    if line.len() > MAX_LINE_BYTES {
        return Reply::Failed(format!(
            "line {number} of stdin has more than {MAX_LINE_BYTES} bytes, which no API takes"
        ));
    }
    let text = line.strip_prefix(b"\xef\xbb\xbf").filter(|_| number == 1);
    let text = text.unwrap_or(&line);
    match str::from_utf8(text) {
        Ok(text) => Reply::Line(text.to_owned()),
        Err(error) => Reply::Failed(format!(
            "line {number} of stdin is not UTF-8 at byte {}, expected UTF-8",
            error.valid_up_to()
        )),
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
                failed("line 2 of stdin is not UTF-8 at byte 4, expected UTF-8"),
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
}
