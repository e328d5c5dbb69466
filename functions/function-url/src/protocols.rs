//! The protocols of chat front ends, over the same sessions as the native one.
//!
//! | module | what |
//! | --- | --- |
//! | [`ai_sdk`] | `/ai-sdk`: the AI SDK's UI message stream |

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use tokencast_core::event::TokenEvent;

use crate::body::BrokenOff;
use crate::error::UrlError;
use crate::event::UrlEvent;
use crate::handle::Whole;

pub mod ai_sdk;

/// Writes an answer's events in the words of a protocol, as a stream of server-sent events.
pub trait Writer: Send {
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
}

/// The response to a request that is refused, or fails, in the shape of the protocol that the path is of.
pub(crate) fn refusal(event: &UrlEvent, error: UrlError) -> Whole {
    if ai_sdk::is_read_by_transport(event) {
        return ai_sdk::refusal(error);
    }
    error.into()
}
