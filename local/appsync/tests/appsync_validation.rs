//! Documents and variables that the schema doesn't allow, with AppSync's messages.

mod appsync_support;

use serde_json::{Value, json};

use appsync_support::{Stack, echo, message, project, user};

/// Checks that one of the errors has this text and location, that there is no data, and that no resolver ran.
async fn check(query: &str, text: &str, line: u32, column: u32) {
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

#[tokio::test]
async fn fields_must_be_those_of_the_schema() {
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
            "{ getStream(sessionId: \"s\") { a: text a: sessionId } }",
            "FieldsConflict: cannot select different fields into the same alias 'a' @ 'getStream/sessionId'",
            1,
            39,
        ),
    ] {
        check(query, text, line, column).await;
    }
}

#[tokio::test]
async fn an_unknown_field_leaves_no_empty_selection() {
    let stack = Stack::new(&project(), echo());
    let query = json!({"query": "{ getStream(sessionId: \"s\") { nope } }"});
    let body = stack.send(&query, &user("alice")).await;
    let errors = body["errors"].as_array().expect("errors");
    assert_eq!(errors.len(), 1, "{body}");
    assert_eq!(
        errors[0]["message"],
        "Validation error of type FieldUndefined: Field 'nope' in type 'Stream' is undefined @ 'getStream/nope'"
    );
}

#[tokio::test]
async fn values_must_fit_the_schema() {
    for (query, text, line, column) in [
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
    ] {
        check(query, text, line, column).await;
    }
}

#[tokio::test]
async fn fragments_types_and_directives_must_exist() {
    for (query, text, line, column) in [
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
            "{ __typename @nope }",
            "UnknownDirective: Unknown directive nope @ '__typename'",
            1,
            14,
        ),
    ] {
        check(query, text, line, column).await;
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
        let is_placed = !expected.starts_with("The variables input");
        assert_eq!(
            body["errors"][0]["locations"][0]["line"].is_u64(),
            is_placed,
            "{body}"
        );
        assert!(stack.events().is_empty(), "{variables}");
    }
}
