//! What AppSync sends to a direct Lambda data source, as far as it is read here, and the answers.

use serde::{Deserialize, Serialize};
use tokencast_aws::clock::iso8601;
use tokencast_core::event::Usage;
use tokencast_core::id::Owner;
use tokencast_core::session::{Session, Status};

/// The event also holds the request's headers, with the caller's JWT: they are not read, so they can't be logged.
#[derive(Deserialize)]
pub struct ResolverEvent {
    #[serde(default)]
    pub arguments: Arguments,
    #[serde(default)]
    pub identity: Option<Identity>,
    pub info: Info,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Arguments {
    #[serde(default)]
    pub prompt: Option<String>,
    #[serde(default)]
    pub session_id: Option<String>,
}

#[derive(Deserialize)]
pub struct Identity {
    /// The user's id in the user pool.
    #[serde(default)]
    pub sub: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Info {
    pub field_name: String,
}

impl ResolverEvent {
    pub fn owner(&self) -> Option<Owner> {
        self.identity.as_ref()?.sub.as_deref().and_then(Owner::new)
    }
}

/// One of the answers, by field.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    Response(StreamResponse),
    Stream(Box<Stream>),
    /// GraphQL's `null`.
    Nothing,
}

/// `StreamResponse` of the schema.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamResponse {
    pub session_id: String,
    pub status: &'static str,
    pub message: &'static str,
    pub timestamp: String,
    pub error: Option<String>,
}

/// `Stream` of the schema.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stream {
    session_id: String,
    status: Status,
    text: String,
    sequence: u32,
    attempt: u32,
    stop_reason: Option<String>,
    usage: Option<Usage>,
    error: Option<StreamError>,
    waiting: Option<StreamWaiting>,
    created_at: String,
    updated_at: String,
}

/// `StreamError` of the schema.
#[derive(Debug, Serialize)]
struct StreamError {
    code: &'static str,
    message: String,
    retryable: bool,
}

/// `StreamWaiting` of the schema.
#[derive(Debug, Serialize)]
struct StreamWaiting {
    reason: &'static str,
    since: String,
}

impl From<Session> for Stream {
    fn from(session: Session) -> Self {
        let waiting = session.waiting().map(|waiting| StreamWaiting {
            reason: waiting.reason.as_str(),
            since: iso8601(waiting.since_ms),
        });
        Self {
            session_id: session.id.to_string(),
            status: session.status,
            text: session.text,
            sequence: session.sequence.0,
            attempt: session.attempt.0,
            stop_reason: session.ending.stop_reason,
            usage: session.ending.usage,
            error: session.ending.failure.map(|failure| StreamError {
                code: failure.code.as_str(),
                retryable: failure.retryable(),
                message: failure.message,
            }),
            waiting,
            created_at: iso8601(session.created_at_ms),
            updated_at: iso8601(session.updated_at_ms),
        }
    }
}
