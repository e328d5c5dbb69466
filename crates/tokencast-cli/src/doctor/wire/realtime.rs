//! AppSync's real-time protocol: one socket, any number of subscriptions.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::{SinkExt as _, StreamExt as _};
use http::header::SEC_WEBSOCKET_PROTOCOL;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::Message;

use super::{Refused, WebSocket, Wire};

/// How long `connection_ack` and `start_ack` may take: as long as Amplify waits.
const ACK_TIMEOUT: Duration = Duration::from_secs(15);

/// An event of a subscription.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// Which subscription it is of.
    pub of: String,
    pub at: Instant,
    /// The value of the payload's `data`.
    pub data: Value,
}

pub struct Socket {
    frames: WebSocket,
    authorization: Value,
    /// What is known of subscriptions that were asked for.
    starts: BTreeMap<String, Result<(), Refused>>,
    events: VecDeque<Arrived>,
}

impl Wire {
    /// Connects by the subprotocol, as Amplify does, and waits for `connection_ack`.
    ///
    /// # Errors
    ///
    /// What came in its place.
    pub async fn realtime(&self, graphql_url: &str, token: &str) -> Result<Socket, Refused> {
        self.realtime_as("graphql-ws", graphql_url, token).await
    }

    /// Connects by another subprotocol.
    ///
    /// # Errors
    ///
    /// What came in place of `connection_ack`.
    pub async fn realtime_as(
        &self,
        protocol: &str,
        graphql_url: &str,
        token: &str,
    ) -> Result<Socket, Refused> {
        let header = URL_SAFE_NO_PAD.encode(authorization(graphql_url, token).to_string());
        let protocols = format!("{protocol}, header-{header}");
        let header = (SEC_WEBSOCKET_PROTOCOL, protocols);
        let mut socket = Socket {
            frames: self.dial(&realtime_url(graphql_url), Some(header)).await?,
            authorization: authorization(graphql_url, token),
            starts: BTreeMap::new(),
            events: VecDeque::new(),
        };
        socket.send(&json!({ "type": "connection_init" })).await?;
        let until = Instant::now() + ACK_TIMEOUT;
        loop {
            let frame = socket.frame(until, "`connection_ack`").await?;
            match frame["type"].as_str() {
                Some("connection_ack") => return Ok(socket),
                Some("connection_error" | "error") => return Err(refused(&frame)),
                _ => {}
            }
        }
    }
}

impl Socket {
    /// Asks for a subscription, and waits until it is established.
    ///
    /// # Errors
    ///
    /// It is refused, or nothing comes.
    pub async fn subscribe(
        &mut self,
        id: &str,
        document: &str,
        variables: Value,
    ) -> Result<(), Refused> {
        self.ask(id, document, variables).await?;
        self.established(id).await
    }

    /// Asks for a subscription.
    ///
    /// # Errors
    ///
    /// The socket is gone.
    pub async fn ask(&mut self, id: &str, document: &str, variables: Value) -> Result<(), Refused> {
        let data = json!({ "query": document, "variables": variables }).to_string();
        let start = json!({
            "id": id,
            "type": "start",
            "payload": { "data": data, "extensions": { "authorization": self.authorization } },
        });
        self.send(&start).await
    }

    /// Waits until a subscription that was asked for is established.
    ///
    /// # Errors
    ///
    /// It is refused, or nothing comes.
    pub async fn established(&mut self, id: &str) -> Result<(), Refused> {
        let until = Instant::now() + ACK_TIMEOUT;
        loop {
            if let Some(known) = self.starts.get(id) {
                return known.clone();
            }
            let frame = self.frame(until, "`start_ack`").await?;
            self.file(&frame);
        }
    }

    /// The next event of any subscription. `None` if none comes in time.
    pub async fn event(&mut self, until: Instant) -> Option<Arrived> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let frame = self.frame(until, "an event").await.ok()?;
            self.file(&frame);
        }
    }

    /// Ends the socket without a farewell, as a lost network does.
    pub fn cut(self) {
        drop(self.frames);
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        let farewell = self.frames.close(None);
        // A server that doesn't answer the farewell notices the end by itself.
        let _ = tokio::time::timeout(Duration::from_secs(1), farewell).await;
    }

    fn file(&mut self, frame: &Value) {
        let id = frame["id"].as_str().unwrap_or_default().to_owned();
        match frame["type"].as_str() {
            Some("start_ack") => {
                self.starts.insert(id, Ok(()));
            }
            Some("data") => self.events.push_back(Arrived {
                of: id,
                at: Instant::now(),
                data: frame["payload"]["data"].clone(),
            }),
            Some("error" | "connection_error") => {
                self.starts.insert(id, Err(refused(frame)));
            }
            _ => {}
        }
    }

    async fn send(&mut self, frame: &Value) -> Result<(), Refused> {
        let sent = self.frames.send(Message::text(frame.to_string())).await;
        sent.map_err(|error| Refused::new(None, error.to_string()))
    }

    async fn frame(&mut self, until: Instant, what: &str) -> Result<Value, Refused> {
        loop {
            let message = timeout_at(until, self.frames.next()).await;
            match message {
                Ok(Some(Ok(Message::Text(text)))) if !text.is_empty() => {
                    let frame = serde_json::from_str(&text);
                    return frame.map_err(|_| Refused::new(None, "a frame that is no JSON"));
                }
                Ok(Some(Ok(Message::Close(_))) | None) => {
                    return Err(Refused::new(None, "the socket was closed"));
                }
                Ok(Some(Ok(_))) => {}
                Ok(Some(Err(error))) => return Err(Refused::new(None, error.to_string())),
                Err(_) => return Err(Refused::new(None, format!("{what} did not come in time"))),
            }
        }
    }
}

/// An error frame in one line: `payload.errors` is an array or one object, or `errorType` is in the payload itself.
fn refused(frame: &Value) -> Refused {
    let payload = &frame["payload"];
    let error = match &payload["errors"] {
        Value::Array(errors) => errors.first().unwrap_or(payload),
        error @ Value::Object(_) => error,
        _ => payload,
    };
    let text = |name: &str| match &error[name] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let kind = text("errorType") + &text("errorCode");
    Refused::new(None, format!("{kind}: {}", text("message")))
}

fn authorization(graphql_url: &str, token: &str) -> Value {
    let rest = graphql_url
        .split_once("://")
        .map_or(graphql_url, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or_default();
    json!({ "host": host, "Authorization": token })
}

/// The real-time endpoint of an API: on AWS a host of its own, elsewhere a path.
fn realtime_url(graphql_url: &str) -> String {
    let url = graphql_url.replacen("http", "ws", 1);
    if url.contains(".appsync-api.") && url.contains(".amazonaws.com") {
        return url.replacen(".appsync-api.", ".appsync-realtime-api.", 1);
    }
    format!("{}/realtime", url.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_real_time_endpoint_is_beside_the_api() {
        for (graphql, expected) in [
            (
                "https://abc.appsync-api.eu-west-1.amazonaws.com/graphql",
                "wss://abc.appsync-realtime-api.eu-west-1.amazonaws.com/graphql",
            ),
            (
                "https://chat.example.com/graphql",
                "wss://chat.example.com/graphql/realtime",
            ),
            (
                "http://localhost:4680/graphql",
                "ws://localhost:4680/graphql/realtime",
            ),
        ] {
            assert_eq!(realtime_url(graphql), expected);
        }
    }

    #[test]
    fn an_error_frame_has_one_of_three_shapes() {
        for payload in [
            json!({ "errors": [{ "errorType": "A", "message": "b" }] }),
            json!({ "errors": { "errorType": "A", "message": "b" } }),
            json!({ "errorType": "A", "message": "b" }),
        ] {
            assert_eq!(refused(&json!({ "payload": payload })).message, "A: b");
        }
    }
}
