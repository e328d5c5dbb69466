//! The protocol through a gateway, with another library's WebSocket client.

mod connect;
mod fan_out;
mod messages;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, SinkExt, StreamExt};
use local_gateway::{Certificates, Connections, Gateway, Routes, ServiceRoute};
use local_kit::clock::Clock;
use local_kit::endpoints::Endpoints;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::{Realtime, RealtimeLimits, Refusal, Subscribe};
use crate::api::GraphqlRequest;
use crate::caller::Caller;
use crate::config::AuthMode;
use crate::subscriptions::{Hub, Subscription};
use crate::test_support::{Pool, REGION, authenticator_with};

/// A bound for what should happen at once.
const PATIENCE: Duration = Duration::from_mins(1);

pub(super) struct Stack {
    pub(super) endpoints: Endpoints,
    pub(super) hub: Hub,
    pub(super) clock: Clock,
    pub(super) connections: Connections,
    /// Admits the subscription of the session `slow`.
    pub(super) admit_slow: Arc<Notify>,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

impl Stack {
    pub(super) async fn start(limits: RealtimeLimits) -> Self {
        let gateway = Gateway::bind(0).await.expect("a port");
        let endpoints = Endpoints {
            address: gateway.local_addr(),
            region: REGION.into(),
            account_id: "000000000000".into(),
            api_id: "local".into(),
        };
        let (hub, clock, admit_slow) = (Hub::default(), Clock::system(), Arc::new(Notify::new()));
        let realtime = Realtime {
            authenticator: authenticator_with(&[AuthMode::UserPools, AuthMode::Iam], clock.clone()),
            subscribe: Arc::new(Resolver {
                admit_slow: Arc::clone(&admit_slow),
            }),
            hub: hub.clone(),
            endpoints: endpoints.clone(),
            clock: clock.clone(),
            limits,
        };
        // Beside the HTTP endpoint, which has the same path.
        let http = Router::new().route("/graphql", post(async || "{}"));
        let routes = Routes {
            services: vec![ServiceRoute {
                endpoint: &crate::ENDPOINT,
                router: http.merge(realtime.router()),
            }],
            ..Routes::default()
        };
        let directory = tempfile::tempdir().expect("a directory");
        let certificates =
            Certificates::load(directory.path(), clock.now_ms(), &[]).expect("certificates");
        let connections = gateway.connections();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(async move {
            gateway
                .serve(routes, &certificates, stopped.map(|_| ()))
                .await;
        });
        Self {
            endpoints,
            hub,
            clock,
            connections,
            admit_slow,
            stop: Some(stop),
            serving,
        }
    }

    pub(super) fn host(&self) -> String {
        format!("localhost:{}", self.endpoints.address.port())
    }

    pub(super) fn authorization(&self) -> Value {
        json!({ "host": self.host(), "Authorization": Pool::shared().fresh_access_token(3600) })
    }

    pub(super) async fn connect(
        &self,
        path: &str,
        protocols: &str,
        headers: &[(&str, &str)],
    ) -> Client {
        let url = format!("ws://{}{path}", self.host());
        let mut request = url.into_client_request().expect("a request");
        if !protocols.is_empty() {
            request.headers_mut().insert(
                "sec-websocket-protocol",
                protocols.parse().expect("a header"),
            );
        }
        for (name, value) in headers {
            let name = http::HeaderName::from_bytes(name.as_bytes()).expect("a name");
            request
                .headers_mut()
                .insert(name, value.parse().expect("a header"));
        }
        let tcp = TcpStream::connect(self.endpoints.address)
            .await
            .expect("connected");
        let (socket, response) = client_async(request, tcp).await.expect("upgraded");
        let protocol = response.headers().get("sec-websocket-protocol");
        let protocol = protocol.map(|protocol| protocol.to_str().expect("text").to_owned());
        Client { socket, protocol }
    }

    /// A connection with a user's token, after its first frames.
    pub(super) async fn client(&self) -> Client {
        let header = STANDARD.encode(self.authorization().to_string());
        let path = format!("/graphql/realtime?header={header}&payload=e30=");
        let mut client = self.connect(&path, "graphql-ws", &[]).await;
        client.send(json!({"type": "connection_init"})).await;
        assert_eq!(client.next().await["type"], "connection_ack");
        assert_eq!(client.next().await["type"], "ka");
        client
    }

    pub(super) fn start_message(&self, id: &str, session: &str) -> Value {
        let data =
            json!({ "query": "subscription", "variables": { "sessionId": session } }).to_string();
        json!({ "type": "start", "id": id, "payload": {
            "data": data, "extensions": { "authorization": self.authorization() },
        } })
    }

    pub(super) fn publish(&self, session: &str, token: &str) -> usize {
        self.hub.publish(
            "publishToken",
            &json!({ "sessionId": session, "token": token }),
        )
    }

    /// Ends the stack, and fails if a task is left.
    pub(super) async fn stop(mut self) {
        self.stop.take().map(|stop| stop.send(()));
        let served = tokio::time::timeout(PATIENCE, &mut self.serving).await;
        served.expect("the gateway stops").expect("without a panic");
        assert_eq!(self.connections.list(), []);
        assert!(self.hub.is_empty());
    }
}

pub(super) fn subprotocol(header: &Value) -> String {
    format!(
        "graphql-ws, header-{}",
        URL_SAFE_NO_PAD.encode(header.to_string())
    )
}

/// A fake API, which admits any session but `forbidden`.
struct Resolver {
    admit_slow: Arc<Notify>,
}

impl Subscribe for Resolver {
    fn subscribe<'a>(
        &'a self,
        request: GraphqlRequest,
        _caller: &'a Caller,
    ) -> BoxFuture<'a, Result<Subscription, Vec<Refusal>>> {
        async move {
            let arguments = request.variables.unwrap_or_default();
            match arguments.get("sessionId").and_then(Value::as_str) {
                Some("forbidden") => {
                    let refusal =
                        Refusal::new("Unauthorized", "Not Authorized to access onTokenReceived");
                    return Err(vec![refusal]);
                }
                Some("slow") => self.admit_slow.notified().await,
                _ => {}
            }
            Ok(Subscription {
                field: "onTokenReceived".into(),
                mutations: vec!["publishToken".into()],
                arguments,
                selection_key: "{token}".into(),
                render: Arc::new(
                    |result| json!({ "data": { "onTokenReceived": { "token": result["token"] } } }),
                ),
            })
        }
        .boxed()
    }
}

pub(super) struct Client {
    socket: WebSocketStream<TcpStream>,
    pub(super) protocol: Option<String>,
}

impl Client {
    pub(super) async fn send(&mut self, message: Value) {
        self.send_raw(Message::text(message.to_string())).await;
    }

    pub(super) async fn send_raw(&mut self, message: Message) {
        self.socket.send(message).await.expect("sent");
    }

    async fn receive(&mut self) -> Option<Result<Message, tungstenite::Error>> {
        tokio::time::timeout(PATIENCE, self.socket.next())
            .await
            .expect("a message in time")
    }

    pub(super) async fn next(&mut self) -> Value {
        match self.receive().await {
            Some(Ok(Message::Text(text))) => serde_json::from_str(&text).expect("JSON"),
            other => panic!("expected a text, got {other:?}"),
        }
    }

    /// The close frame's code, or `None` if the connection ended without one.
    pub(super) async fn closed(&mut self) -> Option<u16> {
        match self.receive().await {
            Some(Ok(Message::Close(frame))) => {
                let code = frame.map(|frame| frame.code.into());
                while let Some(Ok(_)) = self.receive().await {}
                code
            }
            None | Some(Err(_)) => None,
            other => panic!("expected the end, got {other:?}"),
        }
    }

    /// Subscribes and waits until it is acknowledged.
    pub(super) async fn start(&mut self, stack: &Stack, id: &str, session: &str) {
        self.send(stack.start_message(id, session)).await;
        assert_eq!(self.next().await, json!({"type": "start_ack", "id": id}));
    }
}

pub(super) fn data(id: &str, token: &str) -> Value {
    json!({ "id": id, "type": "data", "payload": { "data": { "onTokenReceived": { "token": token } } } })
}
