//! What operations are answered: any valid GraphQL on the schema, and AppSync's words for what is not.

mod appsync_support;

use std::sync::Arc;

use appsync_support::{Answer, Stack, at_once, message, project, request_from, user};
use serde_json::{Value, json};
use tokencast_local::lambda::invoke::InvokeError;

/// Answers with the arguments put into the types of the schema.
fn echo() -> Arc<Answer> {
    at_once(|event| {
        let arguments = &event["arguments"];
        Ok(match event["info"]["fieldName"].as_str() {
            Some("getStream") => json!({
                "sessionId": arguments["sessionId"], "status": "STREAMING", "text": "abc", "sequence": 3, "attempt": 1,
                "usage": {"inputTokens": 1, "outputTokens": "2", "totalTokens": 3.0},
                "createdAt": "c", "updatedAt": "u", "unknown": true,
            }),
            _ => json!({
                "sessionId": arguments["sessionId"], "status": arguments["prompt"], "timestamp": "t", "message": 5,
            }),
        })
    })
}

async fn check(request: Value, expected: Value) {
    let stack = Stack::new(&project(), echo());
    let body = stack.send(&request, &user("alice")).await;
    assert_eq!(body, expected, "{request}");
}

#[tokio::test]
async fn operations_are_executed() {
    let two = r#"query A { getStream(sessionId: "a") { text } } query B { getStream(sessionId: "b") { sessionId } }"#;
    for (request, data) in [
        (
            json!({"query": r#"{ getStream(sessionId: "s") { sessionId text } }"#}),
            json!({"getStream": {"sessionId": "s", "text": "abc"}}),
        ),
        (
            json!({"query": "query($id: String!) { getStream(sessionId: $id) { sessionId } }", "variables": {"id": "v"}}),
            json!({"getStream": {"sessionId": "v"}}),
        ),
        (
            json!({"query": r#"query($id: String = "d") { getStream(sessionId: $id) { sessionId } }"#}),
            json!({"getStream": {"sessionId": "d"}}),
        ),
        (
            json!({"query": two, "operationName": "B"}),
            json!({"getStream": {"sessionId": "b"}}),
        ),
        (
            json!({"query": r#"{ a: getStream(sessionId: "1") { id: sessionId, __typename } b: getStream(sessionId: "2") { id: sessionId } __typename }"#}),
            json!({"a": {"id": "1", "__typename": "Stream"}, "b": {"id": "2"}, "__typename": "Query"}),
        ),
        (
            json!({"query": r#"query { getStream(sessionId: "f") { ...A ... on Stream { usage { ...U } } ... { attempt } } } fragment A on Stream { ...B sequence } fragment B on Stream { status } fragment U on TokenUsage { inputTokens outputTokens totalTokens }"#}),
            json!({"getStream": {"status": "STREAMING", "sequence": 3, "usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}, "attempt": 1}}),
        ),
        (
            json!({"query": r#"query($yes: Boolean!, $no: Boolean!) { getStream(sessionId: "i") { text @skip(if: $yes) sequence @include(if: $no) attempt @include(if: $yes) ... @skip(if: true) { status } } }"#, "variables": {"yes": true, "no": false}}),
            json!({"getStream": {"attempt": 1}}),
        ),
        (
            json!({"query": r#"{ getStream(sessionId: "m") { usage { inputTokens } ...F } } fragment F on Stream { usage { totalTokens } }"#}),
            json!({"getStream": {"usage": {"inputTokens": 1, "totalTokens": 3}}}),
        ),
        (
            json!({"query": r#"mutation { startStream(prompt: "p", sessionId: "s") { sessionId status message timestamp error } __typename }"#}),
            json!({"startStream": {"sessionId": "s", "status": "p", "message": "5", "timestamp": "t", "error": null}, "__typename": "Mutation"}),
        ),
        // Without a resolver, a field is null.
        (
            json!({"query": r#"{ getStreamStatus(sessionId: "n") { status } }"#}),
            json!({"getStreamStatus": null}),
        ),
        (
            json!({"query": "{ __typename }", "variables": {"undeclared": 1}}),
            json!({"__typename": "Query"}),
        ),
    ] {
        check(request, json!({"data": data})).await;
    }
}

#[tokio::test]
async fn introspection_answers_and_can_be_turned_off() {
    let query = json!({"query": "{ type: __type(name: \"TokenUsage\") { name kind fields { name } } getStream(sessionId: \"o\") { text } __schema { queryType { name } } }"});
    let stack = Stack::new(&project(), echo());
    let body = stack.send(&query, &user("alice")).await;
    let fields =
        json!([{"name": "inputTokens"}, {"name": "outputTokens"}, {"name": "totalTokens"}]);
    let expected = json!({"data": {
        "type": {"name": "TokenUsage", "kind": "OBJECT", "fields": fields},
        "getStream": {"text": "abc"},
        "__schema": {"queryType": {"name": "Query"}},
    }});
    assert_eq!(body, expected);
    let keys: Vec<_> = body["data"]
        .as_object()
        .expect("an object")
        .keys()
        .collect();
    assert_eq!(keys, ["type", "getStream", "__schema"]);

    let mut closed = project();
    closed.introspection = false;
    let stack = Stack::new(&closed, echo());
    let body = stack.send(&query, &user("alice")).await;
    assert_eq!(body["data"], Value::Null);
    assert!(
        message(&body).contains("'__type' in type 'Query' is undefined"),
        "{body}"
    );
    let body = stack
        .send(&json!({"query": "{ __typename }"}), &user("alice"))
        .await;
    assert_eq!(body, json!({"data": {"__typename": "Query"}}));
}

#[tokio::test]
async fn a_document_that_the_schema_refuses_says_so_in_appsyncs_words() {
    for (query, text, line, column) in [
        (
            "{ badfield }",
            "FieldUndefined: Field 'badfield' in type 'Query' is undefined @ 'badfield'",
            1,
            3,
        ),
        (
            "{\n  getStream(sessionId: \"s\") {\n    nope\n  }\n}",
            "FieldUndefined: Field 'nope' in type 'Stream' is undefined @ 'getStream/nope'",
            3,
            5,
        ),
        (
            "{ getStream { text } }",
            "MissingFieldArgument: Missing field argument sessionId @ 'getStream'",
            1,
            3,
        ),
        (
            "{ getStream(sessionId: \"s\", x: 1) { text } }",
            "UnknownArgument: Unknown field argument x @ 'getStream'",
            1,
            29,
        ),
        (
            "{ getStream(sessionId: \"s\") }",
            "SubSelectionRequired: Sub selection required for type Stream of field getStream @ 'getStream'",
            1,
            3,
        ),
        (
            "{ getStream(sessionId: \"s\") { text { a } } }",
            "SubSelectionNotAllowed: Sub selection not allowed on leaf type String of field text @ 'getStream/text'",
            1,
            31,
        ),
        (
            "{ getStream(sessionId: $x) { text } }",
            "UndefinedVariable: Undefined variable x @ 'getStream'",
            1,
            24,
        ),
        (
            "query($x: Int) { getStream(sessionId: \"s\") { text } }",
            "UnusedVariable: Unused variable x",
            1,
            7,
        ),
        (
            "query($x: Int!) { getStream(sessionId: $x) { text } }",
            "VariableTypeMismatch: Variable type 'Int!' doesn't match expected type 'String!' @ 'getStream'",
            1,
            29,
        ),
        (
            "query($x: Nope) { getStream(sessionId: $x) { text } }",
            "UnknownType: Unknown type Nope",
            1,
            7,
        ),
        (
            "{ getStream(sessionId: \"s\") { ...F } }",
            "UndefinedFragment: Undefined fragment F @ 'getStream'",
            1,
            31,
        ),
        (
            "{ __typename } fragment F on Stream { text }",
            "UnusedFragment: Unused fragment F",
            1,
            16,
        ),
        (
            "{ getStream(sessionId: 5) { text } }",
            "WrongType: argument 'sessionId' with value 'IntValue{value=5}' is not a valid 'String' @ 'getStream'",
            1,
            24,
        ),
        (
            "{ getStream(sessionId: null) { text } }",
            "WrongType: argument 'sessionId' with value 'NullValue{}' must not be null @ 'getStream'",
            1,
            24,
        ),
        (
            "mutation { publishToken(sessionId: \"s\", token: \"t\", isComplete: true, usage: {inputTokens: 1, outputTokens: 2}) { token } }",
            "WrongType: argument 'usage' with value 'ObjectValue{objectFields=[ObjectField{name='inputTokens', value=IntValue{value=1}}, ObjectField{name='outputTokens', value=IntValue{value=2}}]}' is missing required fields '[totalTokens]' @ 'publishToken'",
            1,
            78,
        ),
        (
            "mutation { publishToken(sessionId: \"s\", token: \"t\", isComplete: true, status: DONE) { token } }",
            "WrongType: argument 'status' with value 'EnumValue{name='DONE'}' is not a valid 'StreamStatus' @ 'publishToken'",
            1,
            79,
        ),
        (
            "{ __typename @nope }",
            "UnknownDirective: Unknown directive nope @ '__typename'",
            1,
            14,
        ),
        (
            "{ getStream(sessionId: \"s\") { a: text a: sessionId } }",
            "FieldsConflict: cannot select different fields into the same alias 'a' @ 'getStream/sessionId'",
            1,
            39,
        ),
    ] {
        let stack = Stack::new(&project(), echo());
        let body = stack.send(&json!({"query": query}), &user("alice")).await;
        let errors = body["errors"].as_array().expect("errors");
        let expected = json!({
            "path": null, "locations": [{"line": line, "column": column, "sourceName": null}],
            "message": format!("Validation error of type {text}"),
        });
        assert!(errors.contains(&expected), "{query}\n{expected}\n{body}");
        assert_eq!(body["data"], Value::Null, "{query}");
        assert!(stack.events().is_empty(), "{query}");
    }
}

#[tokio::test]
async fn variables_are_checked_before_anything_runs() {
    let publish = "mutation($u: TokenUsageInput, $s: StreamStatus, $n: Int) { publishToken(sessionId: \"s\", token: \"t\", isComplete: false, usage: $u, status: $s, sequence: $n) { token } }";
    for (query, variables, expected) in [
        (
            "query($id: String!) { getStream(sessionId: $id) { text } }",
            json!({}),
            "Variable 'id' has coerced Null value for NonNull type 'String!'",
        ),
        (
            "query($id: String!) { getStream(sessionId: $id) { text } }",
            json!({"id": null}),
            "Variable 'id' has coerced Null value for NonNull type 'String!'",
        ),
        (
            "query($id: String!) { getStream(sessionId: $id) { text } }",
            json!({"id": 7}),
            "Variable 'id' has an invalid value. Expected type 'String' but was 'Integer'.",
        ),
        (
            publish,
            json!({"u": {"inputTokens": 1}}),
            "Variable 'u' has coerced Null value for NonNull type 'Int!'",
        ),
        (
            publish,
            json!({"u": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2, "x": 1}}),
            "The variables input contains a field that is not defined for input object type 'TokenUsageInput' ",
        ),
        (
            publish,
            json!({"u": 5}),
            "Variable 'u' has an invalid value. Expected type 'TokenUsageInput' but was 'Integer'.",
        ),
        (
            publish,
            json!({"s": "NOPE"}),
            "Variable 's' has an invalid value. Invalid input for Enum 'StreamStatus'. No value found for name 'NOPE'",
        ),
        (
            publish,
            json!({"n": 2_147_483_648_i64}),
            "Variable 'n' has an invalid value. Expected type 'Int' but was 'Integer'.",
        ),
        (
            publish,
            json!({"n": 1.5}),
            "Variable 'n' has an invalid value. Expected type 'Int' but was 'Double'.",
        ),
    ] {
        let stack = Stack::new(&project(), echo());
        let body = stack
            .send(
                &json!({"query": query, "variables": variables}),
                &user("alice"),
            )
            .await;
        assert_eq!(
            (message(&body), &body["data"]),
            (expected, &Value::Null),
            "{variables}"
        );
        assert!(stack.events().is_empty(), "{variables}");
    }
}

#[tokio::test]
async fn what_is_no_operation_to_run_is_refused_with_400() {
    let many: String = "{".to_owned() + &"__typename ".repeat(15_000) + "}";
    let two = "query A { __typename } query B { __typename }";
    for (request, error_type, text) in [
        (
            json!({"query": "meow"}),
            "MalformedHttpRequestException",
            "Unable to parse GraphQL query.",
        ),
        (
            json!({"query": ""}),
            "MalformedHttpRequestException",
            "Unable to parse GraphQL query.",
        ),
        (
            json!({"query": "{ a"}),
            "MalformedHttpRequestException",
            "Unable to parse GraphQL query.",
        ),
        (
            json!({"query": "fragment F on Stream { text }"}),
            "",
            "UnusedFragment",
        ),
        (
            json!({"query": many}),
            "BadRequestException",
            "15000 tokens",
        ),
        (
            json!({"query": two}),
            "BadRequestException",
            "Must provide operation name",
        ),
        (
            json!({"query": two, "operationName": "C"}),
            "BadRequestException",
            "Unknown operation named 'C'.",
        ),
        (
            json!({"query": "{ __typename }", "operationName": "C"}),
            "BadRequestException",
            "Unknown operation named 'C'.",
        ),
        (
            json!({"query": "subscription { onTokenReceived(sessionId: \"s\") { token } }"}),
            "BadRequestException",
            "not supported",
        ),
    ] {
        let stack = Stack::new(&project(), echo());
        let response = stack
            .api
            .execute(request_from(&request), &user("alice"))
            .await;
        let shown = request.to_string().chars().take(80).collect::<String>();
        assert_eq!(
            response.body["errors"][0]["errorType"]
                .as_str()
                .unwrap_or_default(),
            error_type,
            "{shown}"
        );
        assert!(
            message(&response.body).contains(text),
            "{shown}: {}",
            response.body
        );
        assert_eq!(
            response.status,
            if error_type.is_empty() { 200 } else { 400 },
            "{shown}"
        );
    }
}

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
        // The field can't be null, so nothing is left of the data.
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
async fn no_query_and_no_variables_make_it_panic() {
    let stack = Stack::new(&project(), echo());
    let words = [
        "query",
        "mutation",
        "subscription",
        "fragment",
        "on",
        "{",
        "}",
        "(",
        ")",
        ":",
        "$",
        "!",
        "...",
        "@skip",
        "[",
        "]",
        "getStream",
        "sessionId",
        "startStream",
        "prompt",
        "text",
        "usage",
        "Stream",
        "F",
        "\"",
        "\"s\"",
        "1",
        "-",
        "1e9999",
        "true",
        "null",
        "__type",
        "__typename",
        "__schema",
        "String",
        "=",
        "\u{0}",
        "é",
        "\n",
        "#",
        "\"\"\"",
    ];
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..3_000 {
        let length = random.usize(1..25);
        let query = (0..length)
            .map(|_| words[random.usize(..words.len())])
            .collect::<Vec<_>>()
            .join(" ");
        let request = json!({"query": query, "variables": {"F": random.i32(..), "x": [null]}});
        let response = stack
            .api
            .execute(request_from(&request), &user("alice"))
            .await;
        assert!(matches!(response.status, 200 | 400), "{query}");
        let refused = stack
            .api
            .subscribe(request_from(&request), &user("alice"))
            .await;
        assert!(refused.is_err(), "{query}");
    }
    let deep = "{ getStream(sessionId: \"s\") ".repeat(400) + &"}".repeat(400);
    let response = stack
        .api
        .execute(request_from(&json!({"query": deep})), &user("alice"))
        .await;
    assert_eq!(response.status, 400);
}
