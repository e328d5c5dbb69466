//! One connection: TLS or plain text, then HTTP/1.1 or HTTP/2, as the client chooses.

use std::any::Any;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use futures_util::FutureExt;
use http::{HeaderName, HeaderValue, Request, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use local_faults::{FaultService, RequestInfo};
use local_kit::peer::Peer;
use rustix::process::Signal;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;
use tracing::{debug, error};
use uuid::Uuid;

use super::connections::{Connections, Mark};
use super::count::Counting;
use super::guard;
use super::intercept::{Interception, counted_as, replaced};
use super::refusal::internal_failure;
use super::routes::{Routes, Target};
use super::stream::Stream;

/// The first byte of a TLS handshake record. No HTTP request starts with it.
const TLS_HANDSHAKE: u8 = 0x16;
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// What all connections of a gateway share.
pub(super) struct Context {
    pub(super) routes: Routes,
    pub(super) tls: TlsAcceptor,
    pub(super) connections: Connections,
    pub(super) tasks: TaskTracker,
    pub(super) closing: CancellationToken,
}

pub(super) async fn serve(context: Arc<Context>, tcp: TcpStream, address: SocketAddr) {
    let entry = context.connections.add(address);
    let peer = Peer {
        address,
        connection_id: entry.id(),
        closing: context.closing.clone(),
    };
    let (mark, cut) = (entry.mark(), entry.cut());
    // Sends each token at once, in a segment of its own.
    if let Err(error) = tcp.set_nodelay(true) {
        debug!(%error, "no TCP_NODELAY");
    }
    let mut first = [0];
    let peeked = tokio::select! {
        peeked = tcp.peek(&mut first) => peeked,
        () = context.closing.cancelled() => return,
        () = cut.cancelled() => return,
    };
    if !matches!(peeked, Ok(1)) {
        return;
    }
    let stream = Stream::new(tcp, entry, context.tasks.token());
    if first[0] != TLS_HANDSHAKE {
        return serve_http(&context, stream, peer, mark).await;
    }
    mark.tls();
    match tokio::time::timeout(HANDSHAKE_TIMEOUT, context.tls.accept(stream)).await {
        Ok(Ok(stream)) => serve_http(&context, stream, peer, mark).await,
        // Most often the client doesn't trust the local authority.
        Ok(Err(error)) => debug!(%error, "TLS handshake"),
        Err(_) => debug!("TLS handshake took too long"),
    }
}

async fn serve_http<S>(context: &Arc<Context>, stream: S, peer: Peer, mark: Mark)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = service_fn(|request| {
        let (context, peer, mark) = (Arc::clone(context), peer.clone(), mark.clone());
        async move { Ok::<_, Infallible>(intercept_and_handle(&context, peer, &mark, request).await) }
    });
    let mut http = auto::Builder::new(Tracked(context.tasks.clone()));
    // This timeout would also end idle connections, just when a client is about to use them again.
    http.http1().header_read_timeout(None);
    http.http2().timer(TokioTimer::new());
    let mut connection = pin!(http.serve_connection_with_upgrades(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = context.closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(error = &*error, "connection");
    }
}

/// Handles every request, with its service and operation known, and applies the fault that is planned for it.
async fn intercept_and_handle(
    context: &Context,
    peer: Peer,
    mark: &Mark,
    request: Request<Incoming>,
) -> Response {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(peer);
    let target = context.routes.target(&request);
    if context.routes.control(&request).is_none()
        && let Err(refusal) = guard::check(&context.routes.access, target.service, &request)
    {
        debug!(
            service = target.name(),
            operation = target.operation,
            "not heard"
        );
        return *refusal;
    }
    let socket_of = counted_as(target.service, &request);
    let interception = match &context.routes.interceptor {
        None => Interception::Handle(request),
        Some(interceptor) => {
            interceptor
                .intercept(target.service, &target.operation, request, &context.closing)
                .await
        }
    };
    let mut response = match interception {
        Interception::Handle(request) => counted(context, &target, request).await,
        Interception::HandleThenCut(request, process) => {
            counted(context, &target, request).await;
            if let Some(process) = process {
                process.signal(Signal::KILL);
            }
            return cut(mark);
        }
        Interception::HandleThenReplace(request, replacement) => {
            let response = counted(context, &target, request).await;
            replaced(response, &replacement).await
        }
        Interception::Respond(response) => response,
        Interception::Cut => return cut(mark),
    };
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        mark.websocket(socket_of.unwrap_or(FaultService::Realtime));
    } else if !response.headers().contains_key(REQUEST_ID)
        && let Ok(id) = HeaderValue::from_str(&Uuid::new_v4().to_string())
    {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    debug!(
        service = target.name(),
        operation = target.operation,
        status = response.status().as_u16(),
        "answered"
    );
    response
}

/// Handles a request, and counts it if it is an operation of a service.
async fn counted(context: &Context, target: &Target, request: Request<Body>) -> Response {
    let service = counted_as(target.service, &request);
    let (Some(usage), Some(endpoint), Some(service)) =
        (&context.routes.usage, target.service, service)
    else {
        return handle(context, target, request).await;
    };
    // Without its body a GraphQL request has no name. Its response has one, unless it is an error.
    let request_info = RequestInfo {
        target: &target.operation,
        path: request.uri().path(),
        body: &[],
    };
    let operations = (endpoint.operations)(service, &request_info);
    let name = operations.into_iter().next();
    let counting = Counting::begin(
        usage,
        service,
        endpoint.unit_bytes,
        name.unwrap_or_else(|| "error".to_owned()),
    );
    let request = counting.request(request);
    counting.response(handle(context, target, request).await)
}

async fn handle(context: &Context, target: &Target, request: Request<Body>) -> Response {
    let answered = AssertUnwindSafe(context.routes.router(target, &request).oneshot(request))
        .catch_unwind()
        .await;
    match answered {
        Ok(Ok(response)) => response,
        Ok(Err(never)) => match never {},
        Err(panic) => {
            error!(
                service = target.name(),
                operation = target.operation,
                panic = panic_message(&*panic),
                "panicked"
            );
            internal_failure()
        }
    }
}

/// Cuts the connection. The response only satisfies the HTTP library; it can't be sent any more.
fn cut(mark: &Mark) -> Response {
    mark.cut();
    Response::new(Body::empty())
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

/// Starts the tasks of HTTP/2 streams in the tracker that the shutdown waits for.
#[derive(Clone)]
struct Tracked(TaskTracker);

impl<F> hyper::rt::Executor<F> for Tracked
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, task: F) {
        self.0.spawn(task);
    }
}
