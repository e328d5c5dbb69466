//! The description of function URLs for the gateway.

use axum::response::Response;
use local_faults::error_response::{self, PlannedError};
use local_faults::{Claims, Fault, FaultService, ServiceEndpoint};

use super::target;

pub const ENDPOINT: ServiceEndpoint = ServiceEndpoint {
    name: "functionurl",
    claims: Claims {
        address: |request| target::is_for(request),
        ..Claims::NONE
    },
    takes_browsers: |_| true,
    counted_as: |_| Some(FaultService::FunctionUrl),
    operations: |_, _| vec!["Invoke".to_owned()],
    names_are_in_body: |_| false,
    error_response: fault_response,
    unit_bytes: u64::MAX,
};

fn fault_response(_: FaultService, fault: &Fault, _: &[&str]) -> Option<Response> {
    let error = PlannedError::of(fault)?;
    let status = error
        .status
        .unwrap_or_else(|| error_response::rest_status(error.error_type));
    let mut response = error_response::rest_error(&error, status);
    error_response::open_to_browsers(&mut response);
    Some(response)
}
