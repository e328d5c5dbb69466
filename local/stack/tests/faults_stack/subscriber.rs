//! A hand-written client of AppSync's WebSockets, with one subscription.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::stack::{Stack, within};

pub(crate) struct Subscriber(WebSocketStream<TcpStream>);

impl Subscriber {
    pub(crate) async fn connect(stack: &Stack, token: &str) -> Result<Self, tungstenite::Error> {
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
        subscriber.start(stack, token).await?;
        loop {
            let frame = subscriber.next().await.expect("a frame");
            match frame["type"].as_str() {
                Some("start_ack") => return Ok(subscriber),
                Some("error" | "connection_error") => panic!("{frame}"),
                _ => {}
            }
        }
    }

    /// Starts a subscription with the id 1.
    pub(crate) async fn start(
        &mut self,
        stack: &Stack,
        token: &str,
    ) -> Result<(), tungstenite::Error> {
        self.start_as(stack, token, "1").await
    }

    pub(crate) async fn start_as(
        &mut self,
        stack: &Stack,
        token: &str,
        id: &str,
    ) -> Result<(), tungstenite::Error> {
        let query = "subscription { onEvent(sessionId: \"s\") { sessionId token } }";
        let data = json!({ "query": query, "variables": {} }).to_string();
        let start = json!({ "id": id, "type": "start", "payload": {
            "data": data, "extensions": { "authorization": authorization(stack, token) },
        } });
        self.0.send(Message::text(start.to_string())).await
    }

    /// `None` once the socket has ended.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        match within(self.0.next()).await {
            Some(Ok(Message::Text(text))) => Some(serde_json::from_str(&text).expect("JSON")),
            None | Some(Err(_)) => None,
            other => panic!("expected a text or the end, got {other:?}"),
        }
    }

    /// The next tokens, and the error after them.
    pub(crate) async fn tokens_until_error(&mut self) -> (String, Value) {
        let mut all = String::new();
        loop {
            let frame = self.next().await.expect("a frame");
            match frame["type"].as_str() {
                Some("error") => return (all, frame),
                Some("data") => {
                    let token = frame["payload"]["data"]["onEvent"]["token"].as_str();
                    all.push_str(token.expect("a token"));
                }
                _ => {}
            }
        }
    }

    /// The next tokens, up to this one or the end.
    pub(crate) async fn tokens_until(&mut self, last: &str) -> String {
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
