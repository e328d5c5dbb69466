//! DynamoDB's description for the gateway.

use axum::response::Response;
use local_faults::error_response::{self, PlannedError};
use local_faults::{Claims, Fault, FaultService, ServiceEndpoint};

pub const ENDPOINT: ServiceEndpoint = ServiceEndpoint {
    name: "dynamodb",
    claims: Claims {
        targets: &["DynamoDB_*", "DynamoDBStreams_*"],
        scope: Some("dynamodb"),
        ..Claims::NONE
    },
    takes_browsers: |_| false,
    counted_as: |_| Some(FaultService::DynamoDb),
    operations: |_, request| vec![request.target.to_owned()],
    names_are_in_body: |_| false,
    error_response: fault_response,
    unit_bytes: u64::MAX,
};

fn fault_response(_: FaultService, fault: &Fault, _: &[&str]) -> Option<Response> {
    let error = PlannedError::of(fault)?;
    let status = error
        .status
        .unwrap_or_else(|| error_response::json_protocol_status(error.error_type));
    let body = error_response::shaped("com.amazonaws.dynamodb.v20120810", &error);
    Some(error_response::json(
        status,
        "application/x-amz-json-1.0",
        &body,
    ))
}
