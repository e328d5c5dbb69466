//! Lambda function URLs with response streaming (`RESPONSE_STREAM`) and without credentials (`NONE`).
//!
//! | module | what |
//! | --- | --- |
//! | `target` | the URL that a request is for, and the path that the function sees |
//! | `event` | the event, payload format 2.0 |
//! | `cors` | the CORS headers |
//! | `head` | the response's prelude: status, headers and cookies |
//! | `body` | the body of a response while it arrives |
//!
//! Bytes are passed on as they arrive, and only as fast as the client reads them. If a function fails or times out
//! before its response has a head, the response is 502; after that, the body breaks off. A client that leaves ends
//! nothing: as on AWS, the function goes on and isn't told.

mod body;
mod cors;
pub mod endpoint;
mod event;
mod faults;
mod head;
mod target;

pub use endpoint::ENDPOINT;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use local_faults::Faults;
use local_kit::clock::Clock;
use serde_json::json;
use thiserror::Error;
use uuid::Uuid;

use crate::Lambda;
use crate::config::FunctionUrlConfig;
use crate::error::Failure;

/// Lambda's limit on a request's body.
const MAX_BODY_BYTES: usize = 6 * 1024 * 1024;
/// Lambda's limit on a function's timeout.
const MAX_TIMEOUT: Duration = Duration::from_mins(15);

/// The function URLs of a stack. Clones share them.
#[derive(Clone, Debug)]
pub struct FunctionUrls {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    urls: BTreeMap<String, FunctionUrlConfig>,
    lambda: Lambda,
    clock: Clock,
    faults: Faults,
}

#[derive(Debug, Error)]
pub enum FunctionUrlError {
    #[error("its name is `{0}`, expected small letters, digits and `-`")]
    Name(String),
    #[error("`{0}` is there twice")]
    Twice(String),
    #[error("`{url}` is of the function `{function}`, which is not part of this stack")]
    NoFunction { url: String, function: String },
    #[error("`{url}`: its function's time-out is {timeout:?}, expected at most {MAX_TIMEOUT:?}")]
    Timeout { url: String, timeout: Duration },
}

impl FunctionUrls {
    /// Checks the configurations of the function URLs.
    ///
    /// # Errors
    ///
    /// A name isn't allowed or is there twice, or its function doesn't exist or has too long a timeout.
    pub fn new(
        configs: Vec<FunctionUrlConfig>,
        lambda: &Lambda,
        clock: &Clock,
        faults: &Faults,
    ) -> Result<Self, FunctionUrlError> {
        let mut urls = BTreeMap::new();
        for config in configs {
            check(&config, lambda)?;
            let name = config.name.clone();
            if urls.insert(name.clone(), config).is_some() {
                return Err(FunctionUrlError::Twice(name));
            }
        }
        let inner = Inner {
            urls,
            lambda: lambda.clone(),
            clock: clock.clone(),
            faults: faults.clone(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    pub fn router(&self) -> Router {
        Router::new().fallback(answer).with_state(self.clone())
    }
}

fn check(config: &FunctionUrlConfig, lambda: &Lambda) -> Result<(), FunctionUrlError> {
    let url = config.name.clone();
    let is_host_name =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if url.is_empty() || !url.bytes().all(is_host_name) {
        return Err(FunctionUrlError::Name(url));
    }
    let function = config.function.clone();
    let Some(timeout) = lambda.config(&function).map(|function| function.timeout) else {
        return Err(FunctionUrlError::NoFunction { url, function });
    };
    if timeout > MAX_TIMEOUT {
        return Err(FunctionUrlError::Timeout { url, timeout });
    }
    Ok(())
}

async fn answer(State(urls): State<FunctionUrls>, request: Request) -> Response {
    let target = target::of(&request);
    let config = target
        .as_ref()
        .and_then(|(name, _)| urls.inner.urls.get(name));
    let (Some((_, path)), Some(config)) = (&target, config) else {
        return unknown(&urls, target.map(|(name, _)| name));
    };
    let Some(cors) = &config.cors else {
        return urls.invoke(config, path, request).await;
    };
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = match *request.method() {
        Method::OPTIONS => cors::preflight(cors, &request),
        _ => urls.invoke(config, path, request).await,
    };
    cors::apply(cors, origin.as_ref(), response.headers_mut());
    response
}

impl FunctionUrls {
    async fn invoke(&self, config: &FunctionUrlConfig, path: &str, request: Request) -> Response {
        let Inner {
            lambda,
            clock,
            faults,
            ..
        } = &*self.inner;
        let (parts, body) = request.into_parts();
        let Ok(body) = Limited::new(body, MAX_BODY_BYTES).collect().await else {
            let message = format!(
                "Request must be smaller than {MAX_BODY_BYTES} bytes for the InvokeFunction operation"
            );
            return refused(
                StatusCode::PAYLOAD_TOO_LARGE,
                "RequestTooLargeException",
                &message,
            );
        };
        let request_id = Uuid::new_v4().to_string();
        let event = event::of(
            &config.name,
            path,
            &parts,
            &body.to_bytes(),
            &request_id,
            clock.now_ms(),
        );
        let fault = faults::of_body(faults, &event);
        let Some(mut stream) = lambda.stream(&config.function, event) else {
            return bad_gateway(&request_id);
        };
        let mut response = match head::read(&mut stream).await {
            Ok(Some(head)) => {
                let first = if head.is_held(fault) {
                    body::first_bytes(&mut stream).await
                } else {
                    head.rest.clone()
                };
                head.with(body::stream(stream, first, fault))
            }
            // The function didn't stream, or failed before it streamed anything.
            Ok(None) => match stream.end().await {
                // The prelude never ended.
                Ok(whole) if whole.is_empty() => bad_gateway(&request_id),
                Ok(whole) => head::of_whole(Body::from(whole)),
                Err(Failure::Throttled) => throttled(),
                Err(Failure::Function(_)) => bad_gateway(&request_id),
            },
            Err(error) => {
                tracing::warn!(
                    function = config.function,
                    error = &error as &dyn std::error::Error,
                    "the response's prelude can't be read"
                );
                bad_gateway(&request_id)
            }
        };
        if let Ok(id) = HeaderValue::from_str(&request_id) {
            response.headers_mut().insert("x-amzn-requestid", id);
        }
        response
    }
}

fn unknown(urls: &FunctionUrls, name: Option<String>) -> Response {
    let known: Vec<&str> = urls.inner.urls.keys().map(String::as_str).collect();
    let message = format!(
        "There is no function URL `{}`; there are: {}.",
        name.unwrap_or_default(),
        known.join(", ")
    );
    refused(StatusCode::NOT_FOUND, "ResourceNotFoundException", &message)
}

/// The response for a function's failure, which tells the client no details.
fn bad_gateway(request_id: &str) -> Response {
    tracing::debug!(request_id, "the function failed before its response began");
    (StatusCode::BAD_GATEWAY, "Internal Server Error").into_response()
}

fn throttled() -> Response {
    let body = json!({
        "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
        "Type": "User",
        "message": "Rate Exceeded.",
    });
    let headers = [("x-amzn-errortype", "TooManyRequestsException")];
    (StatusCode::TOO_MANY_REQUESTS, headers, axum::Json(body)).into_response()
}

fn refused(status: StatusCode, error_type: &'static str, message: &str) -> Response {
    let headers = [("x-amzn-errortype", error_type)];
    let body = json!({ "Type": "User", "message": message });
    (status, headers, axum::Json(body)).into_response()
}
