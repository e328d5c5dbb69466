//! What is said of an error, and of where the API is.

use tokencast_client::Error;

use super::Listening;
use crate::exit::{chain, say};

/// What a chat says of a conversation that was deleted elsewhere, whatever it was asked to do with it.
pub const GONE: &str = "this conversation was deleted or has expired; /new begins another";
/// What it says of a question behind an answer that goes on, as in another program.
const NOT_ENDED: &str =
    "the answer before this question is not over yet; /retry asks the question again";

/// An error's text, and a likely cause behind it.
pub(super) fn explained(error: &Error, listening: &Listening) -> String {
    if is_gone_from(error, listening) {
        return GONE.to_owned();
    }
    if listening.in_chat && code(error) == Some("PARENT_NOT_ENDED") {
        return NOT_ENDED.to_owned();
    }
    let text = chain(error);
    match listening.proxy {
        Some(proxy) if is_unconnected(error) => format!(
            "{text}; WebSockets do not go through the proxy that {proxy} names: use --via url, which does"
        ),
        _ => text,
    }
}

/// Whether the conversation of a chat isn't there any more.
pub(super) fn is_gone_from(error: &Error, listening: &Listening) -> bool {
    let is_gone = is_gone(error) || matches!(error, Error::NotFound { .. });
    listening.in_chat && is_gone
}

/// Whether the API says that there is no such conversation, or no longer.
pub fn is_gone(error: &Error) -> bool {
    matches!(
        code(error),
        Some("CONVERSATION_DELETED" | "CONVERSATION_NOT_FOUND" | "PARENT_DELETED")
    )
}

/// The API's own name for a refusal.
fn code(error: &Error) -> Option<&str> {
    match error {
        Error::Graphql {
            error_type: code, ..
        }
        | Error::Subscription {
            error_type: code, ..
        }
        | Error::Refused { code, .. } => Some(code),
        _ => None,
    }
}

/// Whether the error is a WebSocket that could not connect.
fn is_unconnected(error: &Error) -> bool {
    match error {
        Error::Connect(_) => true,
        Error::Timeout { what, .. } => *what == "connection",
        Error::GaveUp { last, .. } => is_unconnected(last),
        _ => false,
    }
}

pub(super) fn hint(error: &Error, address: &str) {
    match error {
        Error::NotFound { .. } => {
            say!("sessions are kept for a limited time, and only their owner sees them");
        }
        // The texts of these errors don't name the address.
        Error::Connect(_) | Error::GaveUp { .. } | Error::Timeout { .. } | Error::Http { .. } => {
            say!("the API is at {address}");
        }
        _ => {}
    }
}
