//! Whom a session's answer is pushed to: a connection, by our own frames or by those of a request of the AI SDK's.

use std::fmt;

/// What separates a connection's id from a request's. Neither has a space.
const CHAT: &str = " ai-sdk ";

/// The address of a follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address<'a> {
    pub connection_id: &'a str,
    /// The request of `WebSocketChatTransport` that the answer is for; `None` for our own frames.
    pub chat_request: Option<&'a str>,
}

impl<'a> Address<'a> {
    pub fn of_chat(connection_id: &'a str, request_id: &'a str) -> Self {
        Self {
            connection_id,
            chat_request: Some(request_id),
        }
    }

    /// Reads what [`Self::to_string`] wrote.
    pub fn read(text: &'a str) -> Self {
        match text.split_once(CHAT) {
            Some((connection_id, request_id)) => Self::of_chat(connection_id, request_id),
            None => Self {
                connection_id: text,
                chat_request: None,
            },
        }
    }
}

impl fmt::Display for Address<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.connection_id)?;
        match self.chat_request {
            Some(request_id) => write!(formatter, "{CHAT}{request_id}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_as_written() {
        for (text, expected) in [
            ("L0SM9cOFvHcCIhw=", ("L0SM9cOFvHcCIhw=", None)),
            ("L0SM9= ai-sdk r1", ("L0SM9=", Some("r1"))),
        ] {
            let address = Address::read(text);
            assert_eq!((address.connection_id, address.chat_request), expected);
            assert_eq!(address.to_string(), text);
        }
    }
}
