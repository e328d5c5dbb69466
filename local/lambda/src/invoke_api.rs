//! The Invoke API: `POST /2015-03-31/functions/{name}/invocations`.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Limited};
use local_iam::gate::GuardedService;
use local_iam::sigv4::SignatureRefusal;
use serde_json::json;
use uuid::Uuid;

use super::error::Failure;
use super::service::Lambda;

/// Lambda's limits on an event: 6 MB for a synchronous invocation, 1 MB for an asynchronous one.
const MAX_EVENT_BYTES: usize = 6_291_456;
const MAX_ASYNC_EVENT_BYTES: usize = 1_048_576;

/// When an asynchronous invocation that failed is tried again: after one minute, then after two.
const RETRIES_MS: [i64; 2] = [60_000, 120_000];
/// A throttled invocation is tried again for up to six hours, at most five minutes apart.
const THROTTLED_FIRST_MS: i64 = 1_000;
const THROTTLED_LONGEST_MS: i64 = 300_000;
const THROTTLED_LIMIT_MS: i64 = 6 * 3_600_000;

/// How a request's signature is checked before [`router`] gets it. The router itself refuses events that are too large.
pub(crate) const GUARDED: GuardedService = GuardedService {
    service: "lambda",
    max_body_bytes: 4 * MAX_EVENT_BYTES,
    refuse: unsigned,
};

pub(crate) fn router(lambda: Lambda) -> Router {
    Router::new()
        .route(
            "/2015-03-31/functions/{name}/invocations",
            post(invoke).fallback(unknown_operation),
        )
        .fallback(unknown_operation)
        .with_state(lambda)
}

async fn unknown_operation(method: Method, uri: Uri) -> Response {
    let message = format!(
        "The local Lambda has no {method} {}: its functions are made with the stack.",
        uri.path()
    );
    refused(StatusCode::NOT_FOUND, "UnknownOperationException", &message)
}

async fn invoke(
    State(lambda): State<Lambda>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let function = function_name(&name);
    if lambda.config(function).is_none() {
        let arn = lambda.endpoints().function_arn(function);
        return refused(
            StatusCode::NOT_FOUND,
            "ResourceNotFoundException",
            &format!("Function not found: {arn}"),
        );
    }
    let invocation_type = headers
        .get("x-amz-invocation-type")
        .and_then(|value| value.to_str().ok());
    let most = match invocation_type {
        Some("Event") => MAX_ASYNC_EVENT_BYTES,
        _ => MAX_EVENT_BYTES,
    };
    let Ok(event) = Limited::new(body, most).collect().await else {
        let message =
            format!("Request must be smaller than {most} bytes for the InvokeFunction operation");
        return refused(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestTooLargeException",
            &message,
        );
    };
    let event = event.to_bytes();
    let event = if event.is_empty() {
        Bytes::from_static(b"{}")
    } else {
        event
    };
    if let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(&event) {
        let message = format!("Could not parse request body into json: {error}");
        return refused(
            StatusCode::BAD_REQUEST,
            "InvalidRequestContentException",
            &message,
        );
    }
    match invocation_type {
        None | Some("RequestResponse") => wait(&lambda, function, event).await,
        Some("Event") => {
            let task = run_later(lambda.clone(), function.to_owned(), event);
            lambda.spawn(task);
            with_headers(StatusCode::ACCEPTED.into_response())
        }
        Some("DryRun") => with_headers(StatusCode::NO_CONTENT.into_response()),
        Some(other) => {
            let message = format!("Unsupported invocation type: {other}");
            refused(
                StatusCode::BAD_REQUEST,
                "InvalidParameterValueException",
                &message,
            )
        }
    }
}

async fn wait(lambda: &Lambda, function: &str, event: Bytes) -> Response {
    let (body, failed) = match lambda.run(function, event).await {
        Some(Ok(body)) => (body, false),
        Some(Err(Failure::Function(error))) => (error.payload, true),
        Some(Err(Failure::Throttled)) => return throttled(),
        None => {
            return refused(
                StatusCode::NOT_FOUND,
                "ResourceNotFoundException",
                "Function not found",
            );
        }
    };
    let mut response = with_headers(body.into_response());
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(
        "x-amz-executed-version",
        HeaderValue::from_static("$LATEST"),
    );
    if failed {
        headers.insert(
            "x-amz-function-error",
            HeaderValue::from_static("Unhandled"),
        );
    }
    response
}

async fn run_later(lambda: Lambda, function: String, event: Bytes) {
    let Some(clock) = lambda.clock(&function) else {
        return;
    };
    let give_up_ms = clock.now_ms() + THROTTLED_LIMIT_MS;
    let mut retries = RETRIES_MS.into_iter();
    let mut throttled_ms = THROTTLED_FIRST_MS;
    while let Some(Err(failure)) = lambda.run(&function, event.clone()).await {
        let pause_ms = match failure {
            Failure::Throttled if clock.now_ms() < give_up_ms => {
                let pause_ms = throttled_ms;
                throttled_ms = (throttled_ms * 2).min(THROTTLED_LONGEST_MS);
                pause_ms
            }
            Failure::Throttled => {
                return tracing::warn!(function, "an event was given up: throttled for six hours");
            }
            Failure::Function(error) => match retries.next() {
                Some(pause_ms) => pause_ms,
                None => {
                    return tracing::warn!(
                        function,
                        error_type = error.error_type,
                        "an event was given up"
                    );
                }
            },
        };
        clock.sleep_until(clock.now_ms() + pause_ms).await;
    }
}

/// The function's name in a name, a partial ARN or a whole ARN, with or without `:$LATEST`.
fn function_name(given: &str) -> &str {
    let tail = given
        .rsplit_once("function:")
        .map_or(given, |(_, tail)| tail);
    tail.split(':').next().unwrap_or(tail)
}

fn unsigned(_: &HeaderMap, refusal: &SignatureRefusal) -> Response {
    refused(StatusCode::FORBIDDEN, refusal.error_type, &refusal.message)
}

fn throttled() -> Response {
    let body = json!({
        "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
        "Type": "User",
        "message": "Rate Exceeded.",
    });
    error(
        StatusCode::TOO_MANY_REQUESTS,
        "TooManyRequestsException",
        &body,
    )
}

fn refused(status: StatusCode, error_type: &'static str, message: &str) -> Response {
    // This error has `Message`, the others `message`. SDKs read either.
    error(
        status,
        error_type,
        &json!({ "Type": "User", "message": message, "Message": message }),
    )
}

fn error(status: StatusCode, error_type: &'static str, body: &serde_json::Value) -> Response {
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
        (
            HeaderName::from_static("x-amzn-errortype"),
            HeaderValue::from_static(error_type),
        ),
    ];
    with_headers((status, headers, body.to_string()).into_response())
}

fn with_headers(mut response: Response) -> Response {
    if let Ok(id) = HeaderValue::try_from(Uuid::new_v4().to_string()) {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_named_in_four_ways() {
        for given in [
            "worker",
            "worker:$LATEST",
            "000000000000:function:worker",
            "arn:aws:lambda:us-east-1:000000000000:function:worker:$LATEST",
        ] {
            assert_eq!(function_name(given), "worker", "{given}");
        }
    }
}
