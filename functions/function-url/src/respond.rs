//! Sends responses through Lambda's Runtime API.
//!
//! `lambda_runtime` fetches the events, and this module sends the responses, for two reasons. A stream of
//! `lambda_runtime` can't break off: an error in it reaches the client as text (version 1.5 writes the trailers into
//! the body). And Lambda freezes a process as soon as its response is complete, which must not be before the work is
//! done, whether or not anybody still reads.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use lambda_runtime::layers::TracingLayer;
use lambda_runtime::tower::Layer;
use lambda_runtime::{
    Error, LambdaEvent, LambdaInvocation, MetadataPrelude, Runtime, Service, service_fn,
};
use lambda_runtime_api_client::body::{Body as RequestBody, sender::Sender};
use lambda_runtime_api_client::{PooledClient, build_request};
use serde_json::json;
use tokencast_aws::clock::FunctionClock;
use tokencast_core::id::{ConversationId, SessionId};
use tokencast_core::time::Timestamp;
use tracing::{info, warn};

use crate::body::{Body, BrokenOff};
use crate::conversations::Document;
use crate::handle::FunctionUrl;
use crate::reply::{Content, Reply, Whole, stream_headers};
use crate::sse;

const RESPONSE_MODE: HeaderName = HeaderName::from_static("lambda-runtime-function-response-mode");
const INVOCATION_ID: HeaderName = HeaderName::from_static("lambda-runtime-invocation-id");
const ERROR_TYPE: HeaderName = HeaderName::from_static("lambda-runtime-function-error-type");
const ERROR_BODY: HeaderName = HeaderName::from_static("lambda-runtime-function-error-body");

/// Lambda's content type for a stream with a prelude.
const WITH_PRELUDE: &str = "application/vnd.awslambda.http-integration-response";

/// Between prelude and body.
const DELIMITER: Bytes = Bytes::from_static(&[0; 8]);

/// Serves requests until Lambda ends the process.
///
/// # Errors
///
/// The Runtime API cannot be reached or understood.
pub async fn run(function: Arc<FunctionUrl>) -> Result<(), Error> {
    let unused = service_fn(|_: LambdaEvent<()>| async { Ok::<(), Infallible>(()) });
    let responder = Responder {
        function,
        client: Arc::new(PooledClient::builder().build()),
    };
    Runtime::new(unused)
        .layer(responder)
        .layer(TracingLayer::new())
        .run()
        .await
}

/// Handles invocations instead of the service that it is layered over.
#[derive(Clone)]
struct Responder {
    function: Arc<FunctionUrl>,
    client: Arc<PooledClient>,
}

impl<Inner> Layer<Inner> for Responder {
    type Service = Self;

    fn layer(&self, _: Inner) -> Self {
        self.clone()
    }
}

impl Service<LambdaInvocation> for Responder {
    type Response = ();
    type Error = Error;
    type Future = BoxFuture<'static, Result<(), Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        let Self { function, client } = self.clone();
        Box::pin(async move {
            let killed_at = i64::try_from(invocation.context.deadline).unwrap_or(i64::MAX);
            let killed_at = Timestamp::from_millis(killed_at);
            let event = serde_json::from_slice(&invocation.body)?;
            let reply = function.handle(&event, killed_at).await;
            drop(event);
            let (mut sender, body) = RequestBody::channel();
            let request = request(&invocation, body)?;
            let (work, response) = match reply {
                Reply::Whole(whole) => (None, Response::Whole(whole)),
                Reply::Stream {
                    session_id,
                    conversation_id,
                    body,
                    work,
                } => {
                    let names = Names {
                        session_id,
                        conversation_id,
                    };
                    (Some(work), Response::Stream(names, body))
                }
                Reply::Document(document) => (None, Response::Document(document)),
            };
            let work = async {
                if let Some(work) = work {
                    work.await;
                }
            };
            // The response is dropped as soon as it cannot be sent, so that the work hears of that.
            let sent = async move {
                let sent = response.send(&mut sender).await;
                drop(sender);
                sent
            };
            let ((), sent, answered) = tokio::join!(work, sent, client.call(request));
            // The session's record has the answer even if the response was not sent.
            for error in [sent.err(), answered.err()].into_iter().flatten() {
                warn!(
                    error = &*error as &dyn std::error::Error,
                    "a response did not get through"
                );
            }
            Ok(())
        })
    }
}

fn request(
    invocation: &LambdaInvocation,
    body: RequestBody,
) -> Result<Request<RequestBody>, Error> {
    let id = &invocation.context.request_id;
    let mut request = build_request()
        .method(Method::POST)
        .uri(format!("/2018-06-01/runtime/invocation/{id}/response"))
        .header(header::CONTENT_TYPE, WITH_PRELUDE)
        .header(header::TRANSFER_ENCODING, "chunked")
        .header(header::TRAILER, format!("{ERROR_TYPE}, {ERROR_BODY}"))
        .header(RESPONSE_MODE, "streaming")
        .body(body)?;
    // Lambda tells by this header which invocation a late response belongs to.
    if let Some(id) = invocation.parts.headers.get(INVOCATION_ID) {
        request.headers_mut().insert(INVOCATION_ID, id.clone());
    }
    Ok(request)
}

enum Response {
    Whole(Whole),
    Stream(Names, Box<Body<FunctionClock>>),
    Document(Document),
}

/// What the headers of a stream name.
#[derive(Clone, Copy)]
struct Names {
    session_id: SessionId,
    conversation_id: Option<ConversationId>,
}

impl Names {
    fn headers(self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        stream_headers(self.session_id, self.conversation_id)
    }
}

impl Response {
    async fn send(self, sender: &mut Sender) -> Result<(), Error> {
        match self {
            Self::Whole(whole) => send_whole(whole, sender).await,
            Self::Document(document) => send_document(document, sender).await,
            Self::Stream(names, mut body) => match body.begin().await {
                Ok(()) => send_stream(names, body, sender).await,
                Err(error) => {
                    info!(session = %names.session_id, code = %error.code(), "failed before the first token");
                    let mut whole = body.refusal(error);
                    whole.headers.extend(names.headers());
                    whole.headers.extend(body.headers());
                    send_whole(whole, sender).await
                }
            },
        }
    }
}

async fn send_whole(whole: Whole, sender: &mut Sender) -> Result<(), Error> {
    let mut headers: HeaderMap = whole.headers.into_iter().collect();
    let content_type = whole.content.content_type().map(HeaderValue::from_static);
    headers.extend(content_type.map(|it| (header::CONTENT_TYPE, it)));
    let body = match whole.content {
        Content::Nothing => return send_head(whole.status, headers, sender).await,
        Content::Json(text) | Content::Text(text) => Bytes::from(text),
        Content::NoEvents => sse::NO_EVENTS,
    };
    send_head(whole.status, headers, sender).await?;
    Ok(sender.send_data(body).await?)
}

async fn send_document(mut document: Document, sender: &mut Sender) -> Result<(), Error> {
    let content_type = HeaderValue::from_static(document.content_type());
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, content_type)]);
    send_head(StatusCode::OK, headers, sender).await?;
    while let Some(piece) = document.next().await {
        match piece {
            Ok(piece) => sender.send_data(piece.into()).await?,
            Err(error) => {
                warn!(
                    error = &error as &dyn std::error::Error,
                    "a document breaks off"
                );
                return Ok(sender
                    .send_trailers(trailers(BrokenOff::Interrupted))
                    .await?);
            }
        }
    }
    Ok(())
}

async fn send_stream(
    names: Names,
    mut body: Box<Body<FunctionClock>>,
    sender: &mut Sender,
) -> Result<(), Error> {
    let content_type = HeaderValue::from_static(body.content_type());
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.extend(names.headers());
    headers.extend(body.headers());
    send_head(StatusCode::OK, headers, sender).await?;
    while let Some(bytes) = body.next().await {
        match bytes {
            Ok(bytes) => sender.send_data(bytes).await?,
            Err(broken) => {
                info!(session = %names.session_id, reason = %broken, "a response breaks off");
                sender.send_trailers(trailers(broken)).await?;
            }
        }
    }
    Ok(())
}

async fn send_head(
    status_code: StatusCode,
    mut headers: HeaderMap,
    sender: &mut Sender,
) -> Result<(), Error> {
    let cache_control = headers.entry(header::CACHE_CONTROL);
    cache_control.or_insert(HeaderValue::from_static("no-store"));
    let prelude = MetadataPrelude {
        status_code,
        headers,
        cookies: Vec::new(),
    };
    let mut head = serde_json::to_vec(&prelude)?;
    head.extend_from_slice(&DELIMITER);
    Ok(sender.send_data(head.into()).await?)
}

/// The trailers by which the Runtime API takes an error after a body. The client's connection is cut, without a text.
fn trailers(broken: BrokenOff) -> HeaderMap {
    let error_type = "Tokencast.BrokenOff";
    let error = json!({ "errorType": error_type, "errorMessage": broken.to_string() });
    let error = HeaderValue::from_str(&STANDARD.encode(error.to_string()));
    let mut trailers = HeaderMap::new();
    trailers.insert(ERROR_TYPE, HeaderValue::from_static(error_type));
    trailers.extend(error.ok().map(|error| (ERROR_BODY, error)));
    trailers
}
