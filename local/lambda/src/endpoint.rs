//! Lambda's description for the gateway.

use local_faults::{Claims, ServiceEndpoint};

/// The Invoke API. Faults and usage counts of invocations are where functions run, so that they apply to every way to
/// invoke a function.
pub const ENDPOINT: ServiceEndpoint = ServiceEndpoint {
    name: "lambda",
    claims: Claims {
        path: is_lambda,
        scope: Some("lambda"),
        ..Claims::NONE
    },
    takes_browsers: |_| false,
    counted_as: |_| None,
    operations: |_, request| vec![request.target.to_owned()],
    names_are_in_body: |_| false,
    error_response: |_, _, _| None,
    unit_bytes: u64::MAX,
};

fn is_lambda(path: &str) -> bool {
    let mut segments = path.split('/').skip(1);
    matches!(
        (segments.next().unwrap_or_default(), segments.next()),
        ("2015-03-31", Some("functions" | "event-source-mappings"))
            | ("2018-06-01", Some("runtime"))
    )
}
