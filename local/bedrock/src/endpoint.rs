//! Bedrock's description for the gateway.

use axum::response::Response;
use http::StatusCode;
use local_faults::error_response::{self, PlannedError};
use local_faults::{Claims, Fault, FaultService, RequestInfo, ServiceEndpoint};

pub const ENDPOINT: ServiceEndpoint = ServiceEndpoint {
    name: "bedrock",
    claims: Claims {
        path: |path| path.starts_with("/model/"),
        scope: Some("bedrock"),
        ..Claims::NONE
    },
    takes_browsers: |_| false,
    counted_as: |_| Some(FaultService::Bedrock),
    operations,
    names_are_in_body: |_| false,
    error_response: fault_response,
    unit_bytes: u64::MAX,
};

fn operations(_: FaultService, request: &RequestInfo<'_>) -> Vec<String> {
    operation(request.path)
        .into_iter()
        .map(str::to_owned)
        .collect()
}

/// The operation in `/model/{modelId}/{operation}`.
fn operation(path: &str) -> Option<&'static str> {
    match path.rsplit('/').next()? {
        "converse-stream" => Some("ConverseStream"),
        "converse" => Some("Converse"),
        "invoke-with-response-stream" => Some("InvokeModelWithResponseStream"),
        "invoke" => Some("InvokeModel"),
        _ => None,
    }
}

fn fault_response(_: FaultService, fault: &Fault, _: &[&str]) -> Option<Response> {
    let error = PlannedError::of(fault)?;
    let status = error.status.unwrap_or_else(|| status(error.error_type));
    Some(error_response::rest_error(&error, status))
}

fn status(error_type: &str) -> StatusCode {
    match error_type {
        "AccessDeniedException" => StatusCode::FORBIDDEN,
        "ModelErrorException" | "ModelStreamErrorException" => StatusCode::FAILED_DEPENDENCY,
        "ModelNotReadyException" | "ThrottlingException" => StatusCode::TOO_MANY_REQUESTS,
        "ModelTimeoutException" => StatusCode::REQUEST_TIMEOUT,
        "ResourceNotFoundException" => StatusCode::NOT_FOUND,
        _ => error_response::json_protocol_status(error_type),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_in_paths() {
        assert_eq!(
            operation("/model/a%2Fb/converse-stream"),
            Some("ConverseStream")
        );
        assert_eq!(operation("/model/m/invoke"), Some("InvokeModel"));
        assert_eq!(operation("/model/m/other"), None);
    }
}
