//! A bare client: a socket for its subscriptions, and `startStream`.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokencast::stack::{RunningStack, users};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::error::{BenchError, Step as _};

const START: &str = "mutation($prompt: String!, $sessionId: String, $conversationId: String, $parentId: String) {
    startStream(prompt: $prompt, sessionId: $sessionId, conversationId: $conversationId, parentId: $parentId) { sessionId status }
}";
const SUBSCRIBE: &str = "subscription($sessionId: String!) { onTokenReceived(sessionId: $sessionId) { sessionId token isComplete sequence attempt status } }";

/// No frame takes this long. One that does would never come.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where in a conversation a turn belongs.
#[derive(Clone, Debug)]
pub struct Place {
    pub conversation_id: String,
    /// The session that it continues. The first turn has none.
    pub parent_id: Option<String>,
}

/// A user of a stack, signed in.
#[derive(Clone, Debug)]
pub struct User {
    http: reqwest::Client,
    graphql_url: String,
    host: String,
    token: String,
}

impl User {
    /// Signs in as the stack's first user.
    ///
    /// # Errors
    ///
    /// The user pool has no such user.
    pub async fn sign_in(stack: &RunningStack) -> Result<Self, BenchError> {
        let cognito = stack.local.cognito().clone();
        let user = users().swap_remove(0).username;
        // The call may have to wait for the pool's key.
        let tokens = tokio::task::spawn_blocking(move || cognito.issue_tokens(&user));
        let tokens = tokens.await.to("sign in")?.to("sign in")?;
        let endpoints = &stack.info.endpoints;
        Ok(Self {
            http: http_client()?,
            graphql_url: endpoints.graphql_url(),
            host: format!("localhost:{}", endpoints.address.port()),
            token: tokens.access_token,
        })
    }

    /// Starts a session whose prompt is its id. Nothing is sent before the future is polled.
    ///
    /// # Errors
    ///
    /// The future fails if AppSync can't be reached or refuses the start.
    pub fn start_stream(
        &self,
        id: &str,
    ) -> impl Future<Output = Result<(), BenchError>> + Send + use<> {
        self.start(&json!({ "prompt": id, "sessionId": id }))
    }

    /// Starts a turn of a conversation, as [`Self::start_stream`] starts a session.
    ///
    /// # Errors
    ///
    /// The future fails if AppSync can't be reached or refuses the start.
    pub fn start_turn(
        &self,
        id: &str,
        place: &Place,
    ) -> impl Future<Output = Result<(), BenchError>> + Send + use<> {
        self.start(&json!({
            "prompt": id, "sessionId": id,
            "conversationId": place.conversation_id, "parentId": place.parent_id,
        }))
    }

    fn start(
        &self,
        variables: &Value,
    ) -> impl Future<Output = Result<(), BenchError>> + Send + use<> {
        let request = self
            .http
            .post(&self.graphql_url)
            .header("authorization", &self.token)
            .json(&json!({ "query": START, "variables": variables }))
            .build();
        let http = self.http.clone();
        async move {
            let answer = http.execute(request.to("call startStream")?).await;
            let answer = answer.to("call startStream")?.json::<Value>().await;
            let answer = answer.to("call startStream")?;
            // A short answer may be over before its start is answered.
            let status = answer["data"]["startStream"]["status"].as_str();
            if matches!(status, Some("streaming_started" | "COMPLETED")) {
                return Ok(());
            }
            Err(BenchError::Wrong(format!("startStream answered {answer}")))
        }
    }

    /// Opens a real-time socket.
    ///
    /// # Errors
    ///
    /// AppSync can't be reached, or refuses the connection.
    pub async fn connect(&self) -> Result<Subscriber, BenchError> {
        let realtime = format!("ws://{}/graphql/realtime", self.host);
        let mut request = realtime.into_client_request().to("connect")?;
        let headers = request.headers_mut();
        let protocol = HeaderValue::from_static("graphql-ws");
        headers.insert("sec-websocket-protocol", protocol);
        let token = HeaderValue::from_str(&self.token).to("connect")?;
        headers.insert("authorization", token);
        let connecting = tokio_tungstenite::connect_async_with_config(request, None, true);
        let (socket, _) = connecting.await.to("connect")?;
        let mut subscriber = Subscriber {
            socket,
            user: self.clone(),
        };
        let init = json!({ "type": "connection_init" });
        subscriber.send(&init).await?;
        subscriber.frame("connection_ack").await?;
        Ok(subscriber)
    }
}

/// Makes an HTTP client for the local stack, which answers in plain text.
pub(crate) fn http_client() -> Result<reqwest::Client, BenchError> {
    // The stack installs the same provider, but may not have started yet. A provider that is already installed does as
    // well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]);
    client.build().to("make an HTTP client")
}

/// A user's real-time socket.
#[derive(Debug)]
pub struct Subscriber {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    user: User,
}

impl Subscriber {
    /// Subscribes to a session. Returns once AppSync sends its events.
    ///
    /// # Errors
    ///
    /// AppSync refuses the subscription.
    pub async fn subscribe(&mut self, id: &str) -> Result<(), BenchError> {
        let data = json!({ "query": SUBSCRIBE, "variables": { "sessionId": id } }).to_string();
        let authorization = json!({ "host": self.user.host, "Authorization": self.user.token });
        let payload = json!({ "data": data, "extensions": { "authorization": authorization } });
        let start = json!({ "id": id, "type": "start", "payload": payload });
        self.send(&start).await?;
        self.frame("start_ack").await.map(drop)
    }

    /// Ends a subscription. Returns once AppSync sends no more events.
    ///
    /// # Errors
    ///
    /// The socket is closed.
    pub async fn unsubscribe(&mut self, id: &str) -> Result<(), BenchError> {
        self.send(&json!({ "id": id, "type": "stop" })).await?;
        self.frame("complete").await.map(drop)
    }

    /// Returns the next event.
    ///
    /// # Errors
    ///
    /// No event comes in time, or the socket is closed.
    pub async fn event(&mut self) -> Result<Value, BenchError> {
        let mut frame = self.frame("data").await?;
        Ok(frame["payload"]["data"]["onTokenReceived"].take())
    }

    async fn send(&mut self, frame: &Value) -> Result<(), BenchError> {
        let sent = self.socket.send(Message::text(frame.to_string())).await;
        sent.to("send a frame")
    }

    /// Returns the next frame of a kind. It skips other frames, and fails on an error frame.
    async fn frame(&mut self, kind: &str) -> Result<Value, BenchError> {
        let reading = async {
            while let Some(message) = self.socket.next().await {
                let Message::Text(text) = message.to("read a frame")? else {
                    continue;
                };
                let frame: Value = serde_json::from_str(&text).to("read a frame")?;
                let found = frame["type"].as_str().unwrap_or_default();
                if found == kind {
                    return Ok(frame);
                }
                if found.ends_with("error") {
                    return Err(BenchError::Wrong(format!("the socket said {frame}")));
                }
            }
            Err(BenchError::Wrong("the socket was closed".to_owned()))
        };
        let frame = tokio::time::timeout(PATIENCE, reading).await;
        frame.to("await a frame")?
    }
}
