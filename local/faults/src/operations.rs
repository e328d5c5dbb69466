//! What a request's operation is called in a plan.

use apollo_compiler::ast::{Definition, Document, OperationDefinition, Selection};
use serde::Deserialize;

use super::plan::FaultService;

/// Of AppSync's WebSockets.
pub(super) const REALTIME: [&str; 3] = ["connect", "start", "data"];
/// Of API Gateway's.
pub(super) const WEBSOCKET: [&str; 2] = ["connect", "data"];
pub(super) const FUNCTION_URL: [&str; 1] = ["Invoke"];
pub(super) const EXECUTE_API: [&str; 3] = ["PostToConnection", "GetConnection", "DeleteConnection"];
pub(super) const BEDROCK: [&str; 4] = [
    "ConverseStream",
    "Converse",
    "InvokeModelWithResponseStream",
    "InvokeModel",
];

/// `named`: what `X-Amz-Target` says, or else method and path.
pub(crate) fn operations(
    service: FaultService,
    named: &str,
    path: &str,
    body: &[u8],
) -> Vec<String> {
    match service {
        FaultService::AppSync => root_fields(body),
        FaultService::Realtime | FaultService::WebSocket => vec!["connect".to_owned()],
        FaultService::FunctionUrl => vec!["Invoke".to_owned()],
        FaultService::ExecuteApi => {
            let operation = match named.split(' ').next() {
                Some("GET") => "GetConnection",
                Some("DELETE") => "DeleteConnection",
                _ => "PostToConnection",
            };
            vec![operation.to_owned()]
        }
        FaultService::Bedrock => bedrock(path).into_iter().map(str::to_owned).collect(),
        // `jwks.json` and the like have no target.
        FaultService::Cognito if named.contains(' ') => path
            .rsplit('/')
            .next()
            .map(str::to_owned)
            .into_iter()
            .collect(),
        _ => vec![named.to_owned()],
    }
}

/// Of `/model/{modelId}/{operation}`.
fn bedrock(path: &str) -> Option<&'static str> {
    match path.rsplit('/').next()? {
        "converse-stream" => Some("ConverseStream"),
        "converse" => Some("Converse"),
        "invoke-with-response-stream" => Some("InvokeModelWithResponseStream"),
        "invoke" => Some("InvokeModel"),
        _ => None,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    query: String,
    operation_name: Option<String>,
}

/// The root fields that a GraphQL request asks for; none if it can't be read, which the API says better.
fn root_fields(body: &[u8]) -> Vec<String> {
    if body.is_empty() {
        return Vec::new();
    }
    let Ok(body) = serde_json::from_slice::<Body>(body) else {
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
                // A cycle is for the API to refuse.
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
    use serde_json::json;

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

    #[test]
    fn bedrocks_operations_are_in_its_paths() {
        let of = |path| operations(FaultService::Bedrock, "", path, b"");
        assert_eq!(of("/model/a%2Fb/converse-stream"), ["ConverseStream"]);
        assert_eq!(of("/model/m/invoke"), ["InvokeModel"]);
        assert!(of("/model/m/other").is_empty());
    }
}
