//! The description of WebSocket APIs and `@connections` for the gateway.

use axum::body::Body;
use axum::response::Response;
use http::header::UPGRADE;
use http::{Request, StatusCode};
use local_faults::error_response::{self, PlannedError};
use local_faults::{Claims, Fault, FaultService, RequestInfo, ServiceEndpoint};

/// API Gateway bills each 32 KB of a message.
const UNIT_BYTES: u64 = 32 * 1024;

pub const ENDPOINT: ServiceEndpoint = ServiceEndpoint {
    name: "execute-api",
    claims: Claims {
        path: |path| path.starts_with("/websocket/"),
        scope: Some("execute-api"),
        ..Claims::NONE
    },
    // Only back ends call `@connections`.
    takes_browsers: |request| !request.uri().path().contains("/@connections"),
    counted_as,
    operations,
    names_are_in_body: |_| false,
    error_response: fault_response,
    unit_bytes: UNIT_BYTES,
};

#[expect(
    clippy::unnecessary_wraps,
    reason = "other services have requests that don't count"
)]
fn counted_as(request: &Request<Body>) -> Option<FaultService> {
    Some(if request.headers().contains_key(UPGRADE) {
        FaultService::WebSocket
    } else {
        FaultService::ExecuteApi
    })
}

fn operations(service: FaultService, request: &RequestInfo<'_>) -> Vec<String> {
    let operation = match (service, request.target.split(' ').next()) {
        (FaultService::WebSocket, _) => "connect",
        (_, Some("GET")) => "GetConnection",
        (_, Some("DELETE")) => "DeleteConnection",
        _ => "PostToConnection",
    };
    vec![operation.to_owned()]
}

fn fault_response(service: FaultService, fault: &Fault, _: &[&str]) -> Option<Response> {
    let error = PlannedError::of(fault)?;
    let status = error
        .status
        .unwrap_or_else(|| status(service, error.error_type));
    Some(error_response::rest_error(&error, status))
}

fn status(service: FaultService, error_type: &str) -> StatusCode {
    match service {
        FaultService::ExecuteApi if error_type.contains("Gone") => StatusCode::GONE,
        FaultService::ExecuteApi if error_type.contains("PayloadTooLarge") => {
            StatusCode::PAYLOAD_TOO_LARGE
        }
        _ => error_response::rest_status(error_type),
    }
}
