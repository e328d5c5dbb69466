//! Receipt handles, which name a queue, a message and one receive of the message.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

use super::error::{ApiError, Kind};

/// One receive of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReceiptHandle {
    pub message_id: Uuid,
    /// The message's receive count at this receive.
    pub receive: u32,
}

impl ReceiptHandle {
    /// The handle's text, which is opaque to callers as on AWS.
    pub(crate) fn encode(&self, queue: &str) -> String {
        STANDARD.encode(format!("{queue} {} {}", self.message_id, self.receive))
    }

    /// Reads a handle's text.
    ///
    /// # Errors
    ///
    /// `ReceiptHandleIsInvalid` if this queue didn't make it.
    pub(crate) fn decode(text: &str, queue: &str) -> Result<Self, ApiError> {
        parse(text, queue).ok_or_else(|| {
            Kind::ReceiptHandleIsInvalid.with(format!(
                "The input receipt handle \"{text}\" is not a valid receipt handle."
            ))
        })
    }
}

fn parse(text: &str, queue: &str) -> Option<ReceiptHandle> {
    let plain = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
    let mut parts = plain.split(' ');
    let (name, id, receive) = (parts.next()?, parts.next()?, parts.next()?);
    if name != queue || parts.next().is_some() {
        return None;
    }
    Some(ReceiptHandle {
        message_id: Uuid::parse_str(id).ok()?,
        receive: receive.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_belongs_to_its_queue() {
        let handle = ReceiptHandle {
            message_id: Uuid::nil(),
            receive: 3,
        };
        let text = handle.encode("jobs");
        assert_eq!(ReceiptHandle::decode(&text, "jobs"), Ok(handle));
        for (text, queue) in [
            (text.as_str(), "other"),
            ("", "jobs"),
            ("garbage", "jobs"),
            ("Z2FyYmFnZQ==", "jobs"),
        ] {
            let error = ReceiptHandle::decode(text, queue).expect_err("no handle of this queue");
            assert_eq!(error.kind, Kind::ReceiptHandleIsInvalid, "{text}");
        }
    }
}
