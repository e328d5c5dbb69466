//! What the gateway has to know of Lambda.

use local_faults::{Claims, ServiceEndpoint};

/// The Invoke API. Faults and counts of invocations are where they run, so that every way to invoke a function counts.
pub const ENDPOINT: ServiceEndpoint = ServiceEndpoint {
    name: "lambda",
    claims: Claims {
        path: is_lambda,
        scope: Some("lambda"),
        ..Claims::NONE
    },
    takes_browsers: |_| false,
    counted_as: |_| None,
    operations: |_, named| vec![named.target.to_owned()],
    names_are_in_body: |_| false,
    answer: |_, _, _| None,
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
