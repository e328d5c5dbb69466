//! The protocols of chat front ends, over the same sessions as the native one.
//!
//! | module | what |
//! | --- | --- |
//! | [`ai_sdk`] | `/ai-sdk`: the AI SDK's UI message stream |
//! | [`openai`] | `/v1`: OpenAI's chat completions and models |
//! | [`ag_ui`] | `/ag-ui`: AG-UI's runs |

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use tokencast_core::event::TokenEvent;

use crate::body::{BrokenOff, Format};
use crate::error::UrlError;
use crate::event::UrlEvent;
use crate::reply::Whole;

pub mod ag_ui;
pub mod ai_sdk;
pub mod openai;

/// What the head of a response waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Nothing: the protocol can tell a failure later.
    Nothing,
    /// The answer's first event, though not for long: a failure before it then has a status.
    Begin,
    /// The whole answer.
    End,
}

/// Writes an answer's events in the words of a protocol.
pub trait Writer: Send {
    fn content_type(&self) -> &'static str {
        Format::Events.content_type()
    }

    fn waits(&self) -> Wait {
        Wait::Nothing
    }

    /// The response's headers, beside those of every stream.
    fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        Vec::new()
    }

    /// What comes before any event, and is sent at once. Empty for nothing.
    fn begin(&mut self) -> Bytes {
        Bytes::new()
    }

    /// The bytes of the next event. Empty for an event that says nothing in this protocol.
    ///
    /// # Errors
    ///
    /// The answer can't go on in this response.
    fn event(&mut self, event: &TokenEvent) -> Result<Bytes, BrokenOff>;

    /// Whether everything is written, although the answer goes on. No further event is given then.
    fn has_ended(&self) -> bool {
        false
    }

    /// The last bytes of a response whose answer goes on elsewhere. Empty to break it off.
    fn interrupted(&mut self) -> Bytes {
        Bytes::new()
    }

    /// The response to an answer that failed before its head was sent.
    fn refusal(&self, error: UrlError) -> Whole {
        error.into()
    }
}

/// The path below a protocol's own; `None` if it is another's.
pub(crate) fn below<'a>(path: &'a str, own: &str) -> Option<&'a str> {
    let below = path.strip_prefix(own)?;
    match below.strip_prefix('/') {
        Some(below) => Some(below),
        None => below.is_empty().then_some(below),
    }
}

/// The frames of a stream of server-sent events. JSON has no line breaks of its own.
fn frames<'a>(data: impl IntoIterator<Item = &'a String>) -> Bytes {
    let frames = data.into_iter();
    let frames: String = frames.map(|data| format!("data: {data}\n\n")).collect();
    frames.into()
}

/// A part of a path as it was before `encodeURIComponent`. One that isn't encoded stays as it is.
fn decode(part: &str) -> String {
    let decoded = percent_decode_str(part).decode_utf8();
    decoded.map_or_else(|_| part.to_owned(), Into::into)
}

/// The response to a request that is refused, or fails, in the shape of the protocol that the path is of.
pub(crate) fn refusal(event: &UrlEvent, error: UrlError) -> Whole {
    let path = event.raw_path.trim_matches('/');
    if below(path, ai_sdk::PATH).is_some() {
        return ai_sdk::refusal(error);
    }
    if below(path, openai::PATH).is_some() {
        return openai::refusal(error);
    }
    error.into()
}
