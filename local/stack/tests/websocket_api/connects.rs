//! The handshake: the authorizer, `$connect`, refusals.

use local_stack::testing::within;
use serde_json::{Value, json};

use crate::stack::Api;

#[tokio::test]
async fn the_authorizers_event_has_aws_shape() {
    let api = Api::start().await;
    let custom = ("x-custom", "Value");
    let connected = api.try_connect("?token=ada&a=1&a=2", &[custom]).await;
    drop(connected.expect("connected"));
    let event = api.stack.note("authorizer").await;
    assert_eq!(event["type"], "REQUEST");
    let arn = "arn:aws:execute-api:us-east-1:000000000000:websocket/dev/$connect";
    assert_eq!(event["methodArn"], arn);
    assert_eq!(event["headers"]["X-Custom"], "Value");
    assert_eq!(event["multiValueHeaders"]["X-Custom"], json!(["Value"]));
    assert_eq!(
        event["queryStringParameters"],
        json!({ "a": "2", "token": "ada" })
    );
    let several = &event["multiValueQueryStringParameters"]["a"];
    assert_eq!(several, &json!(["1", "2"]));
    let context = &event["requestContext"];
    assert_eq!(context["routeKey"], "$connect");
    assert_eq!(context["eventType"], "CONNECT");
    assert_eq!(context["stage"], "dev");
    assert_eq!(context["identity"]["sourceIp"], "127.0.0.1");
    assert_eq!(context["authorizer"], Value::Null);
    api.stop().await;
}

#[tokio::test]
async fn what_the_authorizer_says_reaches_connect() {
    let api = Api::start().await;
    // The token is in the header this time.
    let connected = api.try_connect("", &[("authorization", "grace")]).await;
    let _socket = connected.expect("connected");
    let event = api.stack.note("connect").await;
    let context = &event["requestContext"];
    assert_eq!(context["authorizer"]["principalId"], "grace");
    assert_eq!(context["authorizer"]["owner"], "grace");
    assert_eq!(context["authorizer"]["level"], "3");
    assert_eq!(context["connectionId"], api.only_connection().await);
    assert!(context["connectedAt"].is_i64());
    assert_eq!(event["isBase64Encoded"], false);
    assert_eq!(event["queryStringParameters"], Value::Null);
    api.stop().await;
}

async fn check(api: &Api, token: &str, status: u16, message: &str) {
    let query = format!("?token={token}");
    let Err((got, body)) = api.try_connect(&query, &[]).await else {
        panic!("{token} is connected");
    };
    assert_eq!(got, status, "{token}");
    assert_eq!(body["message"], message, "{token}");
    assert!(body["connectionId"].is_string() && body["requestId"].is_string());
}

#[tokio::test]
async fn a_refusal_has_the_status_of_its_reason() {
    let api = Api::start().await;
    let denied = "User is not authorized to access this resource";
    check(
        &api,
        "denied",
        403,
        &format!("{denied} with an explicit deny"),
    )
    .await;
    check(&api, "elsewhere", 403, denied).await;
    check(&api, "none", 401, "Unauthorized").await;
    check(&api, "crash", 500, "Internal server error").await;
    check(&api, "null", 500, "Internal server error").await;
    check(&api, "refused", 418, "Forbidden").await;
    check(&api, "broken", 502, "Internal server error").await;
    api.no_connection().await;
    api.stop().await;
}

#[tokio::test]
async fn without_its_identity_source_the_authorizer_is_not_asked() {
    let api = Api::start_with(|config| {
        let source = "route.request.querystring.token".to_owned();
        let authorizer = config.authorizer.as_mut().expect("an authorizer");
        authorizer.identity_sources.push(source);
    })
    .await;
    let header = [("authorization", "ada")];
    let refused = api.try_connect("", &header).await.err();
    assert_eq!(refused.map(|(status, _)| status), Some(401));
    assert!(!api.stack.has_note("authorizer"));
    drop(api.connect().await);
    api.stop().await;
}

#[tokio::test]
async fn without_authorizer_and_connect_anybody_connects() {
    let api = Api::start_with(|config| {
        config.authorizer = None;
        config.routes.remove("$connect");
    })
    .await;
    let mut socket = api.try_connect("", &[]).await.expect("connected");
    socket.send("{\"action\":\"echo\"}").await;
    let event = socket.json().await;
    assert_eq!(event["requestContext"]["authorizer"], Value::Null);
    api.stop().await;
}

#[tokio::test]
async fn connect_chooses_the_protocol() {
    let api = Api::start().await;
    let offered = [("sec-websocket-protocol", "other, chat")];
    let socket = api.try_connect("?token=ada", &offered).await;
    assert_eq!(socket.expect("connected").protocol.as_deref(), Some("chat"));
    api.stop().await;
}

#[tokio::test]
async fn other_requests_are_refused() {
    let api = Api::start().await;
    let http = reqwest::Client::builder().no_proxy().build();
    let http = http.expect("a client");
    let base = api.stack.local.endpoints().url();
    for (path, status) in [
        ("/websocket/dev", 426),
        ("/websocket/other", 403),
        ("/websocket/dev/more", 403),
    ] {
        let response = within(http.get(format!("{base}{path}")).send()).await;
        assert_eq!(response.expect("an answer").status(), status, "{path}");
    }
    api.stop().await;
}
