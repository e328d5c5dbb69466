//! A stack with one WebSocket API, and clients of it.

use std::collections::BTreeMap;

use aws_credential_types::Credentials;
use aws_sdk_apigatewaymanagement::Client;
use aws_sdk_apigatewaymanagement::config::retry::RetryConfig;
use aws_sdk_apigatewaymanagement::config::{BehaviorVersion, Region};
use futures_util::{SinkExt as _, StreamExt as _};
use local_iam::{Principal, Statement};
use local_stack::config::{
    RequestAuthorizerConfig, RouteConfig, WebSocketApiConfig, WebSocketLimits,
};
use local_stack::testing::{TestStack, eventually, function, within};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

pub(crate) const STAGE: &str = "dev";
pub(crate) const KEY: &str = "AKIALOCALBACKEND";
pub(crate) const SECRET: &str = "of-the-backend";

pub(crate) struct Api {
    pub(crate) stack: TestStack,
}

pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) protocol: Option<String>,
}

impl Api {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut WebSocketApiConfig)) -> Self {
        let route = |route_response| RouteConfig {
            function: "routes".to_owned(),
            route_response,
        };
        let answering = ["echo", "fail", "hang", "null", "wait", "large", "$default"];
        let silent = ["$connect", "$disconnect", "silent"];
        let routes = answering
            .map(|key| (key, true))
            .into_iter()
            .chain(silent.map(|key| (key, false)));
        let mut api = WebSocketApiConfig {
            stage: STAGE.to_owned(),
            authorizer: Some(RequestAuthorizerConfig {
                function: "authorizer".to_owned(),
                identity_sources: Vec::new(),
            }),
            routes: routes
                .map(|(key, response)| (key.to_owned(), route(response)))
                .collect::<BTreeMap<_, _>>(),
            limits: WebSocketLimits::default(),
        };
        change(&mut api);
        let stack = TestStack::start(|config| {
            config.functions = vec![function("authorizer"), function("routes")];
            config.websocket_apis = vec![api];
        })
        .await;
        let endpoints = stack.local.endpoints();
        let everything = endpoints.websocket_arn(STAGE, "*");
        stack.local.credentials().insert(backend(KEY, &everything));
        Self { stack }
    }

    pub(crate) async fn stop(self) {
        self.stack.stop().await;
    }

    pub(crate) fn url(&self) -> String {
        self.stack.local.endpoints().websocket_url(STAGE)
    }

    /// A socket of the user `ada`.
    pub(crate) async fn connect(&self) -> Socket {
        let connected = self.try_connect("?token=ada", &[]).await;
        connected.expect("connected")
    }

    /// The socket, or the status and body of the refusal.
    pub(crate) async fn try_connect(
        &self,
        query: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Socket, (u16, Value)> {
        let url = format!("{}{query}", self.url());
        let mut request = url.into_client_request().expect("a request");
        for (name, value) in headers {
            let value = value.parse().expect("a header");
            request.headers_mut().insert(*name, value);
        }
        match within(Box::pin(connect_async(request))).await {
            Ok((stream, response)) => {
                let protocol = response.headers().get("sec-websocket-protocol");
                let protocol = protocol.map(|it| it.to_str().expect("text").to_owned());
                Ok(Socket { stream, protocol })
            }
            Err(Error::Http(response)) => {
                let body = response.body().as_deref().unwrap_or_default();
                let body = serde_json::from_slice(body).unwrap_or_default();
                Err((response.status().as_u16(), body))
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// The id of the only connection, once there is one.
    pub(crate) async fn only_connection(&self) -> String {
        eventually(async || {
            let ids = self.stack.local.websocket_apis().connections(STAGE);
            (ids.len() == 1).then(|| ids[0].clone())
        })
        .await
    }

    pub(crate) async fn no_connection(&self) {
        eventually(async || {
            let ids = self.stack.local.websocket_apis().connections(STAGE);
            ids.is_empty().then_some(())
        })
        .await;
    }

    /// AWS's own client of `@connections`, with the backend's key.
    pub(crate) fn management(&self) -> Client {
        self.management_with(KEY, SECRET)
    }

    pub(crate) fn management_with(&self, key: &str, secret: &str) -> Client {
        let endpoint = self.stack.local.endpoints().websocket_callback_url(STAGE);
        let config = aws_sdk_apigatewaymanagement::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(Credentials::new(key, secret, None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(endpoint);
        Client::from_conf(config.build())
    }
}

/// A key that may manage these connections.
pub(crate) fn backend(key: &str, resource: &str) -> Principal {
    Principal {
        access_key_id: key.to_owned(),
        secret_access_key: SECRET.to_owned(),
        session_token: None,
        account_id: "000000000000".to_owned(),
        arn: "arn:aws:iam::000000000000:user/backend".to_owned(),
        expires_at_ms: None,
        policy: vec![Statement {
            actions: vec!["execute-api:ManageConnections".to_owned()],
            resources: vec![resource.to_owned()],
        }],
    }
}

impl Socket {
    pub(crate) async fn send(&mut self, text: &str) {
        self.send_message(Message::text(text)).await;
    }

    pub(crate) async fn send_message(&mut self, message: Message) {
        within(self.stream.send(message)).await.expect("sent");
    }

    pub(crate) async fn text(&mut self) -> String {
        match within(self.stream.next()).await {
            Some(Ok(Message::Text(text))) => text.to_string(),
            other => panic!("expected a text, got {other:?}"),
        }
    }

    pub(crate) async fn json(&mut self) -> Value {
        serde_json::from_str(&self.text().await).expect("JSON")
    }

    /// The close frame that ends the connection.
    pub(crate) async fn close_frame(&mut self) -> CloseFrame {
        match within(self.stream.next()).await {
            Some(Ok(Message::Close(Some(frame)))) => frame,
            other => panic!("expected a close, got {other:?}"),
        }
    }

    /// Checks that the connection ends without a close frame.
    pub(crate) async fn cut(&mut self) {
        match within(self.stream.next()).await {
            None | Some(Err(_)) => {}
            Some(Ok(message)) => panic!("expected the end, got {message:?}"),
        }
    }

    pub(crate) async fn close(&mut self, frame: Option<CloseFrame>) {
        within(self.stream.close(frame)).await.expect("closed");
        while let Some(Ok(_)) = within(self.stream.next()).await {}
    }
}
