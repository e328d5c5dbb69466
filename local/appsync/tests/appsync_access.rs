//! Who may access which field, and what Lambda gets for a field.

mod appsync_support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use local_appsync::caller::Caller;
use local_appsync::config::{ApiConfig, ApiLimits, AuthMode, DataSource, ResolverConfig};
use serde_json::{Value, json};
use tokio::sync::Barrier;

use appsync_support::{
    FakeFunction, Stack, at_once, message, project, script, signer, user, user_in, worker,
};

const PUBLISH: &str =
    r#"mutation { publishToken(sessionId: "s", token: "t", isComplete: false) { token } }"#;

fn stream() -> Arc<FakeFunction> {
    at_once(|event| {
        let session = &event["arguments"]["sessionId"];
        Ok(
            json!({"sessionId": session, "status": "QUEUED", "text": "", "sequence": 0, "attempt": 0, "timestamp": "t"}),
        )
    })
}

async fn check(config: &ApiConfig, caller: &Caller, query: &str, data: Value, refused: &[&str]) {
    let stack = Stack::new(config, stream());
    let body = stack.send(&json!({"query": query}), caller).await;
    assert_eq!(body["data"], data, "{query}: {body}");
    let errors = body["errors"].as_array().map_or(&[][..], Vec::as_slice);
    let messages: Vec<_> = errors
        .iter()
        .map(|error| error["message"].as_str().unwrap_or_default())
        .collect();
    let expected: Vec<_> = refused
        .iter()
        .map(|field| format!("Not Authorized to access {field}"))
        .collect();
    assert_eq!(messages, expected, "{query}");
    for error in errors {
        assert_eq!(error["errorType"], "Unauthorized", "{query}");
        assert!(
            error["locations"][0]["line"].is_u64() && error["path"].is_array(),
            "{error}"
        );
    }
}

#[tokio::test]
async fn directives_decide_field_by_field() {
    let project = project();
    let get = r#"{ getStream(sessionId: "s") { text } __typename }"#;
    check(
        &project,
        &user("a"),
        get,
        json!({"getStream": {"text": ""}, "__typename": "Query"}),
        &[],
    )
    .await;
    check(
        &project,
        &worker(),
        PUBLISH,
        json!({"publishToken": {"token": "t"}}),
        &[],
    )
    .await;
    check(
        &project,
        &worker(),
        get,
        json!({"getStream": null, "__typename": "Query"}),
        &["getStream on type Query"],
    )
    .await;
    check(
        &project,
        &user("a"),
        PUBLISH,
        Value::Null,
        &["publishToken on type Mutation"],
    )
    .await;
    let both = r#"mutation { stopStream(sessionId: "s") { status } publishToken(sessionId: "s", token: "t", isComplete: true) { token } }"#;
    check(
        &project,
        &user("a"),
        both,
        Value::Null,
        &["publishToken on type Mutation"],
    )
    .await;
    // Everybody who is admitted may use introspection.
    check(
        &project,
        &signer(&[]),
        "{ __schema { mutationType { name } } }",
        json!({"__schema": {"mutationType": {"name": "Mutation"}}}),
        &[],
    )
    .await;
}

#[tokio::test]
async fn a_policy_must_allow_the_root_field() {
    let project = project();
    let arn = |rest: &str| format!("arn:aws:appsync:us-east-1:000000000000:apis/{rest}");
    for (resource, allowed) in [
        (arn("local/types/Mutation/fields/publishToken"), true),
        (arn("local/*"), true),
        ("*".to_owned(), true),
        (arn("local/types/Mutation/fields/startStream"), false),
        (arn("other/types/Mutation/fields/publishToken"), false),
        (arn("local"), false),
    ] {
        let (data, refused): (_, &[&str]) = if allowed {
            (json!({"publishToken": {"token": "t"}}), &[])
        } else {
            (Value::Null, &["publishToken on type Mutation"])
        };
        check(&project, &signer(&[&resource]), PUBLISH, data, refused).await;
    }
}

#[tokio::test]
async fn types_fields_and_groups() {
    let config = |default, additional: &[AuthMode]| {
        ApiConfig {
        schema: r#"
            type Query {
              plain: Item
              iam: Item @aws_iam
              both: Item @aws_iam @aws_cognito_user_pools
              admins: Item @aws_cognito_user_pools(cognito_groups: ["admins", "owners"])
              legacy: Item @aws_auth(cognito_groups: ["admins"])
              key: Item @aws_api_key
              closed: Closed @aws_iam @aws_cognito_user_pools
            }
            type Item @aws_iam @aws_cognito_user_pools { a: String b: String @aws_iam c: String @aws_cognito_user_pools }
            type Closed { a: String }
        "#
        .to_owned(),
        default_auth: default,
        additional_auth: additional.to_vec(),
        introspection: true,
        limits: ApiLimits::default(),
        resolvers: ["plain", "iam", "both", "admins", "legacy", "key", "closed"]
            .map(|field| {
                let code = "export function request() { return { payload: { a: 'a', b: 'b', c: 'c' } }; }
                    export function response(ctx) { return ctx.result; }";
                script("Query", field, code)
            })
            .to_vec(),
    }
    };
    let pools = config(AuthMode::UserPools, &[AuthMode::Iam]);
    let (user, admin, signer) = (
        user("u"),
        user_in("u", Some(&["x", "owners"])),
        signer(&["*"]),
    );
    let a = |field: &str| json!({field: {"a": "a"}});
    let none = |field: &str| json!({field: null});
    for (config, caller, field, allowed) in [
        (&pools, &user, "plain", true),
        (&pools, &signer, "plain", false),
        (&pools, &user, "iam", false),
        (&pools, &signer, "iam", true),
        (&pools, &user, "both", true),
        (&pools, &signer, "both", true),
        (&pools, &user, "admins", false),
        (&pools, &admin, "admins", true),
        (&pools, &admin, "legacy", false),
        (&pools, &user_in("u", Some(&["admins"])), "legacy", true),
        (&pools, &user, "key", false),
        (
            &config(AuthMode::Iam, &[AuthMode::UserPools]),
            &user,
            "plain",
            false,
        ),
        (&config(AuthMode::Iam, &[]), &user, "both", false),
        (&config(AuthMode::UserPools, &[]), &signer, "both", false),
    ] {
        let refused = format!("{field} on type Query");
        let (data, refused): (_, &[&str]) = if allowed {
            (a(field), &[])
        } else {
            (none(field), &[&refused])
        };
        check(
            config,
            caller,
            &format!("{{ {field} {{ a }} }}"),
            data,
            refused,
        )
        .await;
    }
    // The type's directives count for each selected field, unless the field has its own.
    check(
        &pools,
        &user,
        "{ both { a b c } }",
        json!({"both": {"a": "a", "b": null, "c": "c"}}),
        &["b on type Item"],
    )
    .await;
    check(
        &pools,
        &signer,
        "{ both { a b c } closed { a } }",
        json!({"both": {"a": "a", "b": "b", "c": null}, "closed": {"a": null}}),
        &["c on type Item", "a on type Closed"],
    )
    .await;
}

#[tokio::test]
async fn lambda_is_sent_what_appsync_sends() {
    let stack = Stack::new(&project(), stream());
    let query = r"query Get($id: String!, $more: Boolean = false) {
        mine: getStream(sessionId: $id) { id: sessionId ...F usage { inputTokens } attempt @include(if: $more) }
    } fragment F on Stream { text }";
    stack
        .send(
            &json!({"query": query, "variables": {"id": "s1"}}),
            &user("alice"),
        )
        .await;
    let expected = json!({
        "arguments": {"sessionId": "s1"},
        "identity": {
            "sub": "alice", "issuer": "http://localhost/pool", "username": "alice", "claims": {"sub": "alice"},
            "sourceIp": ["127.0.0.1"], "defaultAuthStrategy": "ALLOW", "groups": null,
        },
        "source": null,
        "request": {"headers": {"x-test": "1"}, "domainName": null},
        "prev": null,
        "info": {
            "selectionSetList": ["id", "text", "usage", "usage/inputTokens"],
            "selectionSetGraphQL": "{\n  id: sessionId\n  ...F\n  usage {\n    inputTokens\n  }\n  attempt @include(if: $more)\n}",
            "fieldName": "getStream", "parentTypeName": "Query", "variables": {"id": "s1", "more": false},
        },
        "stash": {},
    });
    assert_eq!(stack.events(), [expected]);
    // An argument without a value is left out; an explicit null is kept.
    for (arguments, expected) in [
        (json!({}), json!({"prompt": "p"})),
        (
            json!({"id": null}),
            json!({"prompt": "p", "sessionId": null}),
        ),
        (json!({"id": "x"}), json!({"prompt": "p", "sessionId": "x"})),
    ] {
        let query =
            "mutation($id: String) { startStream(prompt: \"p\", sessionId: $id) { status } }";
        stack
            .send(
                &json!({"query": query, "variables": arguments}),
                &user("alice"),
            )
            .await;
        assert_eq!(stack.events()[0]["arguments"], expected);
    }
}

#[tokio::test]
async fn queries_run_side_by_side_and_mutations_in_turn() {
    // Each waits for the other, so they would never end one after the other.
    let together = Arc::new(Barrier::new(2));
    let answer: Arc<FakeFunction> = Arc::new(move |_| {
        let together = Arc::clone(&together);
        Box::pin(async move {
            together.wait().await;
            Ok(Bytes::from_static(b"null"))
        })
    });
    let stack = Stack::new(&project(), answer);
    let query =
        r#"{ a: getStream(sessionId: "1") { text } b: getStream(sessionId: "2") { text } }"#;
    let body = stack.send(&json!({"query": query}), &user("u")).await;
    assert_eq!(body, json!({"data": {"a": null, "b": null}}));

    let running = Arc::new(AtomicUsize::new(0));
    let answer: Arc<FakeFunction> = Arc::new(move |event| {
        let (running, session) = (
            Arc::clone(&running),
            event["arguments"]["sessionId"].clone(),
        );
        Box::pin(async move {
            let others = running.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            running.fetch_sub(1, Ordering::SeqCst);
            let result = json!({"sessionId": session, "status": others, "timestamp": "t"});
            Ok(Bytes::from(result.to_string()))
        })
    });
    let stack = Stack::new(&project(), answer);
    let fields = (0..5).map(|n| format!("m{n}: stopStream(sessionId: \"{n}\") {{ status }} "));
    let fields = fields.collect::<Vec<_>>().join(" ");
    let body = stack
        .send(
            &json!({"query": format!("mutation {{ {fields} }}")}),
            &user("u"),
        )
        .await;
    for n in 0..5 {
        assert_eq!(body["data"][format!("m{n}")]["status"], "0", "{body}");
        assert_eq!(
            stack.events.lock().expect("not poisoned")[n]["arguments"]["sessionId"],
            n.to_string()
        );
    }
}

#[tokio::test]
async fn a_request_has_a_time_limit() {
    let answer: Arc<FakeFunction> = Arc::new(|_| Box::pin(std::future::pending()));
    let mut stack = Stack::new(&project(), answer);
    stack.api = stack.api.with_timeout(Duration::from_millis(50));
    let query = r#"mutation { a: stopStream(sessionId: "1") { status } b: stopStream(sessionId: "2") { status } }"#;
    let body = stack.send(&json!({"query": query}), &user("u")).await;
    assert_eq!(
        (message(&body), &body["data"]),
        ("Execution timed out.", &Value::Null)
    );
    assert_eq!(
        body["errors"][0]["errorType"],
        "Lambda:ExecutionTimeoutException"
    );
    assert_eq!(stack.events().len(), 1, "the second is not started");
}

#[tokio::test]
async fn a_configuration_that_does_not_fit_is_refused_by_name() {
    let lambda = |type_name: &str, field_name: &str| ResolverConfig {
        type_name: type_name.to_owned(),
        field_name: field_name.to_owned(),
        data_source: DataSource::Lambda {
            function: "f".to_owned(),
        },
    };
    let on = |schema: &str| ApiConfig {
        schema: schema.to_owned(),
        resolvers: Vec::new(),
        ..project()
    };
    let with = |resolver| {
        let mut config = project();
        config.resolvers.push(resolver);
        config
    };
    for (config, expected) in [
        (with(lambda("Query", "nope")), "`Query.nope`"),
        (with(lambda("Nope", "x")), "`Nope.x`"),
        (
            with(lambda("Query", "getStream")),
            "more than one resolver is configured for `Query.getStream`",
        ),
        (
            with(script("Query", "getStreamStatus", "while (true) {}")),
            "`Query.getStreamStatus`",
        ),
        (on("type Query {"), "the schema is not valid"),
        (on("type Query { a: Nope }"), "Nope"),
        (
            on(
                "type Query { a: Int } type Mutation { b: Int } type Subscription { s: Int @aws_subscribe(mutations: [\"c\"]) }",
            ),
            "`c`",
        ),
        (
            on(
                "type Query { a: Int } type Mutation { b: String } type Subscription { s: Int @aws_subscribe(mutations: [\"b\"]) }",
            ),
            "different types",
        ),
    ] {
        let Err(error) = Stack::try_new(&config, stream()) else {
            panic!("accepted: {expected}")
        };
        assert!(error.to_string().contains(expected), "{error}");
    }
}
