//! The head of a response, from the prelude that a streaming runtime sends before the body.
//!
//! The prelude is the JSON `{"statusCode", "headers", "cookies"}`, ended by eight NULs. The body follows directly.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, InvalidHeaderName, InvalidHeaderValue, SET_COOKIE,
    TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use thiserror::Error;

use super::faults::BodyFault;
use crate::streaming::{Part, ResponseStream};

/// The content type of a response with a prelude.
const PRELUDE_TYPE: &str = "application/vnd.awslambda.http-integration-response";
const DELIMITER: [u8; 8] = [0; 8];
/// A longer prelude isn't accepted.
const MAX_PRELUDE_BYTES: usize = 64 * 1024;
/// The content type of a response that sets none.
const DEFAULT_TYPE: HeaderValue = HeaderValue::from_static("application/octet-stream");

#[derive(Debug)]
pub(super) struct Head {
    status: StatusCode,
    headers: HeaderMap,
    /// Whether the function set `content-length: 0`.
    says_empty: bool,
    /// The part of the body that came with the prelude.
    pub(super) rest: Bytes,
}

#[derive(Debug, Error)]
pub(super) enum HeadError {
    #[error("no eight NULs end it within {MAX_PRELUDE_BYTES} bytes")]
    TooLong,
    #[error("it is not the JSON of `statusCode`, `headers` and `cookies`")]
    Json(#[source] serde_json::Error),
    #[error("its `statusCode` is `{0}`, expected 200 to 599")]
    Status(u16),
    #[error("a header's name")]
    Name(#[from] InvalidHeaderName),
    #[error("a header's value")]
    Value(#[from] InvalidHeaderValue),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Prelude {
    #[serde(default = "ok")]
    status_code: u16,
    #[serde(default)]
    headers: BTreeMap<String, Values>,
    #[serde(default)]
    cookies: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Several(Vec<String>),
}

const fn ok() -> u16 {
    200
}

/// Reads the head. `None` if nothing was streamed.
pub(super) async fn read(stream: &mut ResponseStream) -> Result<Option<Head>, HeadError> {
    let has_prelude = match stream.next().await {
        Some(Part::Head { content_type }) => content_type.as_deref() == Some(PRELUDE_TYPE),
        Some(Part::Data(_)) | None => return Ok(None),
    };
    if !has_prelude {
        return Ok(Some(Head {
            status: StatusCode::OK,
            headers: HeaderMap::from_iter([(CONTENT_TYPE, DEFAULT_TYPE)]),
            says_empty: false,
            rest: Bytes::new(),
        }));
    }
    let mut read = BytesMut::new();
    loop {
        let Some(part) = stream.next().await else {
            // The response ended within the prelude.
            return Ok(None);
        };
        if let Part::Data(data) = part {
            read.extend_from_slice(&data);
        }
        if let Some(at) = find(&read) {
            let prelude = read.split_to(at);
            let rest = read.split_off(DELIMITER.len()).freeze();
            return parse(&prelude, rest).map(Some);
        }
        if read.len() > MAX_PRELUDE_BYTES {
            return Err(HeadError::TooLong);
        }
    }
}

/// The response for a function that didn't stream. With `RESPONSE_STREAM`, the function's result is the body,
/// unchanged.
pub(super) fn of_whole(body: Body) -> Response {
    let mut response = Response::new(body);
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

impl Head {
    /// Whether this fault holds the head back until the body's first byte.
    pub(super) fn is_held(&self, fault: Option<BodyFault>) -> bool {
        let Some(BodyFault::HeldEmpty {
            even_if_length_is_zero,
        }) = fault
        else {
            return false;
        };
        self.rest.is_empty() && (even_if_length_is_zero || !self.says_empty)
    }

    pub(super) fn with(&self, body: Body) -> Response {
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        response
    }
}

fn find(read: &[u8]) -> Option<usize> {
    read.windows(DELIMITER.len())
        .position(|window| window == DELIMITER)
}

fn parse(prelude: &[u8], rest: Bytes) -> Result<Head, HeadError> {
    let prelude: Prelude = serde_json::from_slice(prelude).map_err(HeadError::Json)?;
    let code = prelude.status_code;
    let status = StatusCode::from_u16(code)
        .ok()
        .filter(|_| (200..600).contains(&code))
        .ok_or(HeadError::Status(code))?;
    let mut headers = HeaderMap::new();
    let mut says_empty = false;
    for (name, values) in prelude.headers {
        let name: HeaderName = name.parse()?;
        says_empty |=
            name == CONTENT_LENGTH && matches!(&values, Values::One(value) if value == "0");
        // The server decides how long the body is and how it is sent, not the function.
        if [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING].contains(&name) {
            continue;
        }
        let values = match values {
            Values::One(value) => vec![value],
            Values::Several(values) => values,
        };
        for value in values {
            headers.append(name.clone(), value.parse()?);
        }
    }
    for cookie in prelude.cookies {
        headers.append(SET_COOKIE, cookie.parse()?);
    }
    headers.entry(CONTENT_TYPE).or_insert(DEFAULT_TYPE);
    Ok(Head {
        status,
        headers,
        says_empty,
        rest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prelude_is_status_headers_and_cookies() {
        let prelude = br#"{"statusCode":201,"headers":{"X-One":"1","x-two":["2","3"],"content-length":"7"},"cookies":["a=b"]}"#;
        let head = parse(prelude, Bytes::from_static(b"x")).expect("a head");
        assert_eq!(head.status, StatusCode::CREATED);
        assert_eq!(head.headers["x-one"], "1");
        assert_eq!(head.headers.get_all("x-two").iter().count(), 2);
        assert_eq!(head.headers[SET_COOKIE], "a=b");
        assert_eq!(head.headers[CONTENT_TYPE], DEFAULT_TYPE);
        assert!(!head.headers.contains_key(CONTENT_LENGTH));
        assert!(!head.says_empty);
        assert_eq!(head.rest, "x");
        let head = parse(b"{}", Bytes::new()).expect("a head");
        assert_eq!(head.status, StatusCode::OK);
        let empty = br#"{"statusCode":204,"headers":{"Content-Length":"0"}}"#;
        assert!(parse(empty, Bytes::new()).expect("a head").says_empty);
    }

    fn check(prelude: &str, expected: &str) {
        let error = parse(prelude.as_bytes(), Bytes::new()).expect_err("refused");
        assert!(error.to_string().contains(expected), "{prelude}: {error}");
    }

    #[test]
    fn anything_else_is_refused() {
        check("nonsense", "not the JSON");
        check(r#"{"statusCode":"ok"}"#, "not the JSON");
        check(r#"{"statusCode":101}"#, "`101`");
        check(r#"{"headers":{"a b":"c"}}"#, "name");
        check(r#"{"headers":{"a":"b\nc"}}"#, "value");
    }
}
