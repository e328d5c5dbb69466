//! The events that subscribers get for a mutation, and how a subscription is admitted.

mod appsync_support;

use std::sync::Arc;

use local_appsync::subscriptions::Subscription;
use local_kit::invoke::InvokeError;
use serde_json::{Value, json};

use appsync_support::{FakeFunction, Stack, at_once, project, request_from, starter, user, worker};

fn owner_check() -> Arc<FakeFunction> {
    at_once(|event| {
        if foreign(&event["arguments"]) {
            return Err(InvokeError::Function {
                error_type: "UNAUTHORIZED".into(),
                message: "not yours".into(),
            });
        }
        Ok(Value::Null)
    })
}

fn foreign(arguments: &Value) -> bool {
    let names = ["sessionId", "conversationId", "owner"];
    names.iter().any(|name| arguments[*name] == "other")
}

async fn subscribe(query: &str, variables: Value) -> Subscription {
    let stack = Stack::new(&project(), owner_check());
    let request = request_from(&json!({"query": query, "variables": variables}));
    stack
        .api
        .subscribe(request, &user("alice"))
        .await
        .expect("admitted")
}

/// Publishes, and compares the events without their time.
async fn check_published(query: &str, expected: &[Value]) {
    let stack = Stack::new(&project(), owner_check());
    let body = stack.send(&json!({"query": query}), &worker()).await;
    let told: Vec<_> = stack
        .published()
        .into_iter()
        .map(|(field, mut result)| {
            assert_eq!(field, "publishToken");
            if let Some(timestamp) = result
                .as_object_mut()
                .and_then(|result| result.remove("timestamp"))
            {
                let timestamp = timestamp.as_str().expect("a string").to_owned();
                assert!(
                    timestamp.len() == 24 && timestamp.ends_with('Z'),
                    "{timestamp}"
                );
            }
            result
        })
        .collect();
    assert_eq!(told, expected, "{query}: {body}");
}

#[tokio::test]
async fn a_mutation_tells_what_it_selected_under_the_schemas_names() {
    let publish = |selection: &str| {
        let arguments = r#"sessionId: "s", token: "t", isComplete: true, sequence: 2, usage: {inputTokens: 1, outputTokens: 2, totalTokens: 3}"#;
        format!("publishToken({arguments}) {{ {selection} }}")
    };
    for (fields, expected) in [
        (publish("sessionId token isComplete timestamp sequence attempt"),
         vec![json!({"sessionId": "s", "token": "t", "isComplete": true, "sequence": 2, "attempt": null})]),
        (publish("usage { inputTokens outputTokens }"), vec![json!({"usage": {"inputTokens": 1, "outputTokens": 2}})]),
        (publish("id: sessionId token usage { i: inputTokens outputTokens } ... on TokenEvent { again: sequence }"),
         vec![json!({"token": "t", "usage": {"outputTokens": 2}})]),
        (format!("a: {} b: {}", publish("token"), publish("sequence")), vec![json!({"token": "t"}), json!({"sequence": 2})]),
        // The mutation failed, so nobody gets an event.
        (r#"publishToken(sessionId: "s", token: "t", isComplete: true) { usage { inputTokens } } stopStream(sessionId: "s") { status }"#.to_owned(),
         vec![json!({"usage": null})]),
        (publish("nope"), vec![]),
    ] {
        check_published(&format!("mutation {{ {fields} }}"), &expected).await;
    }
    let stack = Stack::new(&project(), owner_check());
    stack
        .send(
            &json!({"query": format!("mutation {{ {} }}", publish("token"))}),
            &user("alice"),
        )
        .await;
    assert_eq!(stack.published(), [], "refused");
}

#[tokio::test]
async fn a_subscription_keeps_the_arguments_that_were_given() {
    let literal = "subscription { onTokenReceived(sessionId: \"s\") { token } }";
    let subscription = subscribe(literal, json!({})).await;
    assert_eq!(subscription.field, "onTokenReceived");
    assert_eq!(subscription.mutations, ["publishToken"]);
    assert_eq!(
        Value::Object(subscription.arguments),
        json!({"sessionId": "s"})
    );

    let mut config = project();
    config.schema =
        "type Query { a: Int } type Mutation { m: T } type T { a: Int b: Int c: String }
        type Subscription { s(a: Int, b: Int, c: String): T @aws_subscribe(mutations: [\"m\"]) }"
            .to_owned();
    config.resolvers.clear();
    for (arguments, variables, expected) in [
        ("(a: 1, b: null)", json!({}), json!({"a": 1, "b": null})),
        (
            "(a: $a, b: $b, c: $c)",
            json!({"a": 1}),
            json!({"a": 1, "c": "d"}),
        ),
        (
            "(a: $a, b: $b, c: $c)",
            json!({"a": null, "b": 2, "c": "x"}),
            json!({"a": null, "b": 2, "c": "x"}),
        ),
        ("", json!({}), json!({})),
    ] {
        let stack = Stack::new(&config, owner_check());
        let declared = if arguments.contains('$') {
            "($a: Int, $b: Int, $c: String = \"d\")"
        } else {
            ""
        };
        let query = format!("subscription S{declared} {{ s{arguments} {{ a }} }}");
        let request = request_from(&json!({"query": query, "variables": variables}));
        let subscription = stack
            .api
            .subscribe(request, &user("u"))
            .await
            .expect("admitted");
        assert_eq!(Value::Object(subscription.arguments), expected, "{query}");
    }
}

#[tokio::test]
async fn the_resolver_decides_with_the_event_of_a_subscription() {
    let stack = Stack::new(&project(), owner_check());
    let query =
        "subscription S($id: String!) { onTokenReceived(sessionId: $id) { token isComplete } }";
    let ask = |id: &str| request_from(&json!({"query": query, "variables": {"id": id}}));
    stack
        .api
        .subscribe(ask("mine"), &user("alice"))
        .await
        .expect("admitted");
    let event = stack.events().remove(0);
    assert_eq!(event["info"]["parentTypeName"], "Subscription");
    assert_eq!(event["info"]["fieldName"], "onTokenReceived");
    assert_eq!(event["arguments"], json!({"sessionId": "mine"}));
    assert_eq!(event["identity"]["sub"], "alice");

    let errors = stack
        .api
        .subscribe(ask("other"), &user("alice"))
        .await
        .expect_err("refused");
    assert_eq!(
        (errors[0].error_type(), errors[0].message.as_str()),
        (Some("UNAUTHORIZED"), "not yours")
    );
}

#[tokio::test]
async fn what_is_no_subscription_is_refused() {
    for (query, caller, error_type, text) in [
        (
            "{ __typename }",
            user("u"),
            Some("UnsupportedOperation"),
            "query not supported through the realtime channel",
        ),
        (
            "mutation { __typename }",
            user("u"),
            Some("UnsupportedOperation"),
            "not supported",
        ),
        (
            "meow",
            user("u"),
            Some("MalformedHttpRequestException"),
            "Unable to parse",
        ),
        (
            "subscription { nope }",
            user("u"),
            None,
            "FieldUndefined: Field 'nope' in type 'Subscription' is undefined @ 'nope'",
        ),
        (
            "subscription { a: onTokenReceived(sessionId: \"s\") { token } b: onTokenReceived(sessionId: \"s\") { token } }",
            user("u"),
            None,
            "exactly one root field",
        ),
        (
            "subscription { onTokenReceived { token } }",
            user("u"),
            None,
            "MissingFieldArgument",
        ),
        (
            "subscription($i: String!) { onTokenReceived(sessionId: $i) { token } }",
            user("u"),
            None,
            "coerced Null",
        ),
        (
            "subscription { onTokenReceived(sessionId: \"s\") { token } }",
            worker(),
            Some("Unauthorized"),
            "Not Authorized to access onTokenReceived on type Subscription",
        ),
    ] {
        let stack = Stack::new(&project(), owner_check());
        let refused = stack
            .api
            .subscribe(request_from(&json!({"query": query})), &caller)
            .await;
        let errors = refused.expect_err(query);
        assert_eq!(errors[0].error_type(), error_type, "{query}");
        assert!(
            errors[0].message.contains(text),
            "{query}: {}",
            errors[0].message
        );
        assert!(stack.events().is_empty(), "{query}");
    }
}

#[tokio::test]
async fn events_are_rendered_by_the_subscriptions_selection() {
    let event =
        json!({"sessionId": "s", "token": "t", "isComplete": false, "usage": {"inputTokens": 1}});
    let null = |parent: &str, ty: &str, path: &str| {
        format!(
            "Cannot return null for non-nullable type: '{ty}' within parent '{parent}' ({path})"
        )
    };
    for (selection, data, error) in [
        ("token", json!({"onTokenReceived": {"token": "t"}}), None),
        (
            "a: token b: token __typename",
            json!({"onTokenReceived": {"a": "t", "b": "t", "__typename": "TokenEvent"}}),
            None,
        ),
        (
            "attempt usage { inputTokens }",
            json!({"onTokenReceived": {"attempt": null, "usage": {"inputTokens": 1}}}),
            None,
        ),
        (
            "...F ... @skip(if: true) { attempt } } } fragment F on TokenEvent { isComplete",
            json!({"onTokenReceived": {"isComplete": false}}),
            None,
        ),
        (
            "timestamp",
            json!({"onTokenReceived": null}),
            Some(null("TokenEvent", "String", "/onTokenReceived/timestamp")),
        ),
        (
            "token usage { totalTokens }",
            json!({"onTokenReceived": {"token": "t", "usage": null}}),
            Some(null(
                "TokenUsage",
                "Int",
                "/onTokenReceived/usage/totalTokens",
            )),
        ),
    ] {
        let open = format!("subscription {{ onTokenReceived(sessionId: \"s\") {{ {selection} }}");
        let query = if selection.contains("fragment") {
            open
        } else {
            open + " }"
        };
        let subscription = subscribe(&query, json!({})).await;
        let rendered = (subscription.render)(&event);
        assert_eq!(rendered["data"], data, "{query}");
        assert_eq!(
            rendered["errors"][0]["message"].as_str(),
            error.as_deref(),
            "{query}"
        );
    }
}

#[tokio::test]
async fn subscriptions_that_render_alike_have_one_key() {
    let query = "subscription S($id: String!, $more: Boolean = false) { onTokenReceived(sessionId: $id) { token attempt @include(if: $more) } }";
    let key = async |query: &str, variables: Value| subscribe(query, variables).await.selection_key;
    let first = key(query, json!({"id": "a"})).await;
    assert_eq!(first, key(query, json!({"id": "b"})).await);
    assert_ne!(first, key(query, json!({"id": "a", "more": true})).await);
    assert_ne!(
        first,
        key(
            "subscription { onTokenReceived(sessionId: \"a\") { token } }",
            json!({})
        )
        .await
    );
}

#[tokio::test]
async fn one_mutation_tells_a_conversations_subscribers_and_its_owners() {
    for (query, field, arguments) in [
        (
            "subscription { onConversationUpdated(conversationId: \"c1\") { kind owner } }",
            "onConversationUpdated",
            json!({"conversationId": "c1"}),
        ),
        (
            "subscription { onConversationsUpdated(owner: \"alice\") { kind owner } }",
            "onConversationsUpdated",
            json!({"owner": "alice"}),
        ),
    ] {
        let subscription = subscribe(query, json!({})).await;
        assert_eq!(subscription.field, field);
        assert_eq!(subscription.mutations, ["publishConversation"]);
        assert_eq!(Value::Object(subscription.arguments.clone()), arguments);
        let event = json!({"conversationId": "c1", "owner": "alice", "kind": "RENAMED"});
        let rendered = (subscription.render)(&event);
        let expected = json!({"data": {field: {"kind": "RENAMED", "owner": "alice"}}});
        assert_eq!(rendered, expected);
    }
}

#[tokio::test]
async fn a_change_of_a_conversation_is_published_by_a_function_alone() {
    let publish = r#"mutation { publishConversation(
        conversationId: "c1", owner: "alice", kind: TURN_ENDED, sessionId: "s1", status: COMPLETED
    ) { conversationId owner kind title sessionId status timestamp } }"#;
    let stack = Stack::new(&project(), owner_check());
    for refused in [user("alice"), worker()] {
        let body = stack.send(&json!({"query": publish}), &refused).await;
        assert_eq!(body["data"]["publishConversation"], Value::Null, "{body}");
        assert_eq!(stack.published(), []);
    }
    stack.send(&json!({"query": publish}), &starter()).await;
    let [(field, event)] = &mut stack.published()[..] else {
        panic!("one event")
    };
    assert_eq!(field, "publishConversation");
    let timestamp = event["timestamp"].take();
    assert!(timestamp.is_string(), "{timestamp}");
    let expected = json!({
        "conversationId": "c1", "owner": "alice", "kind": "TURN_ENDED", "title": null, "sessionId": "s1",
        "status": "COMPLETED", "timestamp": null,
    });
    assert_eq!(*event, expected);
}

#[tokio::test]
async fn the_resolver_decides_who_hears_of_conversations() {
    let stack = Stack::new(&project(), owner_check());
    for subscription in [
        "onConversationUpdated(conversationId: \"other\")",
        "onConversationsUpdated(owner: \"other\")",
    ] {
        let query = format!("subscription {{ {subscription} {{ kind }} }}");
        let request = request_from(&json!({"query": query}));
        let refused = stack.api.subscribe(request, &user("alice")).await;
        let errors = refused.expect_err("refused");
        assert_eq!(errors[0].error_type(), Some("UNAUTHORIZED"), "{query}");
    }
}
