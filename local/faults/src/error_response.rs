//! What the error responses of different services share. Each service adds its own shape.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;

use crate::fault::Fault;

/// An error that a plan asks for.
#[derive(Clone, Copy, Debug)]
pub struct PlannedError<'a> {
    /// `ThrottlingException`
    pub error_type: &'a str,
    /// The status, if the plan has one.
    pub status: Option<StatusCode>,
    pub message: &'a str,
}

impl<'a> PlannedError<'a> {
    /// The error, if the fault is one.
    pub fn of(fault: &'a Fault) -> Option<Self> {
        let Fault::Error {
            error_type,
            status,
            message,
        } = fault
        else {
            return None;
        };
        Some(Self {
            error_type,
            status: status.and_then(|status| StatusCode::from_u16(status).ok()),
            message: message
                .as_deref()
                .unwrap_or_else(|| usual_message(error_type)),
        })
    }
}

/// The status that JSON protocols use: 500 or 503 for the service's own failures, 400 for the rest, throttling
/// included.
pub fn json_protocol_status(error_type: &str) -> StatusCode {
    failure_status(error_type).unwrap_or(StatusCode::BAD_REQUEST)
}

/// The status of a service that has one for each kind of error.
pub fn rest_status(error_type: &str) -> StatusCode {
    let is = |part: &str| error_type.contains(part);
    if is("Unauthorized") {
        StatusCode::UNAUTHORIZED
    } else if is("AccessDenied") || is("Forbidden") || is("Signature") || is("ExpiredToken") {
        StatusCode::FORBIDDEN
    } else if is("Throttl") || is("TooManyRequests") || is("LimitExceeded") {
        StatusCode::TOO_MANY_REQUESTS
    } else {
        json_protocol_status(error_type)
    }
}

/// An error of a REST protocol: the type in a header, the message in the body.
pub fn rest_error(error: &PlannedError<'_>, status: StatusCode) -> Response {
    let body = serde_json::json!({ "message": error.message });
    let mut response = json(status, "application/json", &body);
    set_header(&mut response, "x-amzn-errortype", error.error_type);
    response
}

/// A JSON protocol's error, which is named `namespace#Type`.
pub fn shaped(namespace: &str, error: &PlannedError<'_>) -> Value {
    let error_type = error.error_type;
    let shape = if error_type.contains('#') {
        error_type.to_owned()
    } else {
        format!("{namespace}#{error_type}")
    };
    serde_json::json!({ "__type": shape, "message": error.message })
}

/// The status of an error that is the service's own failure.
pub fn failure_status(error_type: &str) -> Option<StatusCode> {
    let is = |part: &str| error_type.contains(part);
    if is("Unavailable") {
        Some(StatusCode::SERVICE_UNAVAILABLE)
    } else if is("Internal") {
        Some(StatusCode::INTERNAL_SERVER_ERROR)
    } else {
        None
    }
}

/// The message of an error for which the plan has none.
pub fn usual_message(error_type: &str) -> &'static str {
    if error_type.contains("Throttl") || error_type.contains("TooManyRequests") {
        "Rate exceeded"
    } else {
        "Caused by the fault plan."
    }
}

pub fn json(status: StatusCode, content_type: &'static str, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

/// Sets a header, unless the value isn't allowed in one.
pub fn set_header(response: &mut Response, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response
            .headers_mut()
            .insert(HeaderName::from_static(name), value);
    }
}

/// Allows pages of any origin to read the response.
pub fn open_to_browsers(response: &mut Response) {
    set_header(response, "access-control-allow-origin", "*");
    set_header(
        response,
        "access-control-expose-headers",
        "x-amzn-errormessage,x-amzn-errortype,x-amzn-requestid",
    );
}
