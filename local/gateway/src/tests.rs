//! The gateway, with clients of other libraries.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Extension, Request};
use axum::routing::{any, get};
use futures_util::{FutureExt, SinkExt, StreamExt};
use local_faults::{Claims, FaultService, ServiceEndpoint};
use local_kit::clock::Clock;
use local_kit::peer::Peer;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::Message;

use super::*;

const GRAPHQL: ServiceEndpoint = ServiceEndpoint {
    name: "appsync",
    claims: Claims {
        path: |path| path.starts_with("/graphql"),
        ..Claims::NONE
    },
    takes_browsers: |_| true,
    counted_as: |_| Some(FaultService::AppSync),
    operations: |_, _| Vec::new(),
    names_are_in_body: |_| false,
    error_response: |_, _, _| None,
    unit_bytes: u64::MAX,
};

const PATIENCE: Duration = Duration::from_mins(1);

struct Served {
    port: u16,
    connections: Connections,
    root: CertificateDer<'static>,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

async fn serve(appsync: Router) -> Served {
    let gateway = Gateway::bind(0).await.expect("a port");
    let directory = tempfile::tempdir().expect("a directory");
    let now_ms = Clock::system().now_ms();
    let certificates = Certificates::load(directory.path(), now_ms, &[]).expect("certificates");
    let pem = std::fs::read(certificates.ca_pem_path()).expect("written");
    let service = ServiceRoute {
        endpoint: &GRAPHQL,
        router: appsync,
    };
    let routes = Routes {
        services: vec![service],
        ..Routes::default()
    };
    let (stop, stopped) = oneshot::channel();
    Served {
        port: gateway.local_addr().port(),
        connections: gateway.connections(),
        root: CertificateDer::from_pem_slice(&pem).expect("a certificate"),
        stop: Some(stop),
        serving: tokio::spawn(async move {
            let shutdown = stopped.map(|_| ());
            gateway.serve(routes, &certificates, shutdown).await;
        }),
    }
}

impl Served {
    async fn tcp(&self) -> TcpStream {
        let address = (Ipv4Addr::LOCALHOST, self.port);
        TcpStream::connect(address).await.expect("connected")
    }

    async fn tls(&self, name: &str, protocol: &str) -> tokio_rustls::client::TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).expect("a root");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        let connector = TlsConnector::from(Arc::new(config));
        let stream = connector.connect(name, self.tcp().await).await;
        stream.expect("the certificate is good")
    }

    async fn stop(mut self) {
        self.stop.take().map(|stop| stop.send(()));
        let served = tokio::time::timeout(PATIENCE, &mut self.serving).await;
        served.expect("it stops").expect("without a panic");
        assert_eq!(self.connections.list(), []);
    }
}

fn answering() -> Router {
    let version = async |request: Request| format!("{:?}", request.version());
    let panics = async |request: Request| assert_eq!(request.method(), "PANIC", "of a handler");
    let echo = async |upgrade: WebSocketUpgrade| {
        upgrade.on_upgrade(async |mut socket| {
            while let Some(Ok(message)) = socket.recv().await {
                if socket.send(message).await.is_err() {
                    return;
                }
            }
        })
    };
    Router::new()
        .route("/graphql", any(version))
        .route("/graphql/panics", get(panics))
        .route("/graphql/echo", get(echo))
        .route("/graphql/hangs", get(std::future::pending::<()>))
}

/// The response to a plain HTTP/1.1 request, and everything after it until the connection ends.
async fn http1(mut stream: impl AsyncRead + AsyncWrite + Unpin, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    let sent = stream.write_all(request.as_bytes()).await;
    sent.expect("sent");
    let mut answer = Vec::new();
    // A TLS client reports an error if the server ends the connection without closing TLS.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).expect("text")
}

async fn http2<S>(stream: S) -> String
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let executor = hyper_util::rt::TokioExecutor::new();
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io)
        .await
        .expect("a handshake");
    let driving = tokio::spawn(connection);
    let request = http::Request::get("http://localhost/graphql").body(axum::body::Body::empty());
    let response = sender.send_request(request.expect("a request")).await;
    let response = response.expect("answered").map(axum::body::Body::new);
    let body = axum::body::to_bytes(response.into_body(), 1024).await;
    drop(sender);
    driving.await.expect("no panic").expect("a clean end");
    String::from_utf8(body.expect("read").to_vec()).expect("text")
}

#[tokio::test]
async fn every_protocol_on_one_port() {
    let served = serve(answering()).await;
    assert!(
        http1(served.tcp().await, "/graphql")
            .await
            .ends_with("HTTP/1.1")
    );
    assert_eq!(http2(served.tcp().await).await, "HTTP/2.0");
    for name in ["localhost", "127.0.0.1", "::1"] {
        let tls = served.tls(name, "http/1.1").await;
        assert!(http1(tls, "/graphql").await.ends_with("HTTP/1.1"), "{name}");
    }
    assert_eq!(http2(served.tls("localhost", "h2").await).await, "HTTP/2.0");
    served.stop().await;
}

#[tokio::test]
async fn websockets_over_tls_can_be_cut() {
    let served = serve(answering()).await;
    let tls = served.tls("localhost", "http/1.1").await;
    let (mut socket, _) = tokio_tungstenite::client_async("wss://localhost/graphql/echo", tls)
        .await
        .expect("upgraded");
    socket.send(Message::text("hello")).await.expect("sent");
    let echoed = socket.next().await.expect("a message").expect("a text");
    assert_eq!(echoed, Message::text("hello"));
    let [connection] = served.connections.list()[..] else {
        panic!("one connection")
    };
    assert!(connection.tls && connection.websocket);
    assert_eq!(
        served
            .connections
            .drop_connections(|info| info.id != connection.id),
        0
    );
    assert_eq!(served.connections.drop_websockets(), 1);
    assert!(matches!(socket.next().await, None | Some(Err(_))));
    served.stop().await;
}

#[tokio::test]
async fn a_panic_and_an_unknown_request_are_answered_as_aws_does() {
    let served = serve(answering()).await;
    let check = async |path: &str, status: &str, error_type: &str| {
        let answer = http1(served.tcp().await, path).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
        assert!(
            answer.contains(&format!("x-amzn-errortype: {error_type}")),
            "{answer}"
        );
        assert!(answer.contains("x-amzn-requestid: "), "{answer}");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        let body: Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(body["__type"], error_type);
        assert!(body["message"].is_string());
    };
    check("/graphql/panics", "500", "InternalFailure").await;
    check("/nothing", "404", "UnknownOperationException").await;
    // A request of a service that isn't part of the stack.
    check("/000000000000/jobs", "404", "UnknownOperationException").await;
    served.stop().await;
}

#[tokio::test]
async fn a_request_knows_where_it_comes_from() {
    let peer = async |Extension(peer): Extension<Peer>| {
        format!("{} {}", peer.address.ip(), peer.connection_id)
    };
    let served = serve(Router::new().route("/graphql", get(peer))).await;
    for id in 1..=2 {
        let answer = http1(served.tcp().await, "/graphql").await;
        assert!(answer.ends_with(&format!("127.0.0.1 {id}")), "{answer}");
    }
    served.stop().await;
}

#[tokio::test]
async fn a_port_in_use_is_said_to_be() {
    let first = Gateway::bind(0).await.expect("a port");
    let port = first.local_addr().port();
    let error = Gateway::bind(port).await.expect_err("in use");
    assert!(
        error
            .to_string()
            .starts_with(&format!("port {port} is in use"))
    );
    drop(first);
    let again = Gateway::bind(port).await.expect("free again");
    assert_eq!(again.local_addr().port(), port);
}

#[tokio::test]
async fn localhost_is_both_families() {
    let served = serve(answering()).await;
    let v6 = TcpStream::connect((Ipv6Addr::LOCALHOST, served.port)).await;
    // Unless this machine has no IPv6.
    if let Ok(stream) = v6 {
        assert!(http1(stream, "/graphql").await.ends_with("HTTP/1.1"));
    }
    served.stop().await;
}

#[tokio::test]
async fn a_shutdown_waits_for_nobody_for_long() {
    let served = serve(answering()).await;
    let idle = served.tcp().await;
    let hanging = tokio::spawn(http1(served.tcp().await, "/graphql/hangs"));
    let mut half_a_hello = served.tcp().await;
    half_a_hello.write_all(&[0x16, 3]).await.expect("sent");
    let mut half_a_request = served.tcp().await;
    half_a_request.write_all(b"GET /gra").await.expect("sent");
    let connected = async {
        while served.connections.list().len() < 4 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, connected)
        .await
        .expect("all are accepted");
    served.stop().await;
    hanging.await.expect("ended");
    drop((idle, half_a_hello, half_a_request));
}

#[test]
fn an_operation_has_the_name_that_the_request_gives_it() {
    let request = Request::builder()
        .uri("/")
        .header("x-amz-target", "AmazonSQS.SendMessage")
        .body(Body::empty());
    assert_eq!(
        Routes::default()
            .target(&request.expect("a request"))
            .operation,
        "SendMessage"
    );
    let request = Request::builder()
        .method("POST")
        .uri("/graphql?x")
        .body(Body::empty());
    assert_eq!(
        Routes::default()
            .target(&request.expect("a request"))
            .operation,
        "POST /graphql"
    );
}
