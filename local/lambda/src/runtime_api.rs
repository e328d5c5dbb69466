//! The Runtime API, 2018-06-01, of one process. Each process has a listener of its own, so that
//! `AWS_LAMBDA_RUNTIME_API` is a host and a port as on AWS, and no process can respond for another.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use local_kit::local_host::is_local;
use serde_json::json;
use tokio::sync::mpsc;

use super::environment::{Environment, Outcome, Refusal};
use super::error::FunctionError;
use super::streaming::{self, Forwarded, MAX_STREAMED_BYTES, Part};

/// Lambda's limit on a response: 6 MB, and some room for its envelope.
const MAX_RESPONSE_BYTES: usize = 6_291_556;

const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
const ERROR_BODY: &str = "lambda-runtime-function-error-body";
const RESPONSE_MODE: &str = "lambda-runtime-function-response-mode";

#[derive(Clone)]
struct Api {
    environment: Arc<Environment>,
    function_arn: String,
}

pub fn router(environment: Arc<Environment>, function_arn: String) -> Router {
    let paths = Router::new()
        .route("/runtime/invocation/next", get(next))
        .route("/runtime/invocation/{id}/response", post(response))
        .route("/runtime/invocation/{id}/error", post(error))
        .route("/runtime/init/error", post(init_error))
        .with_state(Api {
            environment,
            function_arn,
        });
    Router::new()
        .nest("/2018-06-01", paths)
        .layer(from_fn(no_browsers))
}

/// Refuses web pages, which could otherwise take a function's invocation or respond for it if they found the port. A
/// browser sends `Origin`, or `Sec-Fetch-Site` with a plain `GET`. A page whose own name was made to point here (DNS
/// rebinding) sends this name as the host.
async fn no_browsers(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let is_page = headers.contains_key(header::ORIGIN) || headers.contains_key("sec-fetch-site");
    if is_page || !host.is_some_and(is_local) {
        let message = "The Runtime API is for the function's own process.";
        return status(StatusCode::FORBIDDEN, "AccessDeniedException", message);
    }
    next.run(request).await
}

async fn next(State(api): State<Api>) -> Response {
    match api.environment.next().await {
        Ok((request_id, deadline_ms, trace, event)) => {
            let headers = [
                ("lambda-runtime-aws-request-id", request_id),
                ("lambda-runtime-deadline-ms", deadline_ms.to_string()),
                ("lambda-runtime-invoked-function-arn", api.function_arn),
                ("lambda-runtime-trace-id", trace),
                (header::CONTENT_TYPE.as_str(), "application/json".to_owned()),
            ];
            (headers, event).into_response()
        }
        Err(refusal) => refused(refusal),
    }
}

/// Passes a streamed response on as it arrives if the caller wants that, else as a whole. Its trailers may still report
/// an error.
async fn response(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let parts = match api.environment.begin_response(&id) {
        Ok(parts) => parts,
        Err(refusal) => return refused(refusal),
    };
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_streamed =
        text(RESPONSE_MODE).is_some_and(|mode| mode.eq_ignore_ascii_case("streaming"));
    match parts {
        Some(parts) if is_streamed => {
            let content_type = text(header::CONTENT_TYPE.as_str()).map(str::to_owned);
            streamed(&api.environment, &id, &parts, content_type, body).await
        }
        _ => collected(&api.environment, &id, body).await,
    }
}

async fn streamed(
    environment: &Environment,
    id: &str,
    parts: &mpsc::Sender<Part>,
    content_type: Option<String>,
    body: Body,
) -> Response {
    match streaming::forward(content_type, body, parts).await {
        Forwarded::Whole => accepted(environment.finish(id, Outcome::Response(Bytes::new()))),
        Forwarded::Failed(error) => accepted(environment.finish(id, Outcome::Error(error))),
        Forwarded::TooLarge => too_large(environment, id, MAX_STREAMED_BYTES),
        Forwarded::CutShort => cut_short(environment, id),
    }
}

async fn collected(environment: &Environment, id: &str, body: Body) -> Response {
    let collected = match Limited::new(body, MAX_RESPONSE_BYTES).collect().await {
        Ok(collected) => collected,
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            return too_large(environment, id, MAX_RESPONSE_BYTES as u64);
        }
        Err(_) => return cut_short(environment, id),
    };
    let outcome = match collected.trailers().and_then(error_in_trailers) {
        Some(error) => Outcome::Error(error),
        None => Outcome::Response(collected.to_bytes()),
    };
    accepted(environment.finish(id, outcome))
}

fn cut_short(environment: &Environment, id: &str) -> Response {
    let what = "the response was cut short";
    let error = FunctionError::of_request("Runtime.TruncatedResponse", id, what);
    // The connection is gone, so nobody reads this response.
    let _ = environment.finish(id, Outcome::Error(error));
    status(
        StatusCode::BAD_REQUEST,
        "TruncatedResponse",
        "The response was cut short",
    )
}

async fn error(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let error = FunctionError::reported(body, error_type(&headers));
    accepted(api.environment.finish(&id, Outcome::Error(error)))
}

async fn init_error(State(api): State<Api>, headers: HeaderMap, body: Bytes) -> Response {
    accepted(
        api.environment
            .init_failed(FunctionError::reported(body, error_type(&headers))),
    )
}

fn error_type(headers: &HeaderMap) -> &str {
    headers
        .get(ERROR_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("Runtime.Unknown")
}

pub(super) fn error_in_trailers(trailers: &HeaderMap) -> Option<FunctionError> {
    trailers.get(ERROR_TYPE)?;
    let body = trailers
        .get(ERROR_BODY)
        .and_then(|body| STANDARD.decode(body).ok())
        .unwrap_or_default();
    Some(FunctionError::reported(body.into(), error_type(trailers)))
}

fn too_large(environment: &Environment, id: &str, most: u64) -> Response {
    let what =
        format!("Response payload size exceeded maximum allowed payload size ({most} bytes).");
    let error = FunctionError::new("Function.ResponseSizeTooLarge", what.clone());
    match environment.finish(id, Outcome::Error(error)) {
        Ok(()) => status(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLarge",
            &what,
        ),
        Err(refusal) => refused(refusal),
    }
}

fn accepted(result: Result<(), Refusal>) -> Response {
    match result {
        Ok(()) => (StatusCode::ACCEPTED, axum::Json(json!({ "status": "OK" }))).into_response(),
        Err(refusal) => refused(refusal),
    }
}

fn refused(refusal: Refusal) -> Response {
    match refusal {
        Refusal::UnknownRequest => status(
            StatusCode::BAD_REQUEST,
            "InvalidRequestID",
            "Invalid request ID",
        ),
        Refusal::State => status(
            StatusCode::FORBIDDEN,
            "InvalidStateTransition",
            "State transition is not allowed",
        ),
    }
}

fn status(status: StatusCode, error_type: &str, message: &str) -> Response {
    (
        status,
        axum::Json(json!({ "errorType": error_type, "errorMessage": message })),
    )
        .into_response()
}
