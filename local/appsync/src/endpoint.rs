//! AppSync's description for the gateway.

use apollo_compiler::ast::{Definition, Document, OperationDefinition, Selection};
use axum::body::Body;
use axum::response::Response;
use http::header::UPGRADE;
use http::{Request, StatusCode};
use local_faults::error_response::{self, PlannedError};
use local_faults::{Claims, Fault, FaultService, RequestInfo, ServiceEndpoint};
use serde::Deserialize;
use serde_json::json;

const CONTENT_TYPE: &str = "application/json;charset=UTF-8";

pub const ENDPOINT: ServiceEndpoint = ServiceEndpoint {
    name: "appsync",
    claims: Claims {
        path: |path| path.split('/').nth(1) == Some("graphql"),
        scope: Some("appsync"),
        ..Claims::NONE
    },
    takes_browsers: |_| true,
    counted_as,
    operations,
    names_are_in_body: |service| service == FaultService::AppSync,
    error_response: fault_response,
    unit_bytes: u64::MAX,
};

#[expect(
    clippy::unnecessary_wraps,
    reason = "other services have requests that don't count"
)]
fn counted_as(request: &Request<Body>) -> Option<FaultService> {
    Some(if request.headers().contains_key(UPGRADE) {
        FaultService::Realtime
    } else {
        FaultService::AppSync
    })
}

fn operations(service: FaultService, request: &RequestInfo<'_>) -> Vec<String> {
    if service == FaultService::Realtime {
        return vec!["connect".to_owned()];
    }
    root_fields(request.body)
}

fn fault_response(_: FaultService, fault: &Fault, fields: &[&str]) -> Option<Response> {
    if let Fault::GraphqlError {
        error_type,
        message,
    } = fault
    {
        let message = message.as_deref();
        let message = message.unwrap_or_else(|| error_response::usual_message(error_type));
        return Some(graphql_error(fields.first().copied(), error_type, message));
    }
    let error = PlannedError::of(fault)?;
    let PlannedError {
        error_type,
        message,
        ..
    } = error;
    let status = error
        .status
        .unwrap_or_else(|| error_response::rest_status(error_type));
    let body = json!({ "errors": [{ "errorType": error_type, "message": message }] });
    let mut response = error_response::json(status, CONTENT_TYPE, &body);
    error_response::set_header(&mut response, "x-amzn-errortype", error_type);
    error_response::open_to_browsers(&mut response);
    Some(response)
}

/// AppSync's response when a field failed that can't be null.
fn graphql_error(field: Option<&str>, error_type: &str, message: &str) -> Response {
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
    let mut response = error_response::json(StatusCode::OK, CONTENT_TYPE, &body);
    error_response::open_to_browsers(&mut response);
    response
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GraphqlRequest {
    query: String,
    operation_name: Option<String>,
}

/// The root fields of a GraphQL request. None if it can't be parsed; the API reports that better.
fn root_fields(body: &[u8]) -> Vec<String> {
    if body.is_empty() {
        return Vec::new();
    }
    let Ok(body) = serde_json::from_slice::<GraphqlRequest>(body) else {
        return Vec::new();
    };
    let document = match Document::parse(body.query, "request.graphql") {
        Ok(document) => document,
        Err(invalid) => invalid.partial,
    };
    let is_asked_for = |operation: &OperationDefinition| {
        body.operation_name.is_none() || operation.name.as_deref() == body.operation_name.as_deref()
    };
    let mut fields = Vec::new();
    for definition in &document.definitions {
        if let Definition::OperationDefinition(operation) = definition
            && is_asked_for(operation)
        {
            collect(
                &document,
                &operation.selection_set,
                &mut Vec::new(),
                &mut fields,
            );
        }
    }
    fields
}

fn collect(
    document: &Document,
    selections: &[Selection],
    fragments: &mut Vec<String>,
    fields: &mut Vec<String>,
) {
    for selection in selections {
        match selection {
            Selection::Field(field) => fields.push(field.name.to_string()),
            Selection::InlineFragment(fragment) => {
                collect(document, &fragment.selection_set, fragments, fields);
            }
            Selection::FragmentSpread(spread) => {
                let name = spread.fragment_name.as_str();
                // The API refuses cycles.
                if fragments.iter().any(|seen| seen == name) {
                    continue;
                }
                fragments.push(name.to_owned());
                for definition in &document.definitions {
                    if let Definition::FragmentDefinition(fragment) = definition
                        && fragment.name == name
                    {
                        collect(document, &fragment.selection_set, fragments, fields);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str, operation_name: Option<&str>, expected: &[&str]) {
        let body = json!({ "query": query, "operationName": operation_name }).to_string();
        assert_eq!(root_fields(body.as_bytes()), expected, "{query}");
    }

    #[test]
    fn root_fields_of_graphql() {
        check(
            "{ getStream(sessionId: \"a\") { text } }",
            None,
            &["getStream"],
        );
        check(
            "mutation { a: startStream { x } stopStream { x } }",
            None,
            &["startStream", "stopStream"],
        );
        check("query A { a } query B { b }", Some("B"), &["b"]);
        check(
            "query { ...F ... on Query { b } } fragment F on Query { a ...F }",
            None,
            &["a", "b"],
        );
        check("query {", None, &[]);
        assert!(root_fields(b"nonsense").is_empty());
    }
}
