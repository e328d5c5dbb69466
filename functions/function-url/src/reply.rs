//! The response to one request.

use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue, StatusCode, header};
use tokencast_aws::clock::FunctionClock;
use tokencast_aws::jwt::JwtError;
use tokencast_core::id::{ConversationId, SessionId};

use crate::body::{Body, Format};
use crate::conversations::Document;
use crate::error::UrlError;
use crate::quota;

/// The header that names a stream's session.
pub const SESSION_ID: HeaderName = HeaderName::from_static("x-tokencast-session-id");

/// The header that names the conversation of a stream's session.
pub const CONVERSATION_ID: HeaderName = HeaderName::from_static("x-tokencast-conversation-id");

/// Has proxies of nginx's kind pass each piece on as it comes.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The response to one request.
pub enum Reply {
    Whole(Whole),
    Stream {
        session_id: SessionId,
        conversation_id: Option<ConversationId>,
        body: Box<Body<FunctionClock>>,
        /// Sends the body's events. It goes on even if nobody reads them.
        work: BoxFuture<'static, ()>,
    },
    /// A conversation as one document.
    Document(Document),
}

/// A response that is complete at once.
#[derive(Debug, PartialEq, Eq)]
pub struct Whole {
    pub status: StatusCode,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub content: Content,
}

/// The content of a [`Whole`].
#[derive(Debug, PartialEq, Eq)]
pub enum Content {
    Json(String),
    /// Plain text.
    Text(String),
    /// The content of a 204, which can't have a body.
    Nothing,
    /// A stream of events without events.
    NoEvents,
}

impl Content {
    /// `None` for no content.
    pub(crate) fn content_type(&self) -> Option<&'static str> {
        match self {
            Self::Json(_) => Some("application/json"),
            Self::Text(_) => Some(Format::Text.content_type()),
            Self::NoEvents => Some(Format::Events.content_type()),
            Self::Nothing => None,
        }
    }
}

impl Reply {
    /// The response to `HEAD`: without its content. The work of a stream isn't done.
    pub(crate) fn head(self) -> Self {
        let mut headers = Vec::new();
        let status = match self {
            Self::Whole(whole) => {
                headers = whole.headers;
                let content_type = whole.content.content_type().map(HeaderValue::from_static);
                headers.extend(content_type.map(|it| (header::CONTENT_TYPE, it)));
                whole.status
            }
            Self::Stream {
                session_id,
                conversation_id,
                body,
                work: _,
            } => {
                let content_type = HeaderValue::from_static(body.content_type());
                headers.push((header::CONTENT_TYPE, content_type));
                headers.extend(stream_headers(session_id, conversation_id));
                headers.extend(body.headers());
                StatusCode::OK
            }
            Self::Document(document) => {
                let content_type = HeaderValue::from_static(document.content_type());
                headers.push((header::CONTENT_TYPE, content_type));
                StatusCode::OK
            }
        };
        Self::Whole(Whole {
            status,
            headers,
            content: Content::Nothing,
        })
    }
}

/// The headers that name a stream's session, and keep those between from holding it back or changing it.
pub(crate) fn stream_headers(
    session_id: SessionId,
    conversation_id: Option<ConversationId>,
) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let value = |id: &str| HeaderValue::from_str(id).unwrap_or(HeaderValue::from_static(""));
    let session = (SESSION_ID, value(session_id.as_str()));
    let unbuffered = (X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    let whole = HeaderValue::from_static("no-store, no-transform");
    let conversation = conversation_id.map(|id| (CONVERSATION_ID, value(id.as_str())));
    let headers = [session, unbuffered, (header::CACHE_CONTROL, whole)];
    headers.into_iter().chain(conversation)
}

impl Whole {
    pub(crate) fn new(status: StatusCode, json: String) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content: Content::Json(json),
        }
    }
}

impl From<UrlError> for Whole {
    fn from(error: UrlError) -> Self {
        let mut whole = Self::new(error.status(), error.to_json());
        let exceeded = error.exceeded().map(quota::retry_headers);
        match error {
            UrlError::Caller(JwtError::Refused(_)) => whole.headers.push((
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer error=\"invalid_token\""),
            )),
            UrlError::Method { allowed } => {
                let allowed = HeaderValue::from_static(allowed);
                whole.headers.push((header::ALLOW, allowed));
            }
            _ => {}
        }
        let headers = exceeded.into_iter().flatten();
        whole.headers.extend(headers);
        whole
    }
}
