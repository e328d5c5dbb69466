//! Receipt handles: which message, in which queue, and which receive of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

use super::error::{ApiError, Kind};

/// One receive of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptHandle {
    pub message_id: Uuid,
    /// The message's receive count at that receive.
    pub receive: u32,
}

impl ReceiptHandle {
    /// Opaque to callers, as AWS's are.
    pub fn encode(&self, queue: &str) -> String {
        STANDARD.encode(format!("{queue} {} {}", self.message_id, self.receive))
    }

    /// # Errors
    /// `ReceiptHandleIsInvalid` if it was not made by this queue.
    pub fn decode(text: &str, queue: &str) -> Result<Self, ApiError> {
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
