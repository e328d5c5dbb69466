//! How a service describes itself to the gateway: its requests, their operations, and its error responses.

use axum::body::Body;
use axum::response::Response;
use http::Request;

use crate::fault::Fault;
use crate::service::FaultService;

/// A service's description for the gateway, which so depends on no service.
#[derive(Clone, Copy, Debug)]
pub struct ServiceEndpoint {
    /// The service's name in logs: `sqs`.
    pub name: &'static str,
    pub claims: Claims,
    /// Whether a web page may send this request from another origin than this machine's, if its origin is allowed.
    pub takes_browsers: fn(&Request<Body>) -> bool,
    /// The service that fault plans and usage counts see in a request. `None` if the request is no operation, such as a
    /// preflight.
    pub counted_as: fn(&Request<Body>) -> Option<FaultService>,
    /// The names of a request's operations in a plan. A GraphQL request has one for each root field.
    pub operations: fn(FaultService, &RequestInfo<'_>) -> Vec<String>,
    /// Whether the operations' names are in the body.
    pub names_are_in_body: fn(FaultService) -> bool,
    /// The response, in the service's own shape, to a request whose fault is an error. `None` for other faults. The
    /// texts are the operations' names.
    pub error_response: fn(FaultService, &Fault, &[&str]) -> Option<Response>,
    /// AWS bills each `unit_bytes` of a request as one unit.
    pub unit_bytes: u64,
}

/// Which requests belong to a service. AWS gives each service a host; here the request itself has to tell.
///
/// The gateway asks `address` of all services first. A request with an `X-Amz-Target` then belongs to the service with
/// this target, or to none. Any other request belongs to the first service that claims it by `path`, then by `hint`,
/// then by the scope of its signature.
#[derive(Clone, Copy, Debug)]
pub struct Claims {
    /// Claims a request by host or path whatever its headers are, because the caller of a function URL may send any
    /// headers.
    pub address: fn(&Request<Body>) -> bool,
    /// The part of `X-Amz-Target` before the dot: `AmazonSQS`, or `DynamoDB_*` for any version.
    pub targets: &'static [&'static str],
    pub path: fn(&str) -> bool,
    /// Claims a request by anything else in it.
    pub hint: fn(&Request<Body>) -> bool,
    /// The service's name in the scope of signatures: `sqs`.
    pub scope: Option<&'static str>,
}

/// The parts of a request that tell its operation.
#[derive(Clone, Copy, Debug)]
pub struct RequestInfo<'a> {
    /// The part of `X-Amz-Target` after the dot, or else method and path.
    pub target: &'a str,
    pub path: &'a str,
    /// Empty unless the plan or the operation's name depends on it.
    pub body: &'a [u8],
}

impl Claims {
    /// Claims no request.
    pub const NONE: Self = Self {
        address: |_| false,
        targets: &[],
        path: |_| false,
        hint: |_| false,
        scope: None,
    };

    /// Whether this `X-Amz-Target` belongs to the service.
    pub fn has_target(&self, target: &str) -> bool {
        let Some((prefix, _)) = target.split_once('.') else {
            return false;
        };
        self.targets
            .iter()
            .any(|known| match known.strip_suffix('*') {
                Some(start) => prefix.starts_with(start),
                None => prefix == *known,
            })
    }
}
