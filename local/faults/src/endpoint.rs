//! A service as the gateway sees it: which requests are its own, what they are called, and how they fail on purpose.

use axum::body::Body;
use axum::response::Response;
use http::Request;

use crate::fault::Fault;
use crate::plan::FaultService;

/// What a service tells the gateway about itself, so that the gateway needs to know none.
#[derive(Clone, Copy, Debug)]
pub struct ServiceEndpoint {
    /// As logs call it: `sqs`.
    pub name: &'static str,
    pub claims: Claims,
    /// Whether web pages of another origin than this machine's may send such a request, once they are let in.
    pub takes_browsers: fn(&Request<Body>) -> bool,
    /// What a request is to a fault plan and to usage counts; `None`: it is no operation to either.
    pub counted_as: fn(&Request<Body>) -> Option<FaultService>,
    /// What a request's operations are called in a plan; several where GraphQL asks for several root fields.
    pub operations: fn(FaultService, &Named<'_>) -> Vec<String>,
    /// Whether the names of the operations are in the body.
    pub names_are_in_body: fn(FaultService) -> bool,
    /// The answer that a fault makes in the service's own shape; `None` where the fault is no answer. The names are those
    /// of the operations.
    pub answer: fn(FaultService, &Fault, &[&str]) -> Option<Response>,
    /// AWS meters each so many bytes of a request as one.
    pub unit_bytes: u64,
}

/// Which requests are a service's own. AWS gives each service a host; here a request itself has to tell.
///
/// The gateway looks at `address` of all services first. A request with an `X-Amz-Target` then belongs to a service with
/// such a target or to none; any other to the first service that knows it by `path`, then by `hint`, then by the scope of
/// its signature.
#[derive(Clone, Copy, Debug)]
pub struct Claims {
    /// By host or path, whatever the headers say: the caller of a function URL may send any.
    pub address: fn(&Request<Body>) -> bool,
    /// What stands before the dot of an `X-Amz-Target`: `AmazonSQS`, or with a star for any version `DynamoDB_*`.
    pub targets: &'static [&'static str],
    pub path: fn(&str) -> bool,
    /// By anything else that a request says.
    pub hint: fn(&Request<Body>) -> bool,
    /// As it is signed for: `sqs`.
    pub scope: Option<&'static str>,
}

/// What a request says about its operation.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// What stands behind the dot of its `X-Amz-Target`, or else method and path.
    pub target: &'a str,
    pub path: &'a str,
    /// Empty where nobody needed to read it.
    pub body: &'a [u8],
}

impl Claims {
    /// Claims nothing.
    pub const NONE: Self = Self {
        address: |_| false,
        targets: &[],
        path: |_| false,
        hint: |_| false,
        scope: None,
    };

    /// Whether an `X-Amz-Target` is the service's.
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
