//! The responses to operations: any valid GraphQL on the schema.

mod appsync_support;

use serde_json::{Value, json};

use appsync_support::{Stack, echo, message, project, request_from, user};

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
    let query = json!({"query": "{ type: __type(name: \"StreamWaiting\") { name kind fields { name } } getStream(sessionId: \"o\") { text } __schema { queryType { name } } }"});
    let stack = Stack::new(&project(), echo());
    let body = stack.send(&query, &user("alice")).await;
    let fields = json!([{"name": "reason"}, {"name": "since"}]);
    let expected = json!({"data": {
        "type": {"name": "StreamWaiting", "kind": "OBJECT", "fields": fields},
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
async fn what_playgrounds_ask_of_the_schema_is_answered() {
    let reference = (0..8).fold("kind name".to_owned(), |inner, _| {
        format!("kind name ofType {{ {inner} }}")
    });
    let query = format!(
        "query IntrospectionQuery {{ __schema {{ description queryType {{ name }} mutationType {{ name }} subscriptionType {{ name }}
        types {{ ...FullType }} directives {{ name description isRepeatable locations args {{ ...InputValue }} }} }} }}
        fragment FullType on __Type {{ kind name description specifiedByURL
          fields(includeDeprecated: true) {{ name description args {{ ...InputValue }} type {{ ...TypeRef }} isDeprecated deprecationReason }}
          inputFields {{ ...InputValue }} interfaces {{ ...TypeRef }}
          enumValues(includeDeprecated: true) {{ name description isDeprecated deprecationReason }} possibleTypes {{ ...TypeRef }} }}
        fragment InputValue on __InputValue {{ name description type {{ ...TypeRef }} defaultValue }}
        fragment TypeRef on __Type {{ {reference} }}"
    );
    let stack = Stack::new(&project(), echo());
    let body = stack
        .send(
            &json!({"query": query, "operationName": "IntrospectionQuery"}),
            &user("alice"),
        )
        .await;
    assert_eq!(body.get("errors"), None, "{body}");
    let schema = &body["data"]["__schema"];
    assert_eq!(schema["subscriptionType"]["name"], "Subscription");
    let names = |list: &Value| -> Vec<String> {
        list.as_array()
            .expect("a list")
            .iter()
            .filter_map(|entry| entry["name"].as_str().map(str::to_owned))
            .collect()
    };
    for name in [
        "Query",
        "TokenEvent",
        "StreamStatus",
        "TokenUsageInput",
        "AWSDateTime",
        "Int",
    ] {
        assert!(names(&schema["types"]).contains(&name.to_owned()), "{name}");
    }
    for name in [
        "aws_subscribe",
        "aws_iam",
        "aws_cognito_user_pools",
        "skip",
        "include",
    ] {
        assert!(
            names(&schema["directives"]).contains(&name.to_owned()),
            "{name}"
        );
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
async fn documents_are_kept_apart_and_the_oldest_are_forgotten() {
    let stack = Stack::new(&project(), echo());
    for n in (0..600).chain(0..600) {
        let query = format!("{{ a{n}: getStream(sessionId: \"{n}\") {{ sessionId }} }}");
        let body = stack.send(&json!({"query": query}), &user("u")).await;
        assert_eq!(
            body,
            json!({"data": {format!("a{n}"): {"sessionId": n.to_string()}}})
        );
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

/// Checks a query with a limit of 2 levels and 3 resolvers.
async fn check_limits(query: &str, expected: Option<&str>) {
    let mut config = project();
    config.limits.query_depth = std::num::NonZeroU32::new(2);
    config.limits.resolver_count = std::num::NonZeroU32::new(3);
    let stack = Stack::new(&config, echo());
    let body = stack.send(&json!({"query": query}), &user("alice")).await;
    assert_eq!(body["errors"][0]["errorType"].as_str(), expected, "{query}");
    assert_eq!(body["data"].is_null(), expected.is_some(), "{query}");
}

#[tokio::test]
async fn a_request_may_be_as_large_as_the_api_allows() {
    let deep = Some("QueryDepthLimitReached");
    let many = Some("ResolverCountLimitReached");
    let one = r#"getStream(sessionId: "s")"#;
    check_limits(&format!("{{ {one} {{ text }} }}"), None).await;
    check_limits(&format!("{{ {one} {{ usage {{ inputTokens }} }} }}"), deep).await;
    let fragments = "fragment A on Stream { ...B } fragment B on Stream { usage { totalTokens } }";
    check_limits(&format!("{{ {one} {{ ...A }} }} {fragments}"), deep).await;
    let times = |count: usize| -> String {
        (0..count)
            .map(|n| format!("a{n}: {one} {{ text }} "))
            .collect()
    };
    check_limits(&format!("{{ {} }}", times(3)), None).await;
    check_limits(&format!("{{ {} }}", times(4)), many).await;
    // Each of 20 fragments doubles the number.
    let doubling: String = (0..20)
        .map(|n| {
            format!(
                "fragment F{n} on Query {{ ...F{next} ... {{ ...F{next} }} }} ",
                next = n + 1
            )
        })
        .collect();
    let last = format!("fragment F20 on Query {{ {one} {{ text }} }}");
    check_limits(&format!("{{ ...F0 }} {doubling} {last}"), many).await;
}
