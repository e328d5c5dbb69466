//! Requests that a web page can send: with a foreign `Origin`, or under a name that was made to point here, with or
//! without a preflight.

use crate::stack::{OPEN, SIGNED, Target, with};

const EVIL: &str = "https://evil.example";

/// Sends every call from a page of `origin` and to `host`, and checks whether it is allowed. A refusal is 403, and
/// nothing in it lets a browser's page read it.
async fn check(
    target: &Target,
    origin: Option<&str>,
    host: Option<&str>,
    browsers: bool,
    others: bool,
) {
    let all = OPEN.iter().map(|call| (call, browsers));
    for (call, is_heard) in all.chain(SIGNED.iter().map(|call| (call, others))) {
        // Signed with the stack's key, so that only the page is a reason to refuse it.
        let mut headers = if call.signed_for.is_empty() {
            target.headers(call, host)
        } else {
            target.signed(call, host, None)
        };
        if let Some(origin) = origin {
            headers = with(headers, "origin", origin);
        }
        let case = format!("{} from {origin:?} to {host:?}", call.name);
        let answer = target.send(call, call.method, &headers).await;
        let is_refused = answer.status == 403 && answer.body.contains("AccessDeniedException");
        assert_eq!(is_refused, !is_heard, "{case}: {answer:?}");
        if !is_heard || !call.signed_for.is_empty() {
            let tells = answer.head.contains("access-control-allow-origin");
            assert!(!tells, "{case}: {answer:?}");
        }
        let asked = with(headers, "access-control-request-method", call.method);
        let preflight = target.send(call, "OPTIONS", &asked).await;
        if !is_heard || !call.signed_for.is_empty() {
            let tells = preflight.head.contains("access-control-allow-origin");
            assert!(!tells, "{case}: {preflight:?}");
        }
    }
}

#[tokio::test]
async fn pages_of_other_origins_are_not_heard() {
    let target = Target::start(&[], &[]).await;
    check(&target, Some(EVIL), None, false, false).await;
    check(&target, Some("null"), None, false, false).await;
    check(
        &target,
        Some("http://localhost.evil.example"),
        None,
        false,
        false,
    )
    .await;
    // The front end that a developer works on.
    check(&target, Some("http://localhost:5173"), None, true, true).await;
    check(&target, None, None, true, true).await;
    target.stop().await;
}

#[tokio::test]
async fn a_name_that_was_made_to_lead_here_is_not_heard() {
    let target = Target::start(&[], &[]).await;
    let port = target.stack.local.endpoints().address.port();
    let rebound = format!("evil.example:{port}");
    check(&target, None, Some(&rebound), false, false).await;
    // To the browser, this is the page's own origin.
    let own = format!("http://{rebound}");
    check(&target, Some(&own), Some(&rebound), false, false).await;
    check(&target, None, Some("0.0.0.0"), false, false).await;
    check(
        &target,
        None,
        Some(&format!("127.0.0.1:{port}")),
        true,
        true,
    )
    .await;
    target.stop().await;
}

#[tokio::test]
async fn what_is_let_in_is_heard_where_browsers_call() {
    let target = Target::start(&["10.0.2.2"], &["https://app.example"]).await;
    check(&target, None, Some("10.0.2.2:4680"), true, true).await;
    check(&target, Some("https://app.example"), None, true, false).await;
    check(
        &target,
        Some("https://app.example"),
        Some("10.0.2.2:4680"),
        true,
        false,
    )
    .await;
    check(
        &target,
        Some("http://10.0.2.2:4680"),
        Some("10.0.2.2:4680"),
        true,
        false,
    )
    .await;
    check(
        &target,
        Some("http://10.0.2.2:8080"),
        Some("10.0.2.2:4680"),
        false,
        false,
    )
    .await;
    check(&target, Some(EVIL), Some("10.0.2.2:4680"), false, false).await;
    target.stop().await;
}

/// The real-time handshake names the GraphQL host in a header of its own. It may be the host of the socket.
#[tokio::test]
async fn a_host_that_is_let_in_is_the_sockets_as_well() {
    use futures_util::StreamExt as _;
    use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

    let target = Target::start(&["10.0.2.2"], &[]).await;
    let cognito = target.stack.local.cognito().clone();
    let tokens = tokio::task::spawn_blocking(move || cognito.issue_tokens("ada"));
    let token = tokens
        .await
        .expect("no panic")
        .expect("tokens")
        .access_token;
    for (host, acknowledged) in [("10.0.2.2:4680", true), ("10.0.2.3:4680", false)] {
        let mut request = "ws://10.0.2.2:4680/graphql/realtime"
            .into_client_request()
            .expect("a request");
        let headers = request.headers_mut();
        headers.insert(
            "sec-websocket-protocol",
            "graphql-ws".parse().expect("a header"),
        );
        headers.insert("authorization", token.parse().expect("a header"));
        let header = serde_json::json!({ "host": host, "Authorization": token }).to_string();
        let encoded =
            base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, header);
        *request.uri_mut() =
            format!("ws://10.0.2.2:4680/graphql/realtime?header={encoded}&payload=e30")
                .parse()
                .expect("a URI");
        let stream = tokio::net::TcpStream::connect(target.stack.local.endpoints().address).await;
        let connected = tokio_tungstenite::client_async(request, stream.expect("connected")).await;
        let (mut socket, _) = connected.expect("upgraded");
        let init = tokio_tungstenite::tungstenite::Message::text(r#"{"type":"connection_init"}"#);
        futures_util::SinkExt::send(&mut socket, init)
            .await
            .expect("sent");
        let first = local_stack::testing::within(socket.next()).await;
        let first = first.expect("a message").expect("no error").to_string();
        assert_eq!(
            first.contains("connection_ack"),
            acknowledged,
            "{host}: {first}"
        );
    }
    target.stop().await;
}
