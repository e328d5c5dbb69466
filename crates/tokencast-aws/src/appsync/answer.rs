//! An HTTP/1.1 answer, out of what was read of it so far.

use http::StatusCode;
use httparse::{EMPTY_HEADER, Header, Response, Status, parse_chunk_size};
use thiserror::Error;

/// More than AppSync sends.
const MAX_HEADERS: usize = 64;

/// An answer to a mutation repeats the event, which is far smaller.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// Why an answer can't be read.
#[derive(Debug, Error)]
pub(super) enum AnswerError {
    #[error("the head is malformed")]
    Head(#[source] httparse::Error),
    #[error("the length of the body is malformed")]
    Length,
    #[error("it has more than {MAX_BYTES} bytes")]
    TooLarge,
    #[error("the connection was closed before its end")]
    Truncated,
}

/// A whole answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer<'a> {
    pub(super) status: StatusCode,
    pub(super) body: Body<'a>,
    /// Whether the connection can be used again.
    pub(super) keep: bool,
}

/// Where it came, or put together from chunks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Body<'a> {
    Whole(&'a [u8]),
    Joined(Vec<u8>),
}

impl Body<'_> {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Whole(bytes) => bytes,
            Self::Joined(bytes) => bytes,
        }
    }
}

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunks,
    Close,
}

/// Reads an answer; `None` if it isn't all there yet. `closed`: there will be no more.
pub(super) fn read(received: &[u8], closed: bool) -> Result<Option<Answer<'_>>, AnswerError> {
    let answer = read_from(received, closed)?;
    if answer.is_none() && received.len() > MAX_BYTES {
        return Err(AnswerError::TooLarge);
    }
    if answer.is_none() && closed {
        return Err(AnswerError::Truncated);
    }
    Ok(answer)
}

fn read_from(mut received: &[u8], closed: bool) -> Result<Option<Answer<'_>>, AnswerError> {
    loop {
        let mut headers = [EMPTY_HEADER; MAX_HEADERS];
        let mut response = Response::new(&mut headers);
        let Status::Complete(head) = response.parse(received).map_err(AnswerError::Head)? else {
            return Ok(None);
        };
        let rest = &received[head..];
        let code = response.code.unwrap_or_default();
        // Interim answers, before the one that counts.
        if (100..200).contains(&code) && code != 101 {
            received = rest;
            continue;
        }
        let status = StatusCode::from_u16(code).map_err(|_| AnswerError::Length)?;
        let framing = framing(status, response.headers)?;
        let lasts = response.version == Some(1) && !closes(response.headers);
        return match framing {
            Framing::Length(length) if length > MAX_BYTES => Err(AnswerError::TooLarge),
            Framing::Length(length) => Ok(rest.get(..length).map(|body| Answer {
                status,
                body: Body::Whole(body),
                // What comes unasked belongs to nothing.
                keep: lasts && rest.len() == length,
            })),
            Framing::Chunks => Ok(join(rest)?.map(|(body, length)| Answer {
                status,
                body: Body::Joined(body),
                keep: lasts && rest.len() == length,
            })),
            Framing::Close => Ok(closed.then_some(Answer {
                status,
                body: Body::Whole(rest),
                keep: false,
            })),
        };
    }
}

fn framing(status: StatusCode, headers: &[Header<'_>]) -> Result<Framing, AnswerError> {
    if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        return Ok(Framing::Length(0));
    }
    // Chunks count where both are given, and must then come last.
    if let Some(encoding) = values(headers, "transfer-encoding").last() {
        return match encoding.rsplit(',').next().map(str::trim) {
            Some(last) if last.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunks),
            _ => Err(AnswerError::Length),
        };
    }
    let mut lengths = values(headers, "content-length");
    let Some(length) = lengths.next() else {
        return Ok(Framing::Close);
    };
    let digits = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
    match length.parse() {
        Ok(bytes) if digits && lengths.all(|other| other == length) => Ok(Framing::Length(bytes)),
        _ => Err(AnswerError::Length),
    }
}

fn closes(headers: &[Header<'_>]) -> bool {
    values(headers, "connection")
        .flat_map(|value| value.split(','))
        .any(|option| option.trim().eq_ignore_ascii_case("close"))
}

/// The values of a header, of which one that is not text counts as empty.
fn values<'a>(headers: &'a [Header<'_>], name: &str) -> impl Iterator<Item = &'a str> {
    let named = headers
        .iter()
        .filter(move |header| header.name.eq_ignore_ascii_case(name));
    named.map(|header| std::str::from_utf8(header.value).unwrap_or_default().trim())
}

/// A chunked body and the length of its encoding, once its end is there.
fn join(received: &[u8]) -> Result<Option<(Vec<u8>, usize)>, AnswerError> {
    let mut body = Vec::new();
    let mut at = 0;
    loop {
        let rest = &received[at..];
        let size = parse_chunk_size(rest).map_err(|_| AnswerError::Length)?;
        let Status::Complete((head, length)) = size else {
            return Ok(None);
        };
        let length = usize::try_from(length).map_err(|_| AnswerError::TooLarge)?;
        if length > MAX_BYTES {
            return Err(AnswerError::TooLarge);
        }
        at += head;
        if length == 0 {
            return Ok(after_trailers(&received[at..])?.map(|trailers| (body, at + trailers)));
        }
        let Some(chunk) = received.get(at..at + length + 2) else {
            return Ok(None);
        };
        let Some(chunk) = chunk.strip_suffix(b"\r\n") else {
            return Err(AnswerError::Length);
        };
        body.extend_from_slice(chunk);
        at += length + 2;
    }
}

/// The length of the trailers, which end with an empty line.
fn after_trailers(received: &[u8]) -> Result<Option<usize>, AnswerError> {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    match httparse::parse_headers(received, &mut headers).map_err(AnswerError::Head)? {
        Status::Complete((length, _)) => Ok(Some(length)),
        Status::Partial => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(read: Result<Option<Answer<'_>>, AnswerError>) -> String {
        match read {
            Ok(None) => "more".to_owned(),
            Ok(Some(answer)) => {
                let body = String::from_utf8_lossy(answer.body.bytes());
                format!("{} {body:?} keep {}", answer.status.as_u16(), answer.keep)
            }
            Err(error) => error.to_string(),
        }
    }

    const LENGTH: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    const CHUNKS: &str =
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\n\r\n";
    const TRAILERS: &str =
        "HTTP/1.1 500 Oh\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\na: b\r\n\r\n";
    const INTERIM: &str =
        "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 429 Slow\r\ncontent-length: 0\r\n\r\n";

    #[test]
    fn an_answer_is_read_however_it_is_cut() {
        for (whole, expected) in [
            (LENGTH, "200 \"{}\" keep true"),
            (CHUNKS, "200 \"{}\" keep true"),
            (TRAILERS, "500 \"{}\" keep true"),
            (INTERIM, "429 \"\" keep true"),
            ("HTTP/1.1 204 None\r\n\r\n", "204 \"\" keep true"),
        ] {
            for cut in 0..whole.len() {
                let part = &whole.as_bytes()[..cut];
                assert_eq!(shown(read(part, false)), "more", "{cut} of {whole:?}");
                let truncated = "the connection was closed before its end";
                assert_eq!(shown(read(part, true)), truncated, "{cut} of {whole:?}");
            }
            assert_eq!(shown(read(whole.as_bytes(), false)), expected, "{whole:?}");
        }
    }

    #[test]
    fn a_connection_is_kept_only_where_it_can_be() {
        for (whole, closed, expected) in [
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nConnection: Close\r\n\r\n{}",
                false,
                "200 \"{}\" keep false",
            ),
            (
                "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}",
                false,
                "200 \"{}\" keep false",
            ),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP",
                false,
                "200 \"{}\" keep false",
            ),
            ("HTTP/1.1 200 OK\r\n\r\n{}", false, "more"),
            ("HTTP/1.1 200 OK\r\n\r\n{}", true, "200 \"{}\" keep false"),
        ] {
            assert_eq!(shown(read(whole.as_bytes(), closed)), expected, "{whole:?}");
        }
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(MAX_BYTES));
        for (bytes, expected) in [
            ("SSH-2.0-OpenSSH\r\n", "the head is malformed"),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\n{}",
                "the length of the body is malformed",
            ),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
                "the length of the body is malformed",
            ),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n{}",
                "the length of the body is malformed",
            ),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n",
                "the length of the body is malformed",
            ),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{}\r\n",
                "the length of the body is malformed",
            ),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 9999999999\r\n\r\n",
                "it has more than 1048576 bytes",
            ),
            (&endless, "it has more than 1048576 bytes"),
        ] {
            assert_eq!(shown(read(bytes.as_bytes(), false)), expected);
        }
    }
}
