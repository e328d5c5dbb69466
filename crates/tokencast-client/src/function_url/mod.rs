//! A session over a Lambda Function URL that streams its response.
//!
//! `POST /` starts and answers with events, `GET /{sessionId}` goes on behind `Last-Event-ID`, `DELETE /{sessionId}` stops.

mod events;
mod sse;

use http::{Method, StatusCode, header};
use reqwest::{RequestBuilder, Response, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::time::timeout;
use uuid::Uuid;

use crate::assistant::{Assistant, ListedAssistants};
use crate::error::{Error, Refusal};
use crate::http::Caller;
use crate::position::Ask;
use crate::usage::QuotaUsage;

pub(crate) use events::{EventStream, Incoming};

/// `CloudFront`, where it signs requests for a Function URL, takes the body's hash from here.
const CONTENT_SHA256: &str = "x-amz-content-sha256";

/// Asks for the events, and returns once the answer's headers are here.
async fn open(caller: &Caller, session_id: Uuid, ask: &Ask) -> Result<Response, Error> {
    let request = match ask {
        Ask::Start { prompt } => {
            let mut body = json!(prompt);
            body["sessionId"] = json!(session_id);
            let body = body.to_string();
            request(caller, Method::POST, caller.url.clone())
                .await?
                .header(header::CONTENT_TYPE, "application/json")
                .header(CONTENT_SHA256, sha256_hex(&body))
                .body(body)
        }
        Ask::Follow { after } => {
            let request = request(caller, Method::GET, session_url(caller, session_id)).await?;
            match after {
                Some(position) => request.header("last-event-id", position.to_string()),
                None => request,
            }
        }
    };
    let request = request
        .header(header::ACCEPT, "text/event-stream")
        .header(header::CACHE_CONTROL, "no-store");
    let known = matches!(ask, Ask::Follow { .. }).then_some(session_id);
    let response = send(caller, request, known).await?;
    if response.status() == StatusCode::NO_CONTENT {
        // The session is over, and nothing stands behind the position.
        return Err(Error::Closed);
    }
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("text/event-stream") {
        return Err(Error::Protocol(format!(
            "a stream of type `{content_type}`, expected text/event-stream"
        )));
    }
    Ok(response)
}

/// The assistants that a start may name.
pub(crate) async fn assistants(caller: &Caller) -> Result<Vec<Assistant>, Error> {
    let listed: ListedAssistants = read(caller, "assistants").await?;
    Ok(listed.assistants)
}

/// What the caller has used of their quota.
pub(crate) async fn usage(caller: &Caller) -> Result<QuotaUsage, Error> {
    read(caller, "usage").await
}

/// Reads what the function tells at a path.
async fn read<T: DeserializeOwned>(caller: &Caller, path: &str) -> Result<T, Error> {
    let mut url = caller.url.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().push(path);
    }
    let read = caller.retry("GET", || async {
        let request = request(caller, Method::GET, url.clone()).await?;
        let response = send(caller, request, None).await?;
        response.json().await.map_err(Error::Request)
    });
    read.await
}

/// Stops a session.
pub(crate) async fn stop(caller: &Caller, session_id: Uuid) -> Result<(), Error> {
    caller
        .retry("DELETE", || async {
            let request = request(caller, Method::DELETE, session_url(caller, session_id)).await?;
            send(caller, request, Some(session_id)).await.map(drop)
        })
        .await
}

async fn request(caller: &Caller, method: Method, url: Url) -> Result<RequestBuilder, Error> {
    Ok(caller
        .http
        .request(method, url)
        .bearer_auth(caller.bearer().await?))
}

/// The time is for the headers only: a body lasts as long as its answer.
async fn send(
    caller: &Caller,
    request: RequestBuilder,
    session_id: Option<Uuid>,
) -> Result<Response, Error> {
    let answer = async {
        let response = request.send().await.map_err(Error::Request)?;
        let status = response.status();
        if matches!(status, StatusCode::OK | StatusCode::NO_CONTENT) {
            return Ok(response);
        }
        let body = response.bytes().await.map_err(Error::Request)?;
        Err(refusal(status, &body, session_id))
    };
    let answer = timeout(caller.timeout, answer).await;
    answer.unwrap_or(Err(Error::Timeout {
        what: "answer of the function",
        after: caller.timeout,
    }))
}

fn sha256_hex(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn session_url(caller: &Caller, session_id: Uuid) -> Url {
    let mut url = caller.url.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().push(&session_id.to_string());
    }
    url
}

/// `session_id` is the one that was asked for in the path.
fn refusal(status: StatusCode, body: &[u8], session_id: Option<Uuid>) -> Error {
    #[derive(Deserialize)]
    struct Body {
        error: Refusal,
    }
    let said = serde_json::from_slice::<Body>(body).ok();
    match (status, said, session_id) {
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, said, _) => Error::Unauthorized {
            message: said.map_or_else(
                || format!("HTTP {}", status.as_u16()),
                |body| body.error.error.message,
            ),
        },
        (StatusCode::NOT_FOUND, Some(_), Some(session_id)) => Error::NotFound { session_id },
        (_, Some(body), _) => body.error.into(),
        (status, None, _) => Error::Http {
            status: status.as_u16(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str, expected: &str) {
        let status = StatusCode::from_u16(status).expect("a status");
        let error = refusal(status, body.as_bytes(), Some(Uuid::nil()));
        assert_eq!(error.to_string(), expected, "{status} {body}");
    }

    #[test]
    fn a_refusal_is_a_typed_error() {
        let said = |code: &str| {
            format!(r#"{{"error":{{"code":"{code}","message":"said","retryable":false}}}}"#)
        };
        check(400, &said("INVALID_PROMPT"), "INVALID_PROMPT: said");
        check(401, &said("UNAUTHORIZED"), "not authorized: said");
        check(
            403,
            r#"{"Message":"Forbidden"}"#,
            "not authorized: HTTP 403",
        );
        let missing = "there is no session 00000000-0000-0000-0000-000000000000";
        check(404, &said("INVALID_PROMPT"), missing);
        check(404, "<html>", "the API answered HTTP 404");
        check(503, &said("THROTTLED"), "THROTTLED: said");
        check(502, "Internal Server Error", "the API answered HTTP 502");
        check(302, "", "the API answered HTTP 302");
    }
}
