//! The GraphQL endpoint over HTTP.

mod appsync_support;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt;
use local_appsync::auth::SignedRequest;
use local_appsync::http::{Refusal, router};
use serde_json::{Value, json};
use tower::ServiceExt;

use appsync_support::{Stack, at_once, project, user};

fn endpoint() -> Router {
    let stack = Stack::new(&project(), at_once(|_| Ok(Value::Null)));
    let authenticate = |request: &SignedRequest| match request.headers.get("authorization") {
        Some(token) if token == "good" => Ok(user("alice").identity),
        Some(_) => Err(Refusal::unauthorized("Token has expired.")),
        None => Err(Refusal::unauthorized(
            "Valid authorization header not provided.",
        )),
    };
    router(stack.api, Arc::new(authenticate))
}

async fn send(
    method: Method,
    token: Option<&str>,
    body: impl Into<Body>,
) -> (u16, HeaderMap, Value) {
    let mut request = Request::builder().method(method).uri("/graphql");
    if let Some(token) = token {
        request = request.header("authorization", token);
    }
    let request = request.body(body.into()).expect("a request");
    let response = endpoint().oneshot(request).await.expect("infallible");
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let body = if body.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&body).expect("JSON")
    };
    (parts.status.as_u16(), parts.headers, body)
}

/// Sends a request, and compares the status and the whole body.
async fn check(
    method: Method,
    token: Option<&str>,
    body: impl Into<Body>,
    status: u16,
    expected: Value,
) {
    let (got, headers, body) = send(method, token, body).await;
    assert_eq!((got, &body), (status, &expected));
    assert_eq!(headers["content-type"], "application/json;charset=UTF-8");
    assert_eq!(headers["x-amzn-requestid"].len(), 36);
    assert_eq!(headers["access-control-allow-origin"], "*");
    let error_type = headers
        .get("x-amzn-errortype")
        .and_then(|value| value.to_str().ok());
    assert_eq!(
        error_type,
        if status == 200 {
            None
        } else {
            body["errors"][0]["errorType"].as_str()
        }
    );
}

fn refused(error_type: &str, message: &str) -> Value {
    json!({"errors": [{"errorType": error_type, "message": message}]})
}

#[tokio::test]
async fn requests_are_answered() {
    let good = Some("good");
    for body in [
        json!({"query": "{ __typename }"}),
        json!({"query": "query A { __typename }", "operationName": "A", "variables": {"x": 1}, "extensions": {}}),
        json!({"query": "{ __typename }", "operationName": null, "variables": null}),
        json!({"query": "{ __typename }", "operationName": ""}),
    ] {
        check(
            Method::POST,
            good,
            body.to_string(),
            200,
            json!({"data": {"__typename": "Query"}}),
        )
        .await;
    }
}

#[tokio::test]
async fn what_is_no_request_is_refused_in_appsyncs_words() {
    let good = Some("good");
    let unparsable = refused(
        "MalformedHttpRequestException",
        "Unable to parse GraphQL query.",
    );
    for body in [
        "meow",
        "{}",
        "{}}",
        "[]",
        "null",
        "\"{ a }\"",
        r#"{"query": 5}"#,
        r#"{"query": null}"#,
        "\u{0}",
    ] {
        check(Method::POST, good, body, 400, unparsable.clone()).await;
    }
    check(Method::POST, good, vec![0xff, 0xfe], 400, unparsable).await;
    let cut = refused(
        "MalformedHttpRequestException",
        "Unable to parse GraphQL query: the variable 'prompt' is no Unicode text, it has half of a surrogate pair.",
    );
    for half in [
        r"cut \ud83d",
        r"\ud83d and on",
        r"\ude00\ud83d",
        r"\ud83d\n",
    ] {
        let variables = format!(r#"{{"a":"b","prompt":"{half}"}}"#);
        let body = format!(r#"{{"query":"{{ __typename }}","variables":{variables}}}"#);
        check(Method::POST, good, body, 400, cut.clone()).await;
    }
    let empty = refused("MalformedHttpRequestException", "Request body is empty.");
    check(Method::POST, good, "", 400, empty.clone()).await;
    check(Method::POST, good, " \n", 400, empty.clone()).await;
    check(Method::GET, good, "", 400, empty).await;
    let variables = refused(
        "MalformedHttpRequestException",
        "The value of 'variables' must be an object.",
    );
    check(
        Method::POST,
        good,
        r#"{"query": "{ a }", "variables": [1]}"#,
        400,
        variables,
    )
    .await;
    let method = refused(
        "MethodNotAllowedException",
        "The method is not allowed: send POST.",
    );
    check(Method::PUT, good, "{}", 405, method).await;
    let large = refused(
        "RequestEntityTooLargeException",
        "Request body is larger than 1048576 bytes.",
    );
    check(Method::POST, good, "x".repeat(1_048_577), 413, large).await;
    let subscription =
        json!({"query": "subscription { onTokenReceived(sessionId: \"s\") { token } }"})
            .to_string();
    let mqtt = refused(
        "BadRequestException",
        "Subscriptions over MQTT is not supported.",
    );
    check(Method::POST, good, subscription, 400, mqtt).await;
}

#[tokio::test]
async fn who_is_not_let_in_is_told_before_the_body_is_looked_at() {
    let missing = refused(
        "UnauthorizedException",
        "Valid authorization header not provided.",
    );
    check(Method::POST, None, "meow", 401, missing).await;
    let expired = refused("UnauthorizedException", "Token has expired.");
    check(
        Method::POST,
        Some("old"),
        json!({"query": "{ __typename }"}).to_string(),
        401,
        expired,
    )
    .await;
}

#[tokio::test]
async fn browsers_may_ask_first() {
    let request = Request::builder()
        .method(Method::OPTIONS)
        .uri("/graphql")
        .header("origin", "http://localhost:3000")
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization,content-type,x-amz-user-agent",
        )
        .body(Body::empty())
        .expect("a request");
    let response = endpoint().oneshot(request).await.expect("infallible");
    assert_eq!(response.status(), 200);
    let headers = response.headers();
    assert_eq!(headers["access-control-allow-origin"], "*");
    assert_eq!(
        headers["access-control-allow-headers"],
        "authorization,content-type,x-amz-user-agent"
    );
    assert!(
        headers["access-control-allow-methods"]
            .to_str()
            .is_ok_and(|methods| methods.contains("POST"))
    );
}
