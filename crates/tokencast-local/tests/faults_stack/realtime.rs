//! Frames that are dropped, repeated, late or in another order, and sockets that are cut.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokencast_local::faults::{Fault, FaultService, Rule};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::stack::{Stack, rule, within};

struct Subscriber(WebSocketStream<TcpStream>);

impl Subscriber {
    async fn connect(stack: &Stack, token: &str) -> Result<Self, tungstenite::Error> {
        let address = stack.local.endpoints().address;
        let authorization = authorization(stack, token);
        let header = STANDARD.encode(authorization.to_string());
        let url = format!("ws://{address}/graphql/realtime?header={header}&payload=e30=");
        let mut request = url.into_client_request()?;
        let protocol = "graphql-ws".parse().expect("a header");
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        let (socket, _) = within(client_async(request, TcpStream::connect(address).await?)).await?;
        let mut subscriber = Self(socket);
        let query = "subscription { onEvent(sessionId: \"s\") { sessionId token } }";
        let data = json!({ "query": query, "variables": {} }).to_string();
        let start = json!({ "id": "1", "type": "start", "payload": {
            "data": data, "extensions": { "authorization": authorization },
        } });
        subscriber.0.send(Message::text(start.to_string())).await?;
        loop {
            let frame = subscriber.next().await.expect("a frame");
            match frame["type"].as_str() {
                Some("start_ack") => return Ok(subscriber),
                Some("error" | "connection_error") => panic!("{frame}"),
                _ => {}
            }
        }
    }

    /// `None` when the socket ended.
    async fn next(&mut self) -> Option<Value> {
        match within(self.0.next()).await {
            Some(Ok(Message::Text(text))) => Some(serde_json::from_str(&text).expect("JSON")),
            None | Some(Err(_)) => None,
            other => panic!("expected a text or the end, got {other:?}"),
        }
    }

    /// The next tokens, until this one or the end.
    async fn tokens_until(&mut self, last: &str) -> String {
        let mut all = String::new();
        while let Some(frame) = self.next().await {
            if frame["type"] == "data" {
                let token = frame["payload"]["data"]["onEvent"]["token"].as_str();
                all.push_str(token.expect("a token"));
                if token == Some(last) {
                    break;
                }
            }
        }
        all
    }
}

fn authorization(stack: &Stack, token: &str) -> Value {
    let host = stack.url.trim_start_matches("http://");
    json!({ "host": host, "Authorization": token })
}

fn data(fault: Fault) -> Rule {
    rule(FaultService::Realtime, "data", fault)
}

/// What a subscriber gets, up to its end, of `abcdef!`, each letter an event.
async fn received(rule: Rule) -> String {
    let stack = Stack::with(rule).await;
    let token = stack.token().await;
    let mut subscriber = Subscriber::connect(&stack, &token)
        .await
        .expect("connected");
    for text in ["a", "b", "c", "d", "e", "f", "!"] {
        let answer = stack.publish(&token, text).await;
        assert_eq!(answer["data"]["publish"]["token"], text, "{answer}");
    }
    let got = subscriber.tokens_until("!").await;
    drop(subscriber);
    stack.stop().await;
    got
}

#[tokio::test]
async fn frames_get_lost() {
    assert_eq!(received(data(Fault::Drop).after(1).times(2)).await, "adef!");
}

#[tokio::test]
async fn frames_come_again() {
    let twice = Fault::Repeat { times: 2 };
    assert_eq!(received(data(twice).after(2).times(1)).await, "abcccdef!");
}

#[tokio::test]
async fn frames_change_places() {
    let reorder = |window, within_ms| data(Fault::Reorder { window, within_ms }).times(4);
    let got = received(reorder(4, 10_000)).await;
    assert_eq!(&got[4..], "ef!");
    let mut moved: Vec<char> = got[..4].chars().collect();
    assert_ne!(moved, ['a', 'b', 'c', 'd']);
    assert_eq!(
        received(reorder(4, 10_000)).await,
        got,
        "the seed repeats it"
    );
    moved.sort_unstable();
    assert_eq!(moved, ['a', 'b', 'c', 'd'], "none is lost");
    let few = Fault::Reorder {
        window: 100,
        within_ms: 50,
    };
    assert_eq!(
        received(data(few).after(6)).await,
        "abcdef!",
        "a window that never fills"
    );
}

#[tokio::test]
async fn a_late_frame_is_overtaken_and_equally_late_ones_are_not() {
    let late = Fault::Delay { ms: 400 };
    let got = received(data(late.clone()).containing("\"!\"")).await;
    assert_eq!(got, "abcdef!");
    let got = received(data(late)).await;
    assert_eq!(got, "abcdef!");
}

#[tokio::test]
async fn a_socket_is_cut_at_a_frame() {
    let stack = Stack::with(data(Fault::Disconnect).after(2).times(1)).await;
    let token = stack.token().await;
    let mut subscriber = Subscriber::connect(&stack, &token)
        .await
        .expect("connected");
    for text in ["a", "b", "c", "d"] {
        stack.publish(&token, text).await;
    }
    assert_eq!(subscriber.tokens_until("d").await, "ab");
    let mut again = Subscriber::connect(&stack, &token)
        .await
        .expect("connected");
    stack.publish(&token, "e").await;
    assert_eq!(again.tokens_until("e").await, "e");
    drop((subscriber, again));
    stack.stop().await;
}

#[tokio::test]
async fn connects_are_refused_and_an_outage_cuts_sockets() {
    let connect = |fault| rule(FaultService::Realtime, "connect", fault);
    let stack = Stack::start().await;
    let token = stack.token().await;
    let mut subscriber = Subscriber::connect(&stack, &token)
        .await
        .expect("connected");
    stack.set(connect(Fault::error("TooManyRequestsException")).times(1));
    match Subscriber::connect(&stack, &token).await.err() {
        Some(tungstenite::Error::Http(response)) => assert_eq!(response.status(), 429),
        other => panic!("expected an HTTP error, got {other:?}"),
    }
    stack.set(connect(Fault::Unavailable { for_ms: None }));
    let refused = Subscriber::connect(&stack, &token).await;
    assert!(refused.is_err(), "reset");
    assert_eq!(subscriber.tokens_until("x").await, "");
    stack.stop().await;
}

#[tokio::test]
async fn what_is_published_and_delivered_is_counted() {
    let stack = Stack::start().await;
    let token = stack.token().await;
    let connect = || Subscriber::connect(&stack, &token);
    let mut first = connect().await.expect("connected");
    let mut second = connect().await.expect("connected");
    for text in ["a", "!"] {
        stack.publish(&token, text).await;
    }
    assert_eq!(first.tokens_until("!").await, "a!");
    assert_eq!(second.tokens_until("!").await, "a!");
    let usage = stack.local.usage();
    assert_eq!(usage.of("realtime", "connect").count, 2);
    assert_eq!(usage.of("realtime", "start").count, 2);
    let delivered = usage.of("realtime", "data");
    assert_eq!((delivered.count, delivered.units), (4, 4));
    assert!(delivered.bytes_out > 4);
    let published = usage.of("appsync", "publish");
    assert_eq!(published.count, 2);
    assert!(published.bytes_in > 0 && published.bytes_out > 0);
    let query = json!({ "query": "{ nonsense }" });
    stack.graphql(&token, &query).await.expect("answered");
    assert_eq!(usage.of("appsync", "error").count, 1);
    stack.send("x").await.expect("sent");
    assert_eq!(usage.of("sqs", "SendMessage").count, 1);
    drop((first, second));
    let lasted = async || {
        let lasted_ms = usage.of("realtime", "connect").duration_ms;
        (lasted_ms > 0).then_some(())
    };
    crate::stack::eventually(lasted).await;
    stack.stop().await;
}
