//! The operations over HTTP: turns a request into a prompt, and the model's events into frames as they arrive.

use std::io;
use std::time::Instant;

use axum::Extension;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use local_iam::gate::GuardedService;
use local_iam::sigv4::SignatureRefusal;
use local_kit::peer::Peer;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::anthropic::{self, AnthropicEncoder};
use crate::backend::Model;
use crate::converse::{self, ConverseEncoder};
use crate::error::{ModelError, error_response};
use crate::faults;
use crate::frame::{CONTENT_TYPE, Frames};
use crate::guardrail::{self, Guard, Looked};
use crate::log::{EndReason, OpenCall};
use crate::model::{ModelEvent, ModelStream};
use crate::prompt::Prompt;
use crate::whole::collect;
use crate::{Bedrock, model_id, passthrough};

/// Bedrock accepts 20 MB of messages; their base64 and JSON need a little more.
const MAX_BODY_BYTES: usize = 25 * 1024 * 1024;

/// How a request's signature is checked before [`router`] gets it.
pub(crate) const GUARDED: GuardedService = GuardedService {
    service: "bedrock",
    max_body_bytes: MAX_BODY_BYTES,
    refuse: unsigned,
};

pub(crate) fn router(bedrock: Bedrock) -> axum::Router {
    axum::Router::new()
        // An ARN contains slashes, which some clients don't encode. So the operation is the path's last part.
        .route("/model/{*rest}", post(serve).fallback(unknown_operation))
        .fallback(unknown_operation)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(bedrock)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Converse,
    Anthropic,
}

#[derive(Clone, Copy, Debug)]
struct Operation {
    /// AWS's name of the operation.
    name: &'static str,
    shape: Shape,
    streaming: bool,
}

impl Operation {
    /// The operation in the path's last part.
    fn at(path: &str) -> Option<Self> {
        let (name, shape, streaming) = match path {
            "converse-stream" => ("ConverseStream", Shape::Converse, true),
            "converse" => ("Converse", Shape::Converse, false),
            "invoke-with-response-stream" => {
                ("InvokeModelWithResponseStream", Shape::Anthropic, true)
            }
            "invoke" => ("InvokeModel", Shape::Anthropic, false),
            _ => return None,
        };
        Some(Self {
            name,
            shape,
            streaming,
        })
    }
}

fn unsigned(_: &HeaderMap, refusal: &SignatureRefusal) -> Response {
    error_response(StatusCode::FORBIDDEN, refusal.error_type, &refusal.message)
}

async fn serve(
    State(bedrock): State<Bedrock>,
    Path(rest): Path<String>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if headers.contains_key(passthrough::HOP_HEADER) && matches!(*bedrock.model, Model::Bedrock(_))
    {
        return ModelError::validation(passthrough::LOOP).into_response();
    }
    let closing = peer.map_or_else(CancellationToken::new, |Extension(peer)| peer.closing);
    let asked = rest
        .rsplit_once('/')
        .and_then(|(id, operation)| Some((id, Operation::at(operation)?)));
    let mut response = match asked {
        Some((id, operation)) => call(&bedrock, id, operation, &body, closing).await,
        None => unknown_operation().await,
    };
    if let Ok(id) = HeaderValue::from_str(&Uuid::new_v4().to_string()) {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    response
}

async fn unknown_operation() -> Response {
    error_response(
        StatusCode::NOT_FOUND,
        "UnknownOperationException",
        "This operation is not part of the local Bedrock.",
    )
}

async fn call(
    bedrock: &Bedrock,
    model_id: &str,
    operation: Operation,
    body: &[u8],
    closing: CancellationToken,
) -> Response {
    let Operation {
        name,
        shape,
        streaming,
    } = operation;
    let mut prompt = match read(&bedrock.model, model_id, shape, body) {
        Ok(prompt) => prompt,
        Err(response) => return *response,
    };
    let guard = match guard(bedrock, &mut prompt) {
        Ok(guard) => guard,
        Err(error) => return error.into_response(),
    };
    let started = Instant::now();
    // Logged before the model starts, so that a caller that leaves meanwhile is seen.
    let mut open = bedrock.log.begin(&prompt, body);
    let events = match start(&bedrock.model, guard, &mut prompt).await {
        Ok(events) => faults::apply(&bedrock.faults, name, body, events),
        Err(error) => {
            open.end(EndReason::Faulted(error.exception.name().to_owned()));
            return error.into_response();
        }
    };
    let message_id = format!("msg_bdrk_{}", Uuid::new_v4().simple());
    if streaming {
        let encoder = match shape {
            Shape::Converse => Encoder::Converse(ConverseEncoder::default()),
            Shape::Anthropic => Encoder::Anthropic(
                AnthropicEncoder::new(model_id, message_id),
                prompt.input_tokens(),
            ),
        };
        let frames = Frames::default();
        let body = ResponseBody {
            events,
            encoder,
            frames,
            open,
            started,
            closing,
            phase: Phase::Start,
        };
        return stream_response(shape, body.into_stream());
    }
    match collect(events, open).await {
        Ok((blocks, stop)) => {
            let latency_ms = elapsed_ms(started);
            axum::Json(match shape {
                Shape::Converse => converse::response(&blocks, &stop, latency_ms),
                Shape::Anthropic => anthropic::response(model_id, &message_id, &blocks, &stop),
            })
            .into_response()
        }
        Err(error) => error.into_response(),
    }
}

/// The guardrail that looks at a prompt and its answer here. Amazon Bedrock has guardrails itself.
fn guard(bedrock: &Bedrock, prompt: &mut Prompt) -> Result<Option<Guard>, ModelError> {
    if matches!(*bedrock.model, Model::Bedrock(_)) {
        return Ok(None);
    }
    let asked = prompt.guardrail.take();
    asked
        .map(|asked| Guard::new(&bedrock.guardrails, asked))
        .transpose()
}

async fn start(
    model: &Model,
    guard: Option<Guard>,
    prompt: &mut Prompt,
) -> Result<ModelStream, ModelError> {
    let Some(mut guard) = guard else {
        return model.start(prompt).await;
    };
    let events = match guard.look_at(prompt) {
        Looked::Blocked => None,
        Looked::Passed => Some(model.start(prompt).await?),
    };
    Ok(guardrail::guard(guard, events))
}

fn read(model: &Model, model_id: &str, shape: Shape, body: &[u8]) -> Result<Prompt, Box<Response>> {
    let refuse = |error: ModelError| Box::new(error.into_response());
    if !model.names_own_models() {
        model_id::check(model_id).map_err(refuse)?;
    }
    match shape {
        Shape::Anthropic => anthropic::parse(model_id, body).map_err(refuse),
        Shape::Converse => {
            let read = converse::parse(model_id, body).map_err(|error| {
                let message = format!("The request's body can't be read: {error}");
                Box::new(error_response(
                    StatusCode::BAD_REQUEST,
                    "SerializationException",
                    &message,
                ))
            })?;
            read.map_err(refuse)
        }
    }
}

fn stream_response(
    shape: Shape,
    body: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
) -> Response {
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    if shape == Shape::Anthropic {
        headers.insert(
            "x-amzn-bedrock-content-type",
            HeaderValue::from_static("application/json"),
        );
    }
    response
}

/// The body of a streamed response. The server drops it, and with it the model's stream, when the caller is gone.
struct ResponseBody {
    events: ModelStream,
    encoder: Encoder,
    frames: Frames,
    open: OpenCall,
    started: Instant,
    closing: CancellationToken,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Start,
    Running,
    Ended,
}

enum Encoder {
    Converse(ConverseEncoder),
    /// With the number of the request's input tokens.
    Anthropic(AnthropicEncoder, u64),
}

impl ResponseBody {
    fn into_stream(self) -> impl Stream<Item = io::Result<Bytes>> + Send {
        stream::unfold(self, |mut body| async move {
            let chunk = body.next().await?;
            Some((chunk, body))
        })
    }

    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        match self.phase {
            Phase::Start => {
                self.phase = Phase::Running;
                let written = match &self.encoder {
                    Encoder::Converse(_) => ConverseEncoder::start(&mut self.frames),
                    Encoder::Anthropic(encoder, input_tokens) => {
                        encoder.start(*input_tokens, &mut self.frames)
                    }
                };
                Some(self.take(written))
            }
            Phase::Running => {
                let next = self.closing.run_until_cancelled(self.events.next());
                let Some(event) = next.await else {
                    self.finish(EndReason::Faulted("the stack shuts down".into()));
                    return Some(Err(io::Error::from(io::ErrorKind::ConnectionReset)));
                };
                let Some(event) = event else {
                    self.finish(EndReason::Faulted("cut".into()));
                    return None;
                };
                let latency_ms = elapsed_ms(self.started);
                let written = match &mut self.encoder {
                    Encoder::Converse(encoder) => {
                        encoder.event(&event, latency_ms, &mut self.frames)
                    }
                    Encoder::Anthropic(encoder, _) => {
                        encoder.event(&event, latency_ms, &mut self.frames)
                    }
                };
                match event {
                    ModelEvent::Piece { piece, .. } => self.open.piece_sent(&piece),
                    ModelEvent::BlockStop { .. } => {}
                    ModelEvent::Stop(stop) => {
                        self.open.counted(stop.usage);
                        self.finish(EndReason::Completed);
                    }
                    ModelEvent::Fail(error) => {
                        self.finish(EndReason::Faulted(error.exception.in_stream().into()));
                    }
                    ModelEvent::Reset => {
                        self.finish(EndReason::Faulted("reset".into()));
                        return Some(Err(io::Error::from(io::ErrorKind::ConnectionReset)));
                    }
                }
                Some(self.take(written))
            }
            Phase::Ended => None,
        }
    }

    fn finish(&mut self, reason: EndReason) {
        self.phase = Phase::Ended;
        self.open.end(reason);
    }

    fn take(
        &mut self,
        written: Result<(), aws_smithy_eventstream::error::Error>,
    ) -> io::Result<Bytes> {
        written.map_err(io::Error::other)?;
        Ok(self.frames.take())
    }
}

fn elapsed_ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
