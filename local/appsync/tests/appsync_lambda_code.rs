//! `APPSYNC_JS` resolvers on Lambda data sources, the shipped one first.

mod appsync_support;

use std::sync::Arc;

use local_appsync::config::ApiConfig;
use local_kit::invoke::InvokeError;
use serde_json::{Value, json};

use appsync_support::{
    ASK_REQUEST_FUNCTION, Stack, at_once, function_script, project, request_from, user, user_in,
};

/// The shipped resolver's message for a function that failed, whatever the function's message was.
const NOT_HANDLED: &str = "The request could not be handled: try again.";

const IMPORT: &str = "import { util, runtime } from '@aws-appsync/utils';\n";

/// The project's schema with the resolvers as deployed.
fn shipped() -> ApiConfig {
    let fields = [
        ("Query", "getStream"),
        ("Query", "getStreamStatus"),
        ("Mutation", "startStream"),
        ("Mutation", "stopStream"),
        ("Subscription", "onTokenReceived"),
    ];
    ApiConfig {
        resolvers: fields
            .map(|(ty, field)| function_script(ty, field, ASK_REQUEST_FUNCTION))
            .into(),
        ..project()
    }
}

const START: &str = r#"mutation { startStream(prompt: "p") { sessionId status error } }"#;
const SUBSCRIPTION: &str = r#"subscription { onTokenReceived(sessionId: "s") { token } }"#;

#[tokio::test]
async fn the_shipped_resolver_sends_what_the_function_reads_and_no_header() {
    let groups: &[&str] = &["staff"];
    for (query, groups, expected) in [
        (
            r#"{ getStream(sessionId: "s") { text } }"#,
            None,
            json!({"field": "getStream", "arguments": {"sessionId": "s"}, "sub": "alice", "groups": null}),
        ),
        (
            r#"{ getStreamStatus(sessionId: "s") { status } }"#,
            Some(groups),
            json!({"field": "getStreamStatus", "arguments": {"sessionId": "s"}, "sub": "alice", "groups": ["staff"]}),
        ),
        (
            START,
            None,
            json!({"field": "startStream", "arguments": {"prompt": "p"}, "sub": "alice", "groups": null}),
        ),
        (
            r#"mutation { stopStream(sessionId: "s") { status } }"#,
            None,
            json!({"field": "stopStream", "arguments": {"sessionId": "s"}, "sub": "alice", "groups": null}),
        ),
    ] {
        let stack = Stack::new(&shipped(), at_once(|_| Ok(json!({"data": null}))));
        stack
            .send(&json!({"query": query}), &user_in("alice", groups))
            .await;
        assert_eq!(stack.events(), [expected], "{query}");
    }
    let stack = Stack::new(&shipped(), at_once(|_| Ok(json!({"data": null}))));
    let admitted = stack
        .api
        .subscribe(
            request_from(&json!({"query": SUBSCRIPTION})),
            &user("alice"),
        )
        .await;
    assert!(admitted.is_ok(), "{:?}", admitted.err());
    let expected = json!({"field": "onTokenReceived", "arguments": {"sessionId": "s"}, "sub": "alice", "groups": null});
    assert_eq!(stack.events(), [expected]);
}

#[tokio::test]
async fn the_shipped_resolver_raises_refusals_and_faults() {
    let answer = json!({"sessionId": "s", "status": "streaming_started", "error": "in the answer", "timestamp": "t"});
    let function = |error_type: &str| InvokeError::Function {
        error_type: error_type.to_owned(),
        message: "said the function".to_owned(),
    };
    for (outcome, expected) in [
        (Ok(json!({"data": answer})), None),
        (
            Ok(json!({"error": {"type": "INVALID_PROMPT", "message": "prompt is empty"}})),
            Some(("INVALID_PROMPT", "prompt is empty")),
        ),
        (
            Ok(json!({"error": {"type": "UNAUTHORIZED", "message": "not yours"}})),
            Some(("UNAUTHORIZED", "not yours")),
        ),
        (
            Ok(Value::Null),
            Some(("INTERNAL", "The request function gave no answer.")),
        ),
        (
            Err(function("INTERNAL")),
            Some(("Lambda:Unhandled", NOT_HANDLED)),
        ),
        (
            Err(function("Sandbox.Timedout")),
            Some(("Lambda:Unhandled", NOT_HANDLED)),
        ),
        (
            Err(InvokeError::Throttled("request".to_owned())),
            Some(("Lambda:TooManyRequestsException", NOT_HANDLED)),
        ),
    ] {
        let name = format!("{outcome:?}");
        // An error can't be cloned, and the function is invoked twice.
        let outcome = Arc::new(outcome);
        let stack = Stack::new(&shipped(), at_once(move |_| again(&outcome)));
        let body = stack.send(&json!({"query": START}), &user("alice")).await;
        let error = &body["errors"][0];
        let got = error["errorType"].as_str().zip(error["message"].as_str());
        assert_eq!(got, expected, "{name}: {body}");
        if expected.is_none() {
            assert_eq!(body["data"]["startStream"]["error"], "in the answer");
        }
        let admitted = stack
            .api
            .subscribe(
                request_from(&json!({"query": SUBSCRIPTION})),
                &user("alice"),
            )
            .await;
        let errors = admitted.err().unwrap_or_default();
        let refused = errors
            .first()
            .and_then(|error| error.error_type().zip(Some(error.message.as_str())));
        assert_eq!(refused, expected, "{name}");
    }
}

/// A copy of an outcome.
fn again(outcome: &Result<Value, InvokeError>) -> Result<Value, InvokeError> {
    match outcome {
        Ok(value) => Ok(value.clone()),
        Err(InvokeError::Function {
            error_type,
            message,
        }) => Err(InvokeError::Function {
            error_type: error_type.clone(),
            message: message.clone(),
        }),
        Err(InvokeError::Throttled(function)) => Err(InvokeError::Throttled(function.clone())),
        Err(InvokeError::NotFound(function)) => Err(InvokeError::NotFound(function.clone())),
    }
}

/// The result of `Query.f`, an `AWSJSON`, with this code and a function that returns `[its event]`.
async fn run(code: &str) -> (Value, Vec<Value>) {
    let config = ApiConfig {
        schema: "type Query { f(a: Int): AWSJSON }".to_owned(),
        resolvers: vec![function_script("Query", "f", &format!("{IMPORT}{code}"))],
        ..project()
    };
    let stack = Stack::new(&config, at_once(|event| Ok(json!([event]))));
    let body = stack
        .send(&json!({"query": "{ f(a: 1) }"}), &user("alice"))
        .await;
    (body, stack.events())
}

#[tokio::test]
async fn the_two_functions_share_what_appsync_lets_them_share() {
    for (code, expected, asked) in [
        (
            "export function request(ctx) { ctx.stash.n = 2; return { operation: 'Invoke', payload: ctx.args.a }; }
             export function response(ctx) { return [ctx.result, ctx.stash.n, ctx.error === null || ctx.error === undefined]; }",
            json!([[1], 2, true]),
            1,
        ),
        (
            "export function request() { return { operation: 'Invoke', invocationType: 'RequestResponse' }; }
             export function response(ctx) { return ctx.result; }",
            json!([null]),
            1,
        ),
        (
            "export function request() { runtime.earlyReturn('early'); }
             export function response(ctx) { return ctx.result; }",
            json!("early"),
            0,
        ),
        // A module with state runs elsewhere, and starts anew for each half.
        (
            "let calls = 0;
             export function request() { calls += 1; return { operation: 'Invoke', payload: calls }; }
             export function response(ctx) { return ctx.result; }",
            json!([1]),
            1,
        ),
    ] {
        let (body, events) = run(code).await;
        assert_eq!(body.get("errors"), None, "{code}: {body}");
        let text = body["data"]["f"].as_str().expect("JSON as text");
        let got = serde_json::from_str(text).unwrap_or(json!(text));
        assert_eq!(got, expected, "{code}");
        assert_eq!(events.len(), asked, "{code}");
    }
}

#[tokio::test]
async fn what_either_function_notes_or_raises_is_told() {
    for (code, expected, asked) in [
        (
            "export function request() { util.error('no', 'T'); }
             export function response(ctx) { return ctx.result; }",
            vec![("T", "no")],
            0,
        ),
        (
            "export function request() { util.appendError('first', 'A'); return { operation: 'Invoke' }; }
             export function response() { util.error('second', 'B'); }",
            vec![("A", "first"), ("B", "second")],
            1,
        ),
        (
            "export function request() { util.appendError('first', 'A'); return { operation: 'Invoke' }; }
             export function response() { util.appendError('second', 'B'); return null; }",
            vec![("A", "first"), ("B", "second")],
            1,
        ),
        (
            "export function request() { return { payload: 1 }; }
             export function response(ctx) { return ctx.result; }",
            vec![(
                "MappingTemplate",
                "Unsupported operation ''. Datasource Versions only support the following operations (Invoke,BatchInvoke).",
            )],
            0,
        ),
        (
            "export function request() { return { operation: 'BatchInvoke' }; }
             export function response(ctx) { return ctx.result; }",
            vec![(
                "UnsupportedByLocalStack",
                "the operation BatchInvoke is not supported by the local stack",
            )],
            0,
        ),
        (
            "export function request() { return { operation: 'Invoke', invocationType: 'Event' }; }
             export function response(ctx) { return ctx.result; }",
            vec![(
                "UnsupportedByLocalStack",
                "the invocation type Event is not supported by the local stack",
            )],
            0,
        ),
    ] {
        let (body, events) = run(code).await;
        let errors = body["errors"].as_array().expect("errors");
        let got: Vec<_> = errors
            .iter()
            .map(|error| {
                (
                    error["errorType"].as_str().unwrap_or_default(),
                    error["message"].as_str().unwrap_or_default(),
                )
            })
            .collect();
        assert_eq!(got, expected, "{code}");
        assert_eq!(events.len(), asked, "{code}");
    }
}
