//! AWS's errors. The JSON protocol has two names for each: the shape's name in `__type`, and the Query protocol's code
//! in `x-amzn-query-error`, which SDKs show first.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use local_iam::sigv4::SignatureRefusal;
use serde_json::{Value, json};
use thiserror::Error;

/// An error as the caller gets it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{}: {message}", kind.query_code())]
pub(crate) struct ApiError {
    pub kind: Kind,
    pub message: String,
}

/// Each error is `(variant, __type, code of the Query protocol)`.
macro_rules! kinds {
    ($($variant:ident $shape:literal $code:literal;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Kind { $($variant,)* }

        impl Kind {
            fn shape(self) -> &'static str {
                match self { $(Self::$variant => $shape,)* }
            }

            /// The error's code in SDKs, and the `Code` of a batch's entry that failed.
            pub(crate) fn query_code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }
        }
    };
}

kinds! {
    BatchEntryIdsNotDistinct "com.amazonaws.sqs#BatchEntryIdsNotDistinct" "AWS.SimpleQueueService.BatchEntryIdsNotDistinct";
    BatchRequestTooLong "com.amazonaws.sqs#BatchRequestTooLong" "AWS.SimpleQueueService.BatchRequestTooLong";
    EmptyBatchRequest "com.amazonaws.sqs#EmptyBatchRequest" "AWS.SimpleQueueService.EmptyBatchRequest";
    InternalFailure "com.amazonaws.sqs#InternalFailure" "InternalFailure";
    InvalidAddress "com.amazonaws.sqs#InvalidAddress" "InvalidAddress";
    InvalidAttributeName "com.amazonaws.sqs#InvalidAttributeName" "InvalidAttributeName";
    InvalidAttributeValue "com.amazonaws.sqs#InvalidAttributeValue" "InvalidAttributeValue";
    InvalidBatchEntryId "com.amazonaws.sqs#InvalidBatchEntryId" "AWS.SimpleQueueService.InvalidBatchEntryId";
    InvalidMessageContents "com.amazonaws.sqs#InvalidMessageContents" "InvalidMessageContents";
    InvalidParameterValue "com.amazonaws.sqs#InvalidParameterValueException" "InvalidParameterValue";
    MessageNotInflight "com.amazonaws.sqs#MessageNotInflight" "AWS.SimpleQueueService.MessageNotInflight";
    MissingParameter "com.amazonaws.sqs#MissingRequiredParameterException" "MissingParameter";
    OverLimit "com.amazonaws.sqs#OverLimit" "OverLimit";
    PurgeQueueInProgress "com.amazonaws.sqs#PurgeQueueInProgress" "AWS.SimpleQueueService.PurgeQueueInProgress";
    QueueDoesNotExist "com.amazonaws.sqs#QueueDoesNotExist" "AWS.SimpleQueueService.NonExistentQueue";
    QueueNameExists "com.amazonaws.sqs#QueueNameExists" "QueueAlreadyExists";
    ReceiptHandleIsInvalid "com.amazonaws.sqs#ReceiptHandleIsInvalid" "ReceiptHandleIsInvalid";
    ResourceNotFound "com.amazonaws.sqs#ResourceNotFoundException" "ResourceNotFoundException";
    Serialization "com.amazon.coral.service#SerializationException" "SerializationException";
    TooManyEntriesInBatchRequest "com.amazonaws.sqs#TooManyEntriesInBatchRequest" "AWS.SimpleQueueService.TooManyEntriesInBatchRequest";
    UnknownOperation "com.amazon.coral.service#UnknownOperationException" "UnknownOperationException";
    UnsupportedOperation "com.amazonaws.sqs#UnsupportedOperation" "AWS.SimpleQueueService.UnsupportedOperation";
}

impl Kind {
    pub(crate) fn with(self, message: impl Into<String>) -> ApiError {
        ApiError {
            kind: self,
            message: message.into(),
        }
    }

    fn is_ours(self) -> bool {
        self == Self::InternalFailure
    }
}

impl ApiError {
    pub(crate) fn no_such_queue() -> Self {
        Kind::QueueDoesNotExist.with("The specified queue does not exist.")
    }

    pub(crate) fn missing(parameter: &str) -> Self {
        Kind::MissingParameter.with(format!(
            "The request must contain the parameter {parameter}."
        ))
    }

    /// `Value X for parameter Y is invalid. Reason: Z`
    pub(crate) fn invalid_value(
        value: impl std::fmt::Display,
        parameter: &str,
        reason: &str,
    ) -> Self {
        Kind::InvalidParameterValue.with(format!(
            "Value {value} for parameter {parameter} is invalid. Reason: {reason}"
        ))
    }

    pub(crate) fn sender_fault(&self) -> bool {
        !self.kind.is_ours()
    }
}

/// A body with the JSON protocol's headers.
pub(crate) fn json_response(status: StatusCode, body: &Value) -> Response {
    let mut response = (status, body.to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-amz-json-1.0"),
    );
    if let Ok(id) = HeaderValue::try_from(uuid::Uuid::new_v4().to_string()) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

/// The Query protocol's code, which SDKs show, for a refused signature.
pub(crate) fn query_code_of(error_type: &str) -> &str {
    match error_type {
        "InvalidSignatureException" => "SignatureDoesNotMatch",
        "UnrecognizedClientException" => "InvalidClientTokenId",
        other => other.strip_suffix("Exception").unwrap_or(other),
    }
}

/// Refuses a request that isn't signed with a key of the stack.
pub(crate) fn unsigned(refusal: &SignatureRefusal) -> Response {
    let body = json!({
        "__type": format!("com.amazon.coral.service#{}", refusal.error_type),
        "message": refusal.message,
    });
    let mut response = json_response(StatusCode::FORBIDDEN, &body);
    let query_error = format!("{};Sender", query_code_of(refusal.error_type));
    if let Ok(query_error) = HeaderValue::try_from(query_error) {
        response
            .headers_mut()
            .insert("x-amzn-query-error", query_error);
    }
    response
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, fault) = if self.kind.is_ours() {
            (StatusCode::INTERNAL_SERVER_ERROR, "Receiver")
        } else {
            (StatusCode::BAD_REQUEST, "Sender")
        };
        let body = json!({ "__type": self.kind.shape(), "message": self.message });
        let mut response = json_response(status, &body);
        let query_error = format!("{};{fault}", self.kind.query_code());
        if let Ok(query_error) = HeaderValue::try_from(query_error) {
            response
                .headers_mut()
                .insert("x-amzn-query-error", query_error);
        }
        response
    }
}
