//! Fakes of an API for tests of its clients: an API that does what its test says, frame by frame: AppSync, a WebSocket API beside it, and a function's URL.

#![expect(
    clippy::missing_panics_doc,
    reason = "a test ends in a panic where something is wrong"
)]

mod events;
pub mod function_url;
pub mod held;
mod web_socket;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokencast_client::{Channel, Client, Credentials, Timeouts};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

pub use events::{cancelled, completed, failed, piece, snapshot, token};
pub use function_url::FakeFunction;
pub use web_socket::joined;

/// No step of a test takes this long, be the machine ever so busy.
pub const PATIENCE: Duration = Duration::from_mins(2);

pub struct FakeApi {
    pub url: String,
    pub web_socket_url: String,
    state: Shared,
    sockets: mpsc::Receiver<Socket>,
    calls: mpsc::Receiver<Call>,
    server: JoinHandle<()>,
}

/// A call over HTTP, as it came.
#[derive(Debug)]
pub struct Call {
    pub operation: String,
    pub variables: Value,
    pub authorization: String,
}

/// How calls are answered.
pub struct Replies {
    /// Status 0 is no answer at all.
    pub start: (u16, Value),
    pub stop: (u16, Value),
    /// `data.getStream`
    pub snapshot: Value,
    /// The answer to `getStream` in the place of a snapshot.
    pub get: Option<(u16, Value)>,
    /// The answers to other operations, by their names, in the order of the calls; the last one stays.
    pub others: HashMap<String, VecDeque<(u16, Value)>>,
    /// Calls and connections with this token are refused with 401.
    pub expired_token: Option<String>,
}

impl Replies {
    /// A start that is refused with this `errorType`.
    pub fn refuse_start(&mut self, error_type: &str) {
        let errors = json!([{ "errorType": error_type, "message": "said the server" }]);
        self.start = (200, json!({ "data": null, "errors": errors }));
    }

    pub fn accept_start(&mut self) {
        let response = json!({ "sessionId": "s", "status": "streaming_started", "timestamp": "2026-01-01T00:00:00Z" });
        self.start = (200, json!({ "data": { "startStream": response } }));
    }

    /// Answers the next calls of an operation with these data, one after the other; the last one stays.
    pub fn answer(&mut self, operation: &str, data: impl IntoIterator<Item = Value>) {
        let answers = data.into_iter().map(|data| (200, json!({ "data": data })));
        self.others.insert(operation.into(), answers.collect());
    }

    /// Refuses the calls of an operation with this `errorType`.
    pub fn refuse(&mut self, operation: &str, error_type: &str) {
        let errors = json!([{ "errorType": error_type, "message": "said the server" }]);
        let answer = (200, json!({ "data": null, "errors": errors }));
        self.others.insert(operation.into(), [answer].into());
    }

    fn other(&mut self, operation: &str) -> (u16, Value) {
        let answers = self.others.get_mut(operation);
        let answers = answers.unwrap_or_else(|| panic!("no such operation: {operation}"));
        if answers.len() > 1 {
            answers.pop_front().expect("an answer")
        } else {
            answers[0].clone()
        }
    }

    fn is_expired(&self, authorization: Option<&HeaderValue>) -> bool {
        let shown = authorization.and_then(|value| value.to_str().ok());
        let shown = shown.map(|value| value.strip_prefix("Bearer ").unwrap_or(value));
        shown.is_some() && shown == self.expired_token.as_deref()
    }
}

#[derive(Clone)]
struct Shared {
    replies: Arc<Mutex<Replies>>,
    sockets: mpsc::Sender<Socket>,
    calls: mpsc::Sender<Call>,
}

impl Drop for FakeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl FakeApi {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        let (socket_sender, sockets) = mpsc::channel(16);
        let (call_sender, calls) = mpsc::channel(1_024);
        let response = json!({ "sessionId": "s", "status": "streaming_started", "timestamp": "2026-01-01T00:00:00Z" });
        let replies = Replies {
            start: (200, json!({ "data": { "startStream": response } })),
            stop: (200, json!({ "data": { "stopStream": response } })),
            snapshot: Value::Null,
            get: None,
            others: HashMap::new(),
            expired_token: None,
        };
        let replies = Arc::new(Mutex::new(replies));
        let state = Shared {
            replies,
            sockets: socket_sender,
            calls: call_sender,
        };
        let app = Router::new()
            .route("/graphql", post(answer))
            .route("/graphql/realtime", get(upgrade))
            .route("/websocket/dev", get(upgrade))
            .with_state(state.clone());
        let server =
            tokio::spawn(async move { axum::serve(listener, app).await.expect("it serves") });
        Self {
            url: format!("http://{address}/graphql"),
            web_socket_url: format!("ws://{address}/websocket/dev"),
            state,
            sockets,
            calls,
            server,
        }
    }

    pub fn client(&self) -> Client {
        self.client_with(fast())
    }

    pub fn client_with(&self, timeouts: Timeouts) -> Client {
        client(&self.url, timeouts)
    }

    pub fn replies(&self, change: impl FnOnce(&mut Replies)) {
        change(&mut self.state.replies.lock().expect("not poisoned"));
    }

    /// The next socket that a client opens.
    pub async fn socket(&mut self) -> Socket {
        within(self.sockets.recv()).await.expect("the server runs")
    }

    /// The next socket, subscribed.
    pub async fn subscriber(&mut self) -> Socket {
        let mut socket = self.socket().await;
        socket.acknowledge(300_000).await;
        socket.start_ack().await;
        socket
    }

    /// The calls that nobody has waited for yet.
    pub fn calls_so_far(&mut self) -> Vec<Call> {
        std::iter::from_fn(|| self.calls.try_recv().ok()).collect()
    }

    /// The next call over HTTP.
    pub async fn any_call(&mut self) -> Call {
        within(self.calls.recv()).await.expect("the server runs")
    }

    /// The next call over HTTP of this name; others are passed over.
    pub async fn call(&mut self, operation: &str) -> Call {
        loop {
            let call = self.any_call().await;
            if call.operation == operation {
                return call;
            }
        }
    }
}

/// A client over any channel, with a token.
pub fn client(channel: impl Into<Channel>, timeouts: Timeouts) -> Client {
    Client::builder(channel)
        .credentials(Credentials::token("jwt"))
        .timeouts(timeouts)
        .build()
        .expect("a client")
}

/// One client's socket, driven by the test. Dropping it cuts the connection.
pub struct Socket {
    pub headers: HeaderMap,
    /// Of the subscription; set by [`Socket::start_ack`].
    pub id: String,
    /// Of the last action on a WebSocket API.
    pub session_id: String,
    /// What the subscription's `start` held.
    pub started: Value,
    outgoing: mpsc::Sender<Message>,
    incoming: mpsc::Receiver<Value>,
}

impl Socket {
    pub async fn send(&self, frame: Value) {
        self.send_message(Message::text(frame.to_string())).await;
    }

    pub async fn send_message(&self, message: Message) {
        (self.outgoing.send(message).await).expect("the client is there");
    }

    pub async fn receive(&mut self) -> Value {
        within(self.incoming.recv())
            .await
            .expect("the client is there")
    }

    /// Returns once the client has gone.
    pub async fn gone(&mut self) {
        while within(self.incoming.recv()).await.is_some() {}
    }

    pub async fn acknowledge(&mut self, timeout_ms: u64) {
        assert_eq!(self.receive().await, json!({ "type": "connection_init" }));
        self.send(
            json!({ "type": "connection_ack", "payload": { "connectionTimeoutMs": timeout_ms } }),
        )
        .await;
    }

    pub async fn take_start(&mut self) {
        self.started = self.receive().await;
        assert_eq!(self.started["type"], "start");
        self.started["id"]
            .as_str()
            .expect("an id")
            .clone_into(&mut self.id);
    }

    pub async fn start_ack(&mut self) {
        self.take_start().await;
        self.send(json!({ "type": "start_ack", "id": self.id }))
            .await;
    }

    pub async fn event(&self, event: Value) {
        self.data("onTokenReceived", event).await;
    }

    /// What a subscription to this field brings.
    pub async fn data(&self, field: &str, event: Value) {
        let payload = json!({ "data": { field: event } });
        self.send(json!({ "type": "data", "id": self.id, "payload": payload }))
            .await;
    }

    pub async fn tokens(&self, attempt: u64, tokens: &[(u64, &str)]) {
        for (sequence, text) in tokens {
            self.event(token(attempt, *sequence, text)).await;
        }
    }

    pub async fn error(&self, error_type: &str) {
        let errors = json!([{ "errorType": error_type, "message": "said the server" }]);
        self.send(json!({ "type": "error", "id": self.id, "payload": { "errors": errors } }))
            .await;
    }
}

/// Waits as little as a test can, and gives up on no server that is merely slow.
pub fn fast() -> Timeouts {
    Timeouts {
        retry_first: Duration::from_millis(10),
        retry_max: Duration::from_millis(50),
        gap: Duration::from_millis(20),
        first_connection: Duration::from_mins(1),
        ..Timeouts::default()
    }
}

pub async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("it takes no time")
}

async fn answer(State(state): State<Shared>, headers: HeaderMap, body: String) -> Response {
    let body: Value = serde_json::from_str(&body).expect("JSON");
    let operation = body["operationName"].as_str().expect("a name").to_owned();
    let (status, answer) = {
        let mut replies = state.replies.lock().expect("not poisoned");
        let error =
            json!({ "errorType": "UnauthorizedException", "message": "Token has expired." });
        match operation.as_str() {
            _ if replies.is_expired(headers.get("authorization")) => {
                (401, json!({ "errors": [error] }))
            }
            "StartStream" => replies.start.clone(),
            "StopStream" => replies.stop.clone(),
            "GetStream" => (replies.get.clone())
                .unwrap_or_else(|| (200, json!({ "data": { "getStream": replies.snapshot } }))),
            other => replies.other(other),
        }
    };
    let authorization = headers["authorization"].to_str().expect("text").to_owned();
    let call = Call {
        operation,
        variables: body["variables"].clone(),
        authorization,
    };
    state.calls.send(call).await.expect("the test runs");
    if status == 0 {
        held::until_the_caller_leaves(state.calls).await;
    }
    (
        StatusCode::from_u16(status).expect("a status"),
        answer.to_string(),
    )
        .into_response()
}

async fn upgrade(
    State(state): State<Shared>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if (state.replies.lock().expect("not poisoned")).is_expired(headers.get("authorization")) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    upgrade
        // API Gateway's limits.
        .max_frame_size(32 * 1024)
        .max_message_size(128 * 1024)
        .protocols(["graphql-ws"])
        .on_upgrade(move |socket| pump(state, headers, socket))
}

async fn pump(state: Shared, headers: HeaderMap, mut socket: WebSocket) {
    let (outgoing, mut to_client) = mpsc::channel::<Message>(1_024);
    let (from_client, incoming) = mpsc::channel(1_024);
    let ours = Socket {
        headers,
        id: String::new(),
        session_id: String::new(),
        started: Value::Null,
        outgoing,
        incoming,
    };
    if state.sockets.send(ours).await.is_err() {
        return;
    }
    loop {
        tokio::select! {
            frame = to_client.recv() => match frame {
                Some(frame) => {
                    if socket.send(frame).await.is_err() {
                        return;
                    }
                }
                None => return,
            },
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => {
                    let frame = serde_json::from_str(&text).expect("a frame is JSON");
                    // A test that is done with the socket doesn't read on.
                    let _ = from_client.send(frame).await;
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
        }
    }
}
