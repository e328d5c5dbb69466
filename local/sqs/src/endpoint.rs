//! SQS's description for the gateway.

use axum::body::Body;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{Method, Request};
use local_faults::error_response::{self, PlannedError};
use local_faults::{Claims, Fault, FaultService, ServiceEndpoint};
use local_iam::sigv4::Credential;

/// SQS bills each 64 KB of a request.
const UNIT_BYTES: u64 = 64 * 1024;

pub const ENDPOINT: ServiceEndpoint = ServiceEndpoint {
    name: "sqs",
    claims: Claims {
        targets: &["AmazonSQS"],
        path: is_queue,
        hint: is_query_protocol,
        scope: Some("sqs"),
        ..Claims::NONE
    },
    takes_browsers: |_| false,
    counted_as: |_| Some(FaultService::Sqs),
    operations: |_, request| vec![request.target.to_owned()],
    names_are_in_body: |_| false,
    error_response: fault_response,
    unit_bytes: UNIT_BYTES,
};

/// Whether a path is a queue's: `/{accountId}/{queue}`.
fn is_queue(path: &str) -> bool {
    let mut segments = path.split('/').skip(1);
    let is_account =
        |segment: &str| segment.len() == 12 && segment.bytes().all(|byte| byte.is_ascii_digit());
    segments.next().is_some_and(is_account)
        && segments.next().is_some_and(|queue| !queue.is_empty())
}

/// Whether a request speaks the Query protocol, which SQS itself refuses. Other services still use this protocol, and
/// their signature tells them apart.
fn is_query_protocol(request: &Request<Body>) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE);
    let is_form = content_type
        .and_then(|it| it.to_str().ok())
        .is_some_and(|it| it.starts_with("application/x-www-form-urlencoded"));
    let scope = Credential::of(request.headers()).and_then(|credential| credential.service);
    request.method() == Method::POST
        && request.uri().path() == "/"
        && is_form
        && scope.is_none_or(|service| service == "sqs")
}

fn fault_response(_: FaultService, fault: &Fault, _: &[&str]) -> Option<Response> {
    let error = PlannedError::of(fault)?;
    let status = error
        .status
        .unwrap_or_else(|| error_response::json_protocol_status(error.error_type));
    let body = error_response::shaped("com.amazonaws.sqs", &error);
    let mut response = error_response::json(status, "application/x-amz-json-1.0", &body);
    let fault = if status.is_server_error() {
        "Receiver"
    } else {
        "Sender"
    };
    let value = format!("{};{fault}", error.error_type);
    error_response::set_header(&mut response, "x-amzn-query-error", &value);
    Some(response)
}
