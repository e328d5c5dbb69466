//! The function's event.

use local_stack::testing::within;
use serde_json::Value;

use crate::stack::Url;

async fn echoed(request: reqwest::RequestBuilder) -> Value {
    let response = within(request.send()).await.expect("an answer");
    let text = within(response.text()).await.expect("a whole body");
    serde_json::from_str(&text).expect("the event")
}

#[tokio::test]
async fn the_event_is_payload_format_2() {
    let url = Url::start().await;
    let request = url
        .http
        .post(url.at("/a/b%2Fc?x=1&x=2&y=a%20b"))
        .header("X-Custom", "Value")
        .header("cookie", "a=1; b=2")
        .header("content-type", "application/json")
        .body("{\"n\":1}");
    let event = echoed(request).await;
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["rawPath"], "/a/b%2Fc");
    assert_eq!(event["rawQueryString"], "x=1&x=2&y=a%20b");
    assert_eq!(event["queryStringParameters"]["x"], "1,2");
    assert_eq!(event["headers"]["x-custom"], "Value");
    assert_eq!(event["cookies"][1], "b=2");
    assert_eq!(event["body"], "{\"n\":1}");
    assert_eq!(event["isBase64Encoded"], false);
    let context = &event["requestContext"];
    assert_eq!(context["http"]["method"], "POST");
    assert_eq!(context["http"]["path"], "/a/b%2Fc");
    assert_eq!(context["http"]["sourceIp"], "127.0.0.1");
    assert_eq!(context["domainPrefix"], "chat-url");
    assert_eq!(context["accountId"], "anonymous");
    url.stop().await;
}

#[tokio::test]
async fn the_host_names_the_url_as_well() {
    let url = Url::start().await;
    // Without the host, this path would be another service's.
    let request = url
        .http
        .post(format!("{}/graphql", url.stack.local.endpoints().url()))
        .header("host", "chat-url.lambda-url.localhost");
    let event = echoed(request).await;
    assert_eq!(event["rawPath"], "/graphql");
    url.stop().await;
}

#[tokio::test]
async fn a_body_may_be_six_megabytes() {
    let url = Url::start().await;
    let post = |bytes: usize| {
        let post = url.http.post(url.at("/echo"));
        within(post.body(vec![b'x'; bytes]).send())
    };
    let response = post(6 * 1024 * 1024 + 1).await.expect("an answer");
    assert_eq!(response.status(), 413);
    assert_eq!(
        response.headers()["x-amzn-errortype"],
        "RequestTooLargeException"
    );
    assert!(!url.was_started());
    let response = post(4 * 1024 * 1024).await.expect("an answer");
    assert_eq!(response.status(), 200);
    url.stop().await;
}

#[tokio::test]
async fn an_unknown_url_is_named_with_those_that_there_are() {
    let url = Url::start().await;
    let other = url.at("").replace("chat-url", "other");
    let response = within(url.http.get(other).send()).await.expect("an answer");
    assert_eq!(response.status(), 404);
    let text = within(response.text()).await.expect("a body");
    assert!(text.contains("`other`; there are: chat-url."), "{text}");
    url.stop().await;
}
