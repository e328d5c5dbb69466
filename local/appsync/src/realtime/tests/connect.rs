//! Connecting: the three ways of passing headers, and refusals.

use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use super::*;
use crate::test_support::Signer;

async fn accepted(stack: &Stack, path: &str, protocols: &str, headers: &[(&str, &str)]) {
    let mut client = stack.connect(path, protocols, headers).await;
    assert_eq!(client.protocol.as_deref(), Some("graphql-ws"));
    client.send(json!({"type": "connection_init"})).await;
    let expected = json!({"type": "connection_ack", "payload": {"connectionTimeoutMs": 300_000}});
    assert_eq!(
        client.next().await,
        expected,
        "{path} {protocols} {headers:?}"
    );
    assert_eq!(client.next().await, json!({"type": "ka"}));
}

fn signed(stack: &Stack) -> Value {
    let host = stack.host();
    Signer {
        host: &host,
        path: "/graphql/connect",
        ..Signer::fresh()
    }
    .header_json("{}")
}

#[tokio::test]
async fn three_ways_of_passing_headers() {
    let stack = Stack::start(RealtimeLimits::default()).await;
    for header in [stack.authorization(), signed(&stack)] {
        let json = header.to_string();
        for encoded in [
            STANDARD.encode(&json),
            STANDARD
                .encode(&json)
                .replace('+', "%2B")
                .replace('=', "%3D"),
            STANDARD_NO_PAD.encode(&json),
            URL_SAFE.encode(&json),
            URL_SAFE_NO_PAD.encode(&json),
        ] {
            accepted(
                &stack,
                &format!("/graphql/realtime?header={encoded}&payload=e30="),
                "graphql-ws",
                &[],
            )
            .await;
            accepted(
                &stack,
                &format!("/graphql?header={encoded}"),
                "graphql-ws",
                &[],
            )
            .await;
        }
        accepted(&stack, "/graphql/realtime", &subprotocol(&header), &[]).await;
        let padded = format!(
            "header-{}, graphql-ws",
            STANDARD_NO_PAD.encode(&json).replace('/', "_")
        );
        accepted(&stack, "/graphql", &padded, &[]).await;
        let headers = header.as_object().expect("an object").iter();
        let headers: Vec<_> = headers
            .map(|(name, value)| (name.as_str(), value.as_str().expect("text")))
            .collect();
        accepted(&stack, "/graphql/realtime", "graphql-ws", &headers).await;
    }
    stack.stop().await;
}

async fn refused(stack: &Stack, header: Value, error_type: &str, code: u16, message: &str) {
    let mut client = stack
        .connect("/graphql/realtime", &subprotocol(&header), &[])
        .await;
    refusal(&mut client, Some(error_type), code, message).await;
}

async fn refusal(client: &mut Client, error_type: Option<&str>, code: u16, message: &str) {
    // A client that sends something at once must still get the response.
    client.send(json!({"type": "connection_init"})).await;
    let frame = client.next().await;
    assert_eq!(frame["type"], "connection_error");
    let error = &frame["payload"]["errors"][0];
    assert_eq!(
        (error["errorType"].as_str(), &error["errorCode"]),
        (error_type, &json!(code)),
        "{error}"
    );
    assert!(
        error["message"].as_str().expect("text").contains(message),
        "{error}"
    );
    client.closed().await;
}

#[tokio::test]
async fn refusals() {
    let stack = Stack::start(RealtimeLimits::default()).await;
    let host = stack.host();
    let token = |validity_s| Pool::shared().fresh_access_token(validity_s);
    let unauthorized = "UnauthorizedException";
    let bad_request = "BadRequestException";
    refused(
        &stack,
        json!({"host": host}),
        unauthorized,
        401,
        "Valid authorization header not provided.",
    )
    .await;
    let expired = json!({"host": host, "Authorization": token(-1)});
    refused(&stack, expired, unauthorized, 401, "Token has expired.").await;
    let garbage = json!({"host": host, "Authorization": "garbage"});
    refused(
        &stack,
        garbage,
        unauthorized,
        401,
        "Unable to parse JWT token.",
    )
    .await;
    let api_key = json!({"host": host, "x-api-key": "da2-x", "x-amz-date": "20260102T000000Z"});
    refused(
        &stack,
        api_key,
        unauthorized,
        401,
        "You are not authorized to make this call.",
    )
    .await;
    let elsewhere = json!({"host": "example.com", "Authorization": token(60)});
    refused(&stack, elsewhere, bad_request, 400, "host").await;
    refused(
        &stack,
        json!({"Authorization": token(60)}),
        bad_request,
        400,
        "Required headers are missing.",
    )
    .await;
    refused(
        &stack,
        json!({"host": host, "Authorization": 5}),
        bad_request,
        400,
        "JSON object",
    )
    .await;
    refused(&stack, json!(["host"]), bad_request, 400, "JSON object").await;
    stack.stop().await;
}

#[tokio::test]
async fn refused_signatures() {
    let stack = Stack::start(RealtimeLimits::default()).await;
    let (host, unauthorized, bad_request) =
        (stack.host(), "UnauthorizedException", "BadRequestException");

    let signer = || Signer {
        host: &host,
        path: "/graphql/connect",
        ..Signer::fresh()
    };
    let mismatch = "does not match the signature you provided";
    refused(
        &stack,
        signer().header_json("{ }"),
        bad_request,
        400,
        mismatch,
    )
    .await;
    let for_graphql = Signer {
        path: "/graphql",
        ..signer()
    };
    refused(
        &stack,
        for_graphql.header_json("{}"),
        bad_request,
        400,
        mismatch,
    )
    .await;
    let wrong = Signer {
        secret: "wrong",
        ..signer()
    };
    refused(&stack, wrong.header_json("{}"), bad_request, 400, mismatch).await;
    let nobody = Signer {
        key: "AKIDNOBODY",
        ..signer()
    };
    refused(
        &stack,
        nobody.header_json("{}"),
        unauthorized,
        401,
        "security token",
    )
    .await;
    let late = Signer {
        at: Signer::fresh().at.saturating_sub(Duration::from_mins(6)),
        ..signer()
    };
    refused(
        &stack,
        late.header_json("{}"),
        bad_request,
        400,
        "Signature expired",
    )
    .await;
    stack.stop().await;
}

#[tokio::test]
async fn unreadable_connects() {
    let stack = Stack::start(RealtimeLimits::default()).await;
    let bad_request = "BadRequestException";

    let mut client = stack
        .connect("/graphql/realtime?header=%%%", "graphql-ws", &[])
        .await;
    refusal(&mut client, Some(bad_request), 400, "base64").await;
    let mut client = stack.connect("/graphql/realtime", "graphql-ws", &[]).await;
    refusal(
        &mut client,
        Some(bad_request),
        400,
        "Required headers are missing.",
    )
    .await;
    let mut client = stack.connect("/graphql/realtime", "", &[]).await;
    refusal(&mut client, None, 400, "NoProtocolError").await;
    let mut client = stack.connect("/graphql/realtime", "mqtt, soap", &[]).await;
    assert_eq!(client.protocol.as_deref(), Some("mqtt"));
    refusal(&mut client, None, 400, "SubProtocolNotSupportedError").await;
    stack.stop().await;
}

#[tokio::test]
async fn a_request_that_is_no_upgrade_gets_an_answer() {
    let stack = Stack::start(RealtimeLimits::default()).await;
    let client = reqwest_client();
    for path in ["/graphql", "/graphql/realtime"] {
        let response = client
            .get(format!("{}{path}", stack.endpoints.url()))
            .send()
            .await
            .expect("answered");
        assert_eq!(response.status(), 400);
        assert_eq!(
            response.headers()["x-amzn-errortype"],
            "BadRequestException"
        );
        let body: Value = response.json().await.expect("JSON");
        assert_eq!(body["errors"][0]["errorType"], "BadRequestException");
    }
    let posted = client.post(stack.endpoints.graphql_url()).send().await;
    assert_eq!(posted.expect("answered").status(), 200);
    drop(client);
    stack.stop().await;
}

fn reqwest_client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}
