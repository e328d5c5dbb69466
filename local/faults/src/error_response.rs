//! Errors in each service's own shape.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::plan::FaultService;

/// A service's error. `status`: AWS's own for that error, if not given.
pub(super) fn error(
    service: FaultService,
    error_type: &str,
    status: Option<u16>,
    message: Option<&str>,
) -> Response {
    let status = status
        .and_then(|status| StatusCode::from_u16(status).ok())
        .unwrap_or_else(|| usual_status(service, error_type));
    let message = message.unwrap_or_else(|| usual_message(error_type));
    match service {
        FaultService::AppSync | FaultService::Realtime => {
            let body = json!({ "errors": [{ "errorType": error_type, "message": message }] });
            let mut response = answer(status, "application/json;charset=UTF-8", &body);
            set(&mut response, "x-amzn-errortype", error_type);
            open_to_browsers(&mut response);
            response
        }
        FaultService::Sqs => {
            let body = shaped("com.amazonaws.sqs", error_type, message);
            let mut response = answer(status, "application/x-amz-json-1.0", &body);
            let fault = if status.is_server_error() {
                "Receiver"
            } else {
                "Sender"
            };
            set(
                &mut response,
                "x-amzn-query-error",
                &format!("{error_type};{fault}"),
            );
            response
        }
        FaultService::DynamoDb => {
            let body = shaped("com.amazonaws.dynamodb.v20120810", error_type, message);
            answer(status, "application/x-amz-json-1.0", &body)
        }
        FaultService::Cognito => {
            let body = json!({ "__type": error_type, "message": message });
            let mut response = answer(status, "application/x-amz-json-1.1", &body);
            set(&mut response, "x-amzn-errortype", &format!("{error_type}:"));
            set(&mut response, "x-amzn-errormessage", message);
            open_to_browsers(&mut response);
            response
        }
        FaultService::Bedrock
        | FaultService::Lambda
        | FaultService::FunctionUrl
        | FaultService::WebSocket
        | FaultService::ExecuteApi => {
            let body = json!({ "message": message });
            let mut response = answer(status, "application/json", &body);
            set(&mut response, "x-amzn-errortype", error_type);
            if service == FaultService::FunctionUrl {
                open_to_browsers(&mut response);
            }
            response
        }
    }
}

/// AppSync's answer when a field that can't be null failed.
pub(super) fn graphql_error(
    field: Option<&str>,
    error_type: &str,
    message: Option<&str>,
) -> Response {
    let message = message.unwrap_or_else(|| usual_message(error_type));
    let body = json!({
        "data": null,
        "errors": [{
            "path": field.into_iter().collect::<Vec<_>>(),
            "data": null,
            "errorType": error_type,
            "errorInfo": null,
            "locations": [{ "line": 1, "column": 1, "sourceName": null }],
            "message": message,
        }],
    });
    let mut response = answer(StatusCode::OK, "application/json;charset=UTF-8", &body);
    open_to_browsers(&mut response);
    response
}

fn shaped(namespace: &str, error_type: &str, message: &str) -> Value {
    let shape = if error_type.contains('#') {
        error_type.to_owned()
    } else {
        format!("{namespace}#{error_type}")
    };
    json!({ "__type": shape, "message": message })
}

fn usual_status(service: FaultService, error_type: &str) -> StatusCode {
    let is = |part: &str| error_type.contains(part);
    match service {
        FaultService::Bedrock => match error_type {
            "AccessDeniedException" => StatusCode::FORBIDDEN,
            "ModelErrorException" | "ModelStreamErrorException" => StatusCode::FAILED_DEPENDENCY,
            "ModelNotReadyException" | "ThrottlingException" => StatusCode::TOO_MANY_REQUESTS,
            "ModelTimeoutException" => StatusCode::REQUEST_TIMEOUT,
            "ResourceNotFoundException" => StatusCode::NOT_FOUND,
            _ => by_name(error_type).unwrap_or(StatusCode::BAD_REQUEST),
        },
        FaultService::ExecuteApi if is("Gone") => StatusCode::GONE,
        FaultService::ExecuteApi if is("PayloadTooLarge") => StatusCode::PAYLOAD_TOO_LARGE,
        FaultService::AppSync
        | FaultService::Realtime
        | FaultService::Lambda
        | FaultService::FunctionUrl
        | FaultService::WebSocket
        | FaultService::ExecuteApi => {
            if is("Unauthorized") {
                StatusCode::UNAUTHORIZED
            } else if is("AccessDenied") || is("Forbidden") || is("Signature") || is("ExpiredToken")
            {
                StatusCode::FORBIDDEN
            } else if is("Throttl") || is("TooManyRequests") || is("LimitExceeded") {
                StatusCode::TOO_MANY_REQUESTS
            } else {
                by_name(error_type).unwrap_or(StatusCode::BAD_REQUEST)
            }
        }
        // Their JSON protocols answer all but their own failures with 400, throttling too.
        FaultService::Sqs | FaultService::DynamoDb | FaultService::Cognito => {
            by_name(error_type).unwrap_or(StatusCode::BAD_REQUEST)
        }
    }
}

/// The service's own failures.
fn by_name(error_type: &str) -> Option<StatusCode> {
    let is = |part: &str| error_type.contains(part);
    if is("Unavailable") {
        Some(StatusCode::SERVICE_UNAVAILABLE)
    } else if is("Internal") {
        Some(StatusCode::INTERNAL_SERVER_ERROR)
    } else {
        None
    }
}

fn usual_message(error_type: &str) -> &'static str {
    if error_type.contains("Throttl") || error_type.contains("TooManyRequests") {
        "Rate exceeded"
    } else {
        "Caused by the fault plan."
    }
}

fn answer(status: StatusCode, content_type: &'static str, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

fn set(response: &mut Response, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response
            .headers_mut()
            .insert(HeaderName::from_static(name), value);
    }
}

fn open_to_browsers(response: &mut Response) {
    set(response, "access-control-allow-origin", "*");
    set(
        response,
        "access-control-expose-headers",
        "x-amzn-errormessage,x-amzn-errortype,x-amzn-requestid",
    );
}
