//! SQS's older Query protocol: forms in, XML out. It isn't supported; a request in it gets an error that its SDK can
//! show.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use uuid::Uuid;

/// Names the first SDKs that speak JSON. docs/LOCAL.md lists them all.
const NOT_HERE: &str = "This endpoint speaks the AWS JSON protocol, and this request is of the older query protocol. Use \
                        boto3 1.28.82, botocore 1.31.82, the AWS CLI 1.29.82, the SDK for Java 2.21.19, for JavaScript \
                        3.447.0, for Go v2 service/sqs 1.28.0, or a later one.";

/// Whether a request is a form.
pub(crate) fn is_spoken(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The response to every action.
pub(crate) fn not_here() -> Response {
    let code = "AWS.SimpleQueueService.UnsupportedOperation";
    error(StatusCode::BAD_REQUEST, code, NOT_HERE)
}

/// An error in the protocol's own shape.
pub(crate) fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let escaped = message
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let request_id = Uuid::new_v4();
    let body = format!(
        "<?xml version=\"1.0\"?><ErrorResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\"><Error>\
         <Type>Sender</Type><Code>{code}</Code><Message>{escaped}</Message><Detail/></Error>\
         <RequestId>{request_id}</RequestId></ErrorResponse>"
    );
    let headers = [
        (header::CONTENT_TYPE.as_str(), "text/xml".to_owned()),
        ("x-amzn-requestid", request_id.to_string()),
    ];
    (status, headers, body).into_response()
}
