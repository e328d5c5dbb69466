//! The event-stream encoding: each message is one frame, with its own lengths and checksums.

use aws_smithy_eventstream::error::Error;
use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};

use crate::error::ModelError;

pub const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";

/// Frames that are sent together.
#[derive(Debug, Default)]
pub struct Frames {
    buffer: BytesMut,
}

impl Frames {
    /// Appends an event.
    ///
    /// # Errors
    ///
    /// The event can't be encoded.
    pub fn event(&mut self, event_type: &'static str, payload: &Value) -> Result<(), Error> {
        self.write("event", ":event-type", event_type, payload)
    }

    /// Appends an exception.
    ///
    /// # Errors
    ///
    /// The exception can't be encoded.
    pub fn exception(&mut self, error: &ModelError) -> Result<(), Error> {
        let payload = json!({ "message": error.message });
        self.write(
            "exception",
            ":exception-type",
            error.exception.in_stream(),
            &payload,
        )
    }

    pub fn take(&mut self) -> Bytes {
        self.buffer.split().freeze()
    }

    fn write(
        &mut self,
        message_type: &'static str,
        kind_header: &'static str,
        kind: &'static str,
        payload: &Value,
    ) -> Result<(), Error> {
        let message = Message::new(payload.to_string())
            .add_header(header(kind_header, kind))
            .add_header(header(":content-type", "application/json"))
            .add_header(header(":message-type", message_type));
        write_message_to(&message, &mut self.buffer)
    }
}

fn header(name: &'static str, value: &'static str) -> Header {
    Header::new(name, HeaderValue::String(value.into()))
}
