//! What this function reads of a Function URL's event (payload format 2.0).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::accept;

/// One HTTP request. It holds a prompt and a token, so it is never shown whole.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UrlEvent {
    pub raw_path: String,
    #[serde(default)]
    pub headers: Headers,
    #[serde(default)]
    query_string_parameters: Option<Parameters>,
    request_context: RequestContext,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

/// The headers. Function URLs write their names in small letters, and join repeated ones by commas.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Headers {
    authorization: Option<String>,
    x_tokencast_authorization: Option<String>,
    pub accept: Option<String>,
    pub last_event_id: Option<String>,
    x_tokencast_chunks: Option<String>,
    idempotency_key: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    last_event_id: Option<String>,
    limit: Option<String>,
    next_token: Option<String>,
    format: Option<String>,
}

#[derive(Deserialize)]
struct RequestContext {
    http: Http,
}

#[derive(Deserialize)]
struct Http {
    method: String,
}

impl UrlEvent {
    pub fn method(&self) -> &str {
        &self.request_context.http.method
    }

    /// Whether the client asks for the headers alone.
    pub fn is_head(&self) -> bool {
        self.method() == "HEAD"
    }

    /// What makes a request that comes again the same one.
    pub fn idempotency_key(&self) -> Option<&str> {
        let key = self.headers.idempotency_key.as_deref()?.trim();
        Some(key).filter(|key| !key.is_empty())
    }

    /// Whether the client names a chunk type of the AI SDK that it takes beyond those that all versions take.
    pub fn takes_chunk(&self, chunk_type: &str) -> bool {
        let named = self.headers.x_tokencast_chunks.as_deref();
        let mut named = named.unwrap_or_default().split(',').map(str::trim);
        named.any(|named| named.eq_ignore_ascii_case(chunk_type))
    }

    /// The body as it was sent; `None` if there is none, or if it cannot be decoded.
    pub fn body(&self) -> Option<Vec<u8>> {
        let body = self.body.as_deref()?;
        if self.is_base64_encoded {
            STANDARD.decode(body).ok()
        } else {
            Some(body.as_bytes().to_vec())
        }
    }

    /// The token in `Authorization`, or in a header of our own, where a URL of `AWS_IAM` asks for a signature in
    /// `Authorization`.
    pub fn authorization(&self) -> Option<&str> {
        let Headers {
            authorization,
            x_tokencast_authorization: instead,
            ..
        } = &self.headers;
        instead.as_deref().or(authorization.as_deref())
    }

    /// The last event that the client has. A client that reconnects by itself sends it in the header, which is newer
    /// than its URL.
    pub fn last_event_id(&self) -> Option<&str> {
        let parameters = self.query_string_parameters.as_ref();
        let header = self.headers.last_event_id.as_deref();
        let id = header.or_else(|| parameters?.last_event_id.as_deref())?;
        Some(id.trim()).filter(|id| !id.is_empty())
    }

    /// The query's `limit`.
    pub fn limit(&self) -> Option<&str> {
        self.query_string_parameters.as_ref()?.limit.as_deref()
    }

    /// The query's `nextToken`.
    pub fn next_token(&self) -> Option<&str> {
        self.query_string_parameters.as_ref()?.next_token.as_deref()
    }

    /// The query's `format`.
    pub fn format(&self) -> Option<&str> {
        self.query_string_parameters.as_ref()?.format.as_deref()
    }

    /// Whether the client prefers bare text to server-sent events. A client that takes both alike, or anything, gets
    /// events.
    pub fn wants_text(&self) -> bool {
        let accept = self.headers.accept.as_deref().unwrap_or_default();
        accept::quality(accept, "text/plain") > accept::quality(accept, "text/event-stream")
    }
}

impl fmt::Debug for UrlEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("UrlEvent")
            .field("method", &self.method())
            .field("raw_path", &self.raw_path)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event(changes: &Value) -> UrlEvent {
        let mut event = json!({
            "version": "2.0", "rawPath": "/", "rawQueryString": "", "headers": {"x-forwarded-for": "127.0.0.1"},
            "requestContext": {"accountId": "anonymous", "http": {"method": "POST", "path": "/"}, "timeEpoch": 0},
            "isBase64Encoded": false,
        });
        for (name, value) in changes.as_object().expect("an object") {
            event[name] = value.clone();
        }
        serde_json::from_value(event).expect("an event")
    }

    #[test]
    fn a_body_may_come_in_base64() {
        assert_eq!(event(&json!({})).body(), None);
        assert_eq!(
            event(&json!({"body": "{}"})).body().as_deref(),
            Some(&b"{}"[..])
        );
        let encoded = json!({"body": "e30=", "isBase64Encoded": true});
        assert_eq!(event(&encoded).body().as_deref(), Some(&b"{}"[..]));
        let broken = json!({"body": "e30", "isBase64Encoded": true});
        assert_eq!(event(&broken).body(), None);
    }

    #[test]
    fn the_header_says_the_last_event_before_the_query() {
        let check = |header: Option<&str>, query: Option<&str>, expected: Option<&str>| {
            let event = event(&json!({
                "headers": {"last-event-id": header}, "queryStringParameters": {"lastEventId": query},
            }));
            assert_eq!(event.last_event_id(), expected, "{header:?}, {query:?}");
        };
        check(None, None, None);
        check(Some("5"), None, Some("5"));
        check(None, Some("2.5"), Some("2.5"));
        check(Some("7"), Some("5"), Some("7"));
        check(Some(" "), None, None);
    }

    #[test]
    fn the_token_is_where_a_signature_leaves_room_for_it() {
        let check = |authorization: Option<&str>, instead: Option<&str>, expected: Option<&str>| {
            let headers =
                json!({"authorization": authorization, "x-tokencast-authorization": instead});
            assert_eq!(
                event(&json!({"headers": headers})).authorization(),
                expected
            );
        };
        check(None, None, None);
        check(Some("Bearer a"), None, Some("Bearer a"));
        check(
            Some("AWS4-HMAC-SHA256 x"),
            Some("Bearer a"),
            Some("Bearer a"),
        );
        check(None, Some("Bearer a"), Some("Bearer a"));
    }

    #[test]
    fn nothing_secret_is_shown() {
        let event = event(&json!({"headers": {"authorization": "secret"}, "body": "secret"}));
        assert!(!format!("{event:?}").contains("secret"));
    }
}
