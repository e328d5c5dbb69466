//! A client with nothing around it: one socket for all its subscriptions, and one connection for its mutations.

use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use local_stack::endpoints::Endpoints;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use uuid::Uuid;

use crate::error::{BenchError, Step as _};

const START: &str = "mutation($prompt: String!, $sessionId: String) { startStream(prompt: $prompt, sessionId: $sessionId) { sessionId status } }";
const SUBSCRIBE: &str = "subscription($sessionId: String!) { onTokenReceived(sessionId: $sessionId) { sessionId token isComplete sequence attempt } }";

/// No frame takes this long, so one that does never comes.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Subscriber {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    http: reqwest::Client,
    url: String,
    host: String,
    token: String,
}

impl Subscriber {
    pub(super) async fn connect(endpoints: &Endpoints, token: String) -> Result<Self, BenchError> {
        let url = endpoints.graphql_url();
        let host = format!("localhost:{}", endpoints.address.port());
        let realtime = format!("ws://{host}/graphql/realtime");
        let mut request = realtime.into_client_request().to("connect")?;
        let headers = request.headers_mut();
        headers.insert(
            "sec-websocket-protocol",
            HeaderValue::from_static("graphql-ws"),
        );
        headers.insert(
            "authorization",
            HeaderValue::from_str(&token).to("connect")?,
        );
        let (socket, _) = tokio_tungstenite::connect_async_with_config(request, None, true)
            .await
            .to("connect")?;
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .build()
            .to("make an HTTP client")?;
        let mut subscriber = Self {
            socket,
            http,
            url,
            host,
            token,
        };
        subscriber
            .send(&json!({ "type": "connection_init" }))
            .await?;
        subscriber
            .await_frame(|frame| frame["type"] == "connection_ack")
            .await?;
        Ok(subscriber)
    }

    /// Subscribes to a new session, starts it, and reads it to its end. How long its first token took from its start.
    pub(super) async fn first_token(&mut self) -> Result<Duration, BenchError> {
        let session_id = Uuid::new_v4().to_string();
        let id = &*session_id;
        let data = json!({ "query": SUBSCRIBE, "variables": { "sessionId": id } }).to_string();
        let authorization = json!({ "host": self.host, "Authorization": self.token });
        let payload = json!({ "data": data, "extensions": { "authorization": authorization } });
        self.send(&json!({ "id": id, "type": "start", "payload": payload }))
            .await?;
        self.await_frame(|frame| frame["type"] == "start_ack" && frame["id"] == id)
            .await?;

        let variables = json!({ "prompt": "Count.", "sessionId": id });
        let start = self
            .http
            .post(&self.url)
            .header("authorization", &self.token)
            .json(&json!({ "query": START, "variables": variables }))
            .build()
            .to("call startStream")?;
        let began = Instant::now();
        let started = tokio::spawn(self.http.execute(start));
        let event = move |frame: &Value| frame["type"] == "data" && frame["id"] == id;
        self.await_frame(|frame| event(frame) && token_of(frame)["sequence"] == 1)
            .await?;
        let took = began.elapsed();

        self.await_frame(|frame| event(frame) && token_of(frame)["isComplete"] == true)
            .await?;
        let answer = started
            .await
            .to("call startStream")?
            .to("call startStream")?;
        let answer: Value = answer.json().await.to("call startStream")?;
        if answer["data"]["startStream"]["status"] != "streaming_started" {
            return Err(BenchError::Wrong(format!("startStream answered {answer}")));
        }
        self.send(&json!({ "id": id, "type": "stop" })).await?;
        self.await_frame(|frame| frame["type"] == "complete" && frame["id"] == id)
            .await?;
        Ok(took)
    }

    async fn send(&mut self, frame: &Value) -> Result<(), BenchError> {
        let sent = self.socket.send(Message::text(frame.to_string())).await;
        sent.to("send a frame")
    }

    /// Reads on until a frame is the one.
    async fn await_frame(&mut self, is_it: impl Fn(&Value) -> bool) -> Result<(), BenchError> {
        let reading = async {
            while let Some(message) = self.socket.next().await {
                let Message::Text(text) = message.to("read a frame")? else {
                    continue;
                };
                let frame: Value = serde_json::from_str(&text).to("read a frame")?;
                if is_it(&frame) {
                    return Ok(());
                }
                if frame["type"]
                    .as_str()
                    .is_some_and(|kind| kind.ends_with("error"))
                {
                    return Err(BenchError::Wrong(format!("the socket said {frame}")));
                }
            }
            Err(BenchError::Wrong("the socket was closed".to_owned()))
        };
        tokio::time::timeout(PATIENCE, reading)
            .await
            .to("await a frame")?
    }
}

fn token_of(frame: &Value) -> &Value {
    &frame["payload"]["data"]["onTokenReceived"]
}
