//! What resolvers return: failures, and results that don't fit the schema.

mod appsync_support;

use std::sync::Arc;

use local_appsync::config::ResolverConfig;
use local_kit::invoke::InvokeError;
use serde_json::{Value, json};

use appsync_support::{FakeFunction, Stack, at_once, message, project, user};

#[tokio::test]
async fn a_failure_tells_the_functions_name_and_message() {
    let failing = || {
        at_once(|event| {
            let session = event["arguments"]["sessionId"].as_str().unwrap_or_default();
            Err(match session {
                "throttled" => InvokeError::Throttled("request".into()),
                "missing" => InvokeError::NotFound("request".into()),
                _ => InvokeError::Function {
                    error_type: "UNAUTHORIZED".into(),
                    message: "not yours".into(),
                },
            })
        })
    };
    for (session, error_type, text) in [
        ("other", "UNAUTHORIZED", "not yours"),
        (
            "throttled",
            "Lambda:TooManyRequestsException",
            "Rate Exceeded.",
        ),
        (
            "missing",
            "Lambda:ResourceNotFoundException",
            "Function not found: request",
        ),
    ] {
        let stack = Stack::new(&project(), failing());
        let query =
            format!("{{\n  x: getStream(sessionId: \"{session}\") {{ text }} __typename }}");
        let body = stack.send(&json!({"query": query}), &user("alice")).await;
        let expected = json!({"data": {"x": null, "__typename": "Query"}, "errors": [{
            "path": ["x"], "data": null, "errorType": error_type, "errorInfo": null,
            "locations": [{"line": 2, "column": 3, "sourceName": null}], "message": text,
        }]});
        assert_eq!(body, expected);
        // The field can't be null, so no data is left.
        let query = format!("mutation {{ stopStream(sessionId: \"{session}\") {{ status }} }}");
        let body = stack.send(&json!({"query": query}), &user("alice")).await;
        assert_eq!((&body["data"], message(&body)), (&Value::Null, text));
    }
}

#[tokio::test]
async fn a_result_that_does_not_fit_the_schema_is_an_error_at_its_place() {
    let stream = |field: &str, value: Value| {
        let mut stream = json!({
            "sessionId": "s", "status": "QUEUED", "text": "", "sequence": 0, "attempt": 1, "createdAt": "c",
            "updatedAt": "u", "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 1},
        });
        stream[field] = value;
        stream
    };
    let nothing = Value::Null;
    let bad_int =
        "Can't serialize value (/getStream/sequence) : Expected type 'Int' but was 'String'.";
    let null_text = "Cannot return null for non-nullable type: 'String' within parent 'Stream' (/getStream/text)";
    let partly = json!({"getStream": {"stopReason": null, "usage": null, "text": "", "sequence": 0, "status": "QUEUED"}});
    for (result, data, text) in [
        (Value::Null, json!({"getStream": null}), ""),
        (
            stream("sequence", json!("many")),
            json!({"getStream": null}),
            bad_int,
        ),
        (
            stream("text", Value::Null),
            json!({"getStream": null}),
            null_text,
        ),
        (
            stream("text", json!({"a": 1})),
            json!({"getStream": null}),
            "Can't serialize value (/getStream/text) : Expected type 'String' but was 'LinkedHashMap'.",
        ),
        (
            stream("status", json!("NEW")),
            json!({"getStream": null}),
            "Can't serialize value (/getStream/status) : Invalid input for Enum 'StreamStatus'. No value found for name 'NEW'",
        ),
        (
            stream("usage", json!({"inputTokens": 1})),
            partly.clone(),
            "Cannot return null for non-nullable type: 'Int' within parent 'TokenUsage' (/getStream/usage/outputTokens)",
        ),
        (
            stream("usage", json!("x")),
            partly.clone(),
            "Can't resolve value (/getStream/usage) : type mismatch error, expected type OBJECT",
        ),
        (
            stream("stopReason", json!([1])),
            partly,
            "Can't serialize value (/getStream/stopReason) : Expected type 'String' but was 'ArrayList'.",
        ),
        (
            json!("text"),
            json!({"getStream": null}),
            "Can't resolve value (/getStream) : type mismatch error, expected type OBJECT",
        ),
        (
            json!([]),
            json!({"getStream": null}),
            "Can't resolve value (/getStream) : type mismatch error, expected type OBJECT",
        ),
    ] {
        let answer = result.clone();
        let stack = Stack::new(&project(), at_once(move |_| Ok(answer.clone())));
        let query = "{ getStream(sessionId: \"s\") { stopReason usage { inputTokens outputTokens } text sequence status } }";
        let body = stack.send(&json!({"query": query}), &user("alice")).await;
        assert_eq!(message(&body), text, "{result}");
        let mut expected = data;
        if result["stopReason"].is_array() {
            expected["getStream"]["usage"] = json!({"inputTokens": 1, "outputTokens": 1});
        }
        assert_eq!(body["data"], expected, "{result}");
        assert_eq!(body["errors"][0]["locations"], nothing, "{result}");
    }
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_an_error() {
    for (answer, expected) in [
        ("", None),
        ("null", None),
        ("{", Some("not valid JSON")),
        ("\u{1}", Some("not valid JSON")),
    ] {
        let answered: Arc<FakeFunction> = Arc::new(move |_| {
            Box::pin(std::future::ready(Ok(bytes::Bytes::from_static(
                answer.as_bytes(),
            ))))
        });
        let stack = Stack::new(&project(), answered);
        let body = stack
            .send(
                &json!({"query": "{ getStream(sessionId: \"s\") { text } }"}),
                &user("u"),
            )
            .await;
        assert_eq!(body["data"], json!({"getStream": null}), "{answer}");
        assert!(
            expected.map_or(body.get("errors").is_none(), |text| message(&body)
                .contains(text)),
            "{answer}: {body}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn nested_types_lists_and_abstract_types_are_completed() {
    let schema =
        "interface Node { id: ID! } type A implements Node { id: ID! a: A list: [[Int!]!] }
        type B implements Node { id: ID! b: String } union AB = A | B
        type Query { a: A nodes: [Node] either: AB! numbers: [Int!]! }";
    let mut config = project();
    config.schema.replace_range(.., schema);
    let lambda = config.resolvers.swap_remove(0);
    config.resolvers = ["a", "nodes", "either", "numbers"]
        .map(|field| ResolverConfig {
            field_name: field.to_owned(),
            ..lambda.clone()
        })
        .to_vec();
    let deep = (0..100).fold(json!({"id": 1}), |inner, _| json!({"id": 2, "a": inner}));
    let answer = move |event: &Value| {
        Ok(match event["info"]["fieldName"].as_str() {
            Some("a") => deep.clone(),
            Some("nodes") => {
                json!([{"__typename": "A", "id": 1, "list": [[1], []]}, null, {"__typename": "B", "id": 2, "b": "b"}, {"id": 3}])
            }
            Some("either") => json!({"__typename": "B", "b": "x"}),
            _ => json!([1, "x", 3]),
        })
    };
    let nested = "{ a { ".to_owned() + &"a { ".repeat(100) + "id" + &" }".repeat(102);
    for (query, data, errors) in [
        (nested.as_str(), None, &[][..]),
        (
            "{ nodes { __typename id ... on A { list } ...B } } fragment B on B { b }",
            Some(
                json!({"nodes": [{"__typename": "A", "id": "1", "list": [[1], []]}, null, {"__typename": "B", "id": "2", "b": "b"}, null]}),
            ),
            &["Abstract type 'Node' must resolve to an Object type at runtime"],
        ),
        (
            "{ either { ... on A { id } ... on B { b } } }",
            Some(json!({"either": {"b": "x"}})),
            &[],
        ),
        (
            "{ numbers }",
            Some(Value::Null),
            &["Can't serialize value (/numbers[1]) : Expected type 'Int' but was 'String'."],
        ),
    ] {
        let stack = Stack::new(&config, at_once(answer.clone()));
        let body = stack.send(&json!({"query": query}), &user("u")).await;
        let messages: Vec<_> = body["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|error| error["message"].as_str())
            .collect();
        assert_eq!(
            messages,
            errors.iter().map(|text| Some(*text)).collect::<Vec<_>>(),
            "{query}"
        );
        if let Some(data) = data {
            assert_eq!(body["data"], data, "{query}");
        }
    }
}
