//! Cognito's description for the gateway.

use axum::body::Body;
use axum::response::Response;
use http::header::ACCESS_CONTROL_REQUEST_HEADERS;
use http::{Method, Request};
use local_faults::error_response::{self, PlannedError};
use local_faults::{Claims, Fault, FaultService, RequestInfo, ServiceEndpoint};
use serde_json::json;

pub const ENDPOINT: ServiceEndpoint = ServiceEndpoint {
    name: "cognito",
    claims: Claims {
        targets: &["AWSCognitoIdentityProviderService"],
        path: |path| path.split('/').nth(2) == Some(".well-known"),
        hint: is_preflight,
        scope: Some("cognito-idp"),
        ..Claims::NONE
    },
    takes_browsers: |_| true,
    counted_as: |_| Some(FaultService::Cognito),
    operations,
    names_are_in_body: |_| false,
    error_response: fault_response,
    unit_bytes: u64::MAX,
};

/// Cognito is the only service without its own path that browsers call, so such a preflight is Cognito's.
fn is_preflight(request: &Request<Body>) -> bool {
    let wanted = request.headers().get(ACCESS_CONTROL_REQUEST_HEADERS);
    let wanted = wanted.and_then(|it| it.to_str().ok()).unwrap_or_default();
    request.method() == Method::OPTIONS
        && wanted
            .split(',')
            .any(|name| name.trim().eq_ignore_ascii_case("x-amz-target"))
}

fn operations(_: FaultService, request: &RequestInfo<'_>) -> Vec<String> {
    // Requests such as `jwks.json` have no target.
    let name = if request.target.contains(' ') {
        request.path.rsplit('/').next().unwrap_or_default()
    } else {
        request.target
    };
    vec![name.to_owned()]
}

fn fault_response(_: FaultService, fault: &Fault, _: &[&str]) -> Option<Response> {
    let error = PlannedError::of(fault)?;
    let PlannedError {
        error_type,
        message,
        ..
    } = error;
    let status = error
        .status
        .unwrap_or_else(|| error_response::json_protocol_status(error_type));
    let body = json!({ "__type": error_type, "message": message });
    let mut response = error_response::json(status, "application/x-amz-json-1.1", &body);
    let header = format!("{error_type}:");
    error_response::set_header(&mut response, "x-amzn-errortype", &header);
    error_response::set_header(&mut response, "x-amzn-errormessage", message);
    error_response::open_to_browsers(&mut response);
    Some(response)
}
