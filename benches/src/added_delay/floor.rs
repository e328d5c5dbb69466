//! The least that a message's way over loopback takes: the hops alone.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::SendRequest;
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::error::{BenchError, Step as _};

/// About what a mutation, an event or an item is here.
const BODY: [u8; 512] = [b'x'; 512];

/// A client of a server on a thread of its own, so that every hop wakes somebody, as between processes.
pub(crate) struct Floor {
    hops: usize,
    sender: SendRequest<Full<Bytes>>,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Floor {
    /// `hops`: each way is one. It must be even; the last two are a request and a WebSocket frame.
    pub(crate) async fn start(hops: usize) -> Result<Self, BenchError> {
        let (http, websocket) = serve()?;
        let stream = TcpStream::connect(http).await.to("connect to the floor")?;
        stream.set_nodelay(true).to("connect to the floor")?;
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream));
        let (sender, connection) = handshake.await.to("connect to the floor")?;
        // Ends with the sender.
        tokio::spawn(connection);
        let url = format!("ws://{websocket}");
        let (socket, _) = tokio_tungstenite::connect_async_with_config(url, None, true)
            .await
            .to("connect to the floor")?;
        Ok(Self {
            hops,
            sender,
            socket,
        })
    }

    /// Crosses loopback as often as was said. How long it took.
    pub(crate) async fn cross(&mut self) -> Result<Duration, BenchError> {
        let began = Instant::now();
        for _ in 1..self.hops / 2 {
            self.request("/").await?;
        }
        self.sender.ready().await.to("cross the floor")?;
        // Its answer comes beside the frame, and is not waited for.
        let request = self.sender.send_request(request("/publish"));
        let (frame, answer) = tokio::join!(
            async {
                let frame = self.socket.next().await;
                (frame, began.elapsed())
            },
            request
        );
        let (frame, took) = frame;
        frame.transpose().to("read the floor's frame")?;
        let body = answer.to("cross the floor")?.into_body();
        body.collect().await.to("cross the floor")?;
        Ok(took)
    }

    /// One request and its answer.
    pub(crate) async fn round_trip(&mut self) -> Result<Duration, BenchError> {
        let began = Instant::now();
        self.request("/").await?;
        Ok(began.elapsed())
    }

    async fn request(&mut self, path: &'static str) -> Result<(), BenchError> {
        self.sender.ready().await.to("cross the floor")?;
        let answer = self
            .sender
            .send_request(request(path))
            .await
            .to("cross the floor")?;
        answer.into_body().collect().await.to("cross the floor")?;
        Ok(())
    }
}

fn request(path: &'static str) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(Bytes::from_static(&BODY)));
    *request.method_mut() = hyper::Method::POST;
    *request.uri_mut() = hyper::Uri::from_static(path);
    let host = hyper::header::HeaderValue::from_static("localhost");
    request.headers_mut().insert(hyper::header::HOST, host);
    request
}

/// Starts the server; it ends with the process.
fn serve() -> Result<(SocketAddr, SocketAddr), BenchError> {
    let bind = || std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).to("listen");
    let (http, websocket) = (bind()?, bind()?);
    let addresses = (
        http.local_addr().to("listen")?,
        websocket.local_addr().to("listen")?,
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .to("start the floor's server")?;
    for listener in [&http, &websocket] {
        listener.set_nonblocking(true).to("listen")?;
    }
    std::thread::spawn(move || runtime.block_on(answer(http, websocket)));
    Ok(addresses)
}

async fn answer(
    http: std::net::TcpListener,
    websocket: std::net::TcpListener,
) -> Result<(), BenchError> {
    let (publish, mut published) = mpsc::channel::<()>(1);
    let http = TcpListener::from_std(http).to("listen")?;
    let websocket = TcpListener::from_std(websocket).to("listen")?;
    let frames = async {
        let (stream, _) = websocket.accept().await.to("accept")?;
        stream.set_nodelay(true).to("accept")?;
        let mut socket = tokio_tungstenite::accept_async(stream).await.to("accept")?;
        while published.recv().await.is_some() {
            let frame = Message::binary(Bytes::from_static(&BODY));
            socket.send(frame).await.to("send a frame")?;
        }
        Ok::<_, BenchError>(())
    };
    let requests = async {
        let (stream, _) = http.accept().await.to("accept")?;
        stream.set_nodelay(true).to("accept")?;
        let service = service_fn(|request: Request<hyper::body::Incoming>| {
            let publish = publish.clone();
            async move {
                if request.uri().path() == "/publish" {
                    // The other end is in this very function.
                    let _ = publish.send(()).await;
                }
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(&BODY))))
            }
        });
        let connection = server::Builder::new().serve_connection(TokioIo::new(stream), service);
        connection.await.to("answer")
    };
    tokio::try_join!(frames, requests).map(drop)
}
