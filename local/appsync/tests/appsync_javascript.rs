//! `APPSYNC_JS` resolvers on NONE data sources. `appsync_lambda_code.rs` tests those on functions.

mod appsync_support;

use local_appsync::config::ApiConfig;
use serde_json::{Value, json};

use appsync_support::{
    PUBLISH, Stack, at_once, message, project, request_from, script, user, worker,
};

const IMPORT: &str = "import { util, runtime, extensions } from '@aws-appsync/utils';\n";

fn config(code: &str) -> ApiConfig {
    let schema = "type Query { f(a: Int, s: String): AWSJSON g: Int }".to_owned();
    ApiConfig {
        schema,
        resolvers: vec![script("Query", "f", code)],
        ..project()
    }
}

fn stack(code: &str) -> Stack {
    Stack::new(&config(code), at_once(|_| Ok(Value::Null)))
}

/// A resolver whose request function returns the expression.
fn payload(expression: &str) -> String {
    format!(
        "{IMPORT}export function request(ctx) {{ return {{ payload: {expression} }}; }}\nexport function response(ctx) {{ return ctx.result; }}"
    )
}

async fn run(code: &str) -> Value {
    stack(code)
        .send(&json!({"query": "{ f(a: 1, s: \"x\") }"}), &user("alice"))
        .await
}

/// Checks the field's value, which is `AWSJSON` and so may be anything.
async fn check(code: &str, expected: Value) {
    let body = run(code).await;
    assert_eq!(body.get("errors"), None, "{code}: {body}");
    let got = body["data"]["f"].as_str().map_or(Value::Null, |text| {
        serde_json::from_str(text).unwrap_or(json!(text))
    });
    assert_eq!(got, expected, "{code}");
}

#[tokio::test]
async fn the_shipped_resolver_passes_fields_on() {
    let stack = Stack::new(&project(), at_once(|_| Ok(Value::Null)));
    let query = r#"mutation($e: StreamErrorInput) { publishToken(sessionId: "s", token: "a\"\\é\u2028😀", isComplete: true, status: FAILED, error: $e) {
        sessionId token isComplete timestamp sequence attempt status stopReason usage { inputTokens outputTokens totalTokens } error { code message retryable } } }"#;
    let error = json!({"code": "THROTTLED", "message": "m", "retryable": true});
    let body = stack
        .send(
            &json!({"query": query, "variables": {"e": error}}),
            &worker(),
        )
        .await;
    let mut event = body["data"]["publishToken"].clone();
    let timestamp = event["timestamp"].take();
    let timestamp = timestamp.as_str().expect("a time");
    assert!(
        timestamp.len() == 24 && timestamp.contains('T') && timestamp.ends_with('Z'),
        "{timestamp}"
    );
    assert_eq!(
        event,
        json!({
            "sessionId": "s", "token": "a\"\\é\u{2028}😀", "isComplete": true, "timestamp": null, "sequence": null,
            "attempt": null, "status": "FAILED", "stopReason": null, "usage": null, "error": error,
        })
    );
}

#[tokio::test]
async fn the_context_has_what_appsync_gives() {
    for (expression, expected) in [
        ("ctx.arguments", json!({"a": 1, "s": "x"})),
        ("ctx.args.a", json!(1)),
        ("ctx.identity.sub", json!("alice")),
        ("ctx.request.headers['x-test']", json!(1)),
        (
            "[ctx.info.fieldName, ctx.info.parentTypeName]",
            json!(["f", "Query"]),
        ),
        (
            "[ctx.source, ctx.prev, ctx.stash, ctx.env, ctx.result === undefined, ctx.error === undefined]",
            json!([null, null, {}, {}, true, true]),
        ),
    ] {
        check(&payload(expression), expected).await;
    }
    let stash = format!(
        "{IMPORT}export function request(ctx) {{ ctx.stash.n = 2; return {{ payload: 1 }}; }}\nexport const response = (ctx) => [ctx.result, ctx.stash.n];"
    );
    check(&stash, json!([1, 2])).await;
}

#[tokio::test]
async fn util_does_what_resolvers_may_use() {
    for (expression, expected) in [
        ("util.autoId().length", json!(36)),
        ("util.autoUlid().length", json!(26)),
        (
            "util.time.nowEpochMilliSeconds() - util.time.nowEpochSeconds() * 1000 < 2000",
            json!(true),
        ),
        (
            "util.time.epochMilliSecondsToISO8601(1500)",
            json!("1970-01-01T00:00:01.500Z"),
        ),
        (
            "util.time.parseISO8601ToEpochMilliSeconds('1970-01-01T01:00:00+01:00')",
            json!(0),
        ),
        ("util.base64Encode('héllo')", json!("aMOpbGxv")),
        ("util.base64Decode('aMOpbGxv')", json!("héllo")),
        (
            "[util.urlEncode('a b&c'), util.urlDecode('a+b%26c')]",
            json!(["a+b%26c", "a b&c"]),
        ),
        (
            "[util.isNull(null), util.isNullOrEmpty(''), util.isNullOrBlank(' '), util.defaultIfNull(null, 1)]",
            json!([true, true, true, 1]),
        ),
        (
            "[util.typeOf([]), util.typeOf({}), util.typeOf(1), util.isMap({}), util.isList({})]",
            json!(["List", "Map", "Number", true, false]),
        ),
        (
            "[util.str.toUpper('a'), util.math.maxVal(1, 2), util.matches('^a+$', 'aaa')]",
            json!(["A", 2, true]),
        ),
        ("util.authType()", json!("User Pool Authorization")),
        ("console.log('x', { a: 1 })", Value::Null),
        (
            "runtime.earlyReturn({ early: true })",
            json!({"early": true}),
        ),
    ] {
        check(&payload(expression), expected).await;
    }
}

#[tokio::test]
async fn errors_have_the_shape_they_were_raised_with() {
    for (expression, value, expected) in [
        (
            "util.error('m')",
            Value::Null,
            json!({"message": "m", "errorType": null, "data": null, "errorInfo": null}),
        ),
        (
            "util.error('m', 'T', { d: 1 }, { i: 2 })",
            Value::Null,
            json!({"message": "m", "errorType": "T", "data": {"d": 1}, "errorInfo": {"i": 2}}),
        ),
        (
            "util.unauthorized()",
            Value::Null,
            json!({"message": "Not Authorized to access f on type Query", "errorType": "Unauthorized", "data": null, "errorInfo": null}),
        ),
        (
            "util.validate(ctx.args.a > 1, 'small', 'V')",
            Value::Null,
            json!({"message": "small", "errorType": "V", "data": null, "errorInfo": null}),
        ),
        (
            "[util.appendError('noted', 'N'), 1][1]",
            json!("1"),
            json!({"message": "noted", "errorType": "N", "data": null, "errorInfo": null}),
        ),
        (
            "ctx.nothing.at.all",
            Value::Null,
            json!({"message": "Runtime Error", "errorType": "Code", "data": null, "errorInfo": null}),
        ),
        (
            "util.dynamodb.toMapValues({})",
            Value::Null,
            json!({"message": "util.dynamodb is not supported by the local stack", "errorType": "UnsupportedByLocalStack", "data": null, "errorInfo": null}),
        ),
        (
            "extensions.setSubscriptionFilter({})",
            Value::Null,
            json!({"message": "extensions.setSubscriptionFilter is not supported by the local stack", "errorType": "UnsupportedByLocalStack", "data": null, "errorInfo": null}),
        ),
    ] {
        let body = run(&payload(expression)).await;
        let mut error = body["errors"][0].clone();
        assert_eq!(error["path"], json!(["f"]), "{expression}: {body}");
        assert_eq!(
            error["locations"],
            json!([{"line": 1, "column": 3, "sourceName": null}])
        );
        for key in ["path", "locations"] {
            error.as_object_mut().expect("an object").remove(key);
        }
        assert_eq!(
            (&error, &body["data"]["f"]),
            (&expected, &value),
            "{expression}"
        );
    }
}

#[tokio::test]
async fn code_that_does_not_end_or_eats_memory_is_stopped() {
    for body in [
        "const rounds = { [Symbol.iterator]: () => ({ next: () => ({ done: false }) }) }; for (const x of rounds) {}",
        "const spin = (n) => spin(n + 1); return spin(0);",
        "const a = [1]; for (const x of a) { a.push(x); } return {};",
        "const a = ['x']; for (const x of a) { a.push(x + x + x + x); } return {};",
    ] {
        let code = format!(
            "export function request(ctx) {{ {body} }}\nexport function response(ctx) {{ return 1; }}"
        );
        let stack = stack(&code);
        for _ in 0..2 {
            let answer = stack.send(&json!({"query": "{ f }"}), &user("u")).await;
            assert_eq!(
                (message(&answer), &answer["data"]["f"]),
                ("Runtime Error", &Value::Null),
                "{body}"
            );
        }
    }
}

/// It starts on the caller's thread, and starts again on a thread where it may take longer.
#[tokio::test]
async fn code_that_is_slow_has_its_time() {
    let sum = payload("[...Array(300000).keys()].reduce((sum, n) => sum + n, 0)");
    let stack = stack(&sum);
    for _ in 0..2 {
        let answer = stack.send(&json!({"query": "{ f }"}), &user("u")).await;
        assert_eq!(answer["data"]["f"], "44999850000", "{answer}");
    }
}

#[tokio::test]
async fn what_is_selected_may_differ_from_request_to_request() {
    let code = "export function request(ctx) { return { payload: { id: ctx.info.selectionSetList.join() } }; }
        export function response(ctx) { return ctx.result; }";
    let config = ApiConfig {
        schema: "type Query { f: T } type T { id: String text: String }".to_owned(),
        resolvers: vec![script("Query", "f", code)],
        ..project()
    };
    let stack = Stack::new(&config, at_once(|_| Ok(Value::Null)));
    let query = "query($with: Boolean!) { f { id text @include(if: $with) } }";
    for (query, with, expected) in [
        (query, true, "id,text"),
        (query, false, "id"),
        (query, true, "id,text"),
        ("{ f { id } }", true, "id"),
        ("{ f { id } }", true, "id"),
    ] {
        let request = json!({"query": query, "variables": {"with": with}});
        let answer = stack.send(&request, &user("u")).await;
        assert_eq!(answer["data"]["f"]["id"], expected, "{answer}");
    }
}

#[tokio::test]
async fn a_request_finds_nothing_that_another_left() {
    for code in [
        "const seen = []; export function request(ctx) { seen.push(1); return { payload: seen.length }; }",
        "let n = 0; export function request(ctx) { n += 1; return { payload: n }; }",
        "export function request(ctx) { ctx.stash.n = (ctx.stash.n ?? 0) + 1; return { payload: ctx.stash.n }; }",
    ] {
        let stack = stack(&format!(
            "{code}\nexport function response(ctx) {{ return ctx.result; }}"
        ));
        for _ in 0..5 {
            let body = stack.send(&json!({"query": "{ f }"}), &user("u")).await;
            assert_eq!(body, json!({"data": {"f": "1"}}), "{code}");
        }
    }
    // Objects that all requests share can't be changed.
    for place in [
        "globalThis.n",
        "Object.prototype.n",
        "Math.n",
        "util.n",
        "[].constructor.n",
        "request.n",
    ] {
        let code = format!(
            "{IMPORT}export function request(ctx) {{ {place} = 1; return {{ payload: 1 }}; }}\nexport function response(ctx) {{ return ctx.result; }}"
        );
        assert_eq!(message(&run(&code).await), "Runtime Error", "{place}");
    }
}

#[tokio::test]
async fn code_that_appsync_would_refuse_is_refused_at_load() {
    let both = |request: &str| {
        format!(
            "export function request(ctx) {{\n{request}\n}}\nexport function response(ctx) {{ return 1; }}"
        )
    };
    for (code, expected) in [
        (
            both("try { return 1; } catch (e) { return 2; }"),
            "line 2: `try` is not supported",
        ),
        (
            both("for (let i = 0; i < 2; i += 1) {}"),
            "line 2: `for (…; …; …)`",
        ),
        (both("throw 1;"), "util.error"),
        (both("return {"), "resolver.js:4"),
        (
            "export function request() { return {}; }".to_owned(),
            "does not export a function `response`",
        ),
        ("import x from 'lodash';".to_owned() + &both(""), "lodash"),
        (
            format!("import {{ nope }} from '@aws-appsync/utils';{}", both("")),
            "nope",
        ),
        (
            format!("// {}\n{}", "x".repeat(33_000), both("")),
            "at most 32768",
        ),
    ] {
        let Err(error) = Stack::try_new(&config(&code), at_once(|_| Ok(Value::Null))) else {
            panic!("accepted: {code}");
        };
        let source = std::error::Error::source(&error)
            .map(ToString::to_string)
            .unwrap_or_default();
        assert!(
            error.to_string().contains("`Query.f`") && source.contains(expected),
            "{expected}: {error}: {source}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_at_once_are_not_mixed_up() {
    let stack = Stack::new(&project(), at_once(|_| Ok(Value::Null)));
    let query = "mutation($t: String!) { publishToken(sessionId: \"s\", token: $t, isComplete: false) { token } }";
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..200 {
        let api = stack.api.clone();
        let token = format!("{n} {PUBLISH}");
        tasks.spawn(async move {
            let request = request_from(&json!({"query": query, "variables": {"t": token}}));
            let body = api.execute(request, &worker()).await.body;
            assert_eq!(body["data"]["publishToken"]["token"], token);
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.expect("no panic");
    }
    assert_eq!(stack.published().len(), 200);
}
