//! A server's completion, streamed or whole.

use std::collections::VecDeque;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, stream};

use super::blocks::Blocks;
use super::chunk::{Chunk, Complaint};
use super::refusal::{Refusal, SentRequest, hint, said};
use crate::config::{ModelException, ReasoningTags};
use crate::error::ModelError;
use crate::model::{ModelEvent, ModelStream, Stop, Usage};
use crate::prompt::{Content, Prompt};
use crate::sse::{SseEvent, SseParser};

/// A larger response is no completion.
const MAX_DOCUMENT_BYTES: usize = 8 * 1024 * 1024;

/// How much of a response is kept to find out whether an error repeats it. For a longer response, no error's message is
/// passed on.
const MAX_KEPT_BYTES: usize = 256 * 1024;

pub(super) type Body = BoxStream<'static, reqwest::Result<Bytes>>;

/// What the first letter says a body is.
enum Kind {
    Events,
    Document,
    Other,
}

/// Reads enough of a successful response to tell its kind, then the rest as it arrives.
///
/// # Errors
///
/// The response is no completion, which no other prompt or time would change.
pub(super) async fn read(
    mut body: Body,
    sent: SentRequest<'_>,
    tags: ReasoningTags,
) -> Result<ModelStream, ModelError> {
    let mut begun = Vec::new();
    let kind = loop {
        if let Some(kind) = kind(&begun) {
            break kind;
        }
        if let Some(Ok(chunk)) = body.next().await {
            begun.extend_from_slice(&chunk);
        } else {
            let message = format!(
                "The model server at {} ended its answer before it began.",
                sent.address
            );
            return Err(ModelError::new(ModelException::ModelError, message));
        }
    };
    match kind {
        Kind::Events => {
            let begun = stream::once(async move { Ok(Bytes::from(begun)) });
            Ok(Completion::new(begun.chain(body).boxed(), sent, tags).into_stream())
        }
        Kind::Document => document(begun, body, sent, tags).await,
        Kind::Other => {
            let what = if begun.trim_ascii_start().first() == Some(&b'<') {
                "a web page"
            } else {
                "something else"
            };
            Err(no_api(sent, &format!("it answers with {what}")))
        }
    }
}

fn kind(begun: &[u8]) -> Option<Kind> {
    let begun = begun.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(begun);
    Some(match begun.trim_ascii_start().first()? {
        b'{' => Kind::Document,
        // A comment, a field (data, event, id, retry), or an incomplete byte order mark.
        b':' | b'd' | b'e' | b'i' | b'r' => Kind::Events,
        0xEF if begun.len() < 3 => return None,
        _ => Kind::Other,
    })
}

fn no_api(sent: SentRequest<'_>, because: &str) -> ModelError {
    let SentRequest { address, .. } = sent;
    let message = format!(
        "There is no chat completions API at {address}{}: {because}.",
        hint(address)
    );
    ModelError::new(ModelException::ResourceNotFound, message)
}

/// Reads the whole completion of a server that doesn't stream. Its text is one token.
async fn document(
    mut read: Vec<u8>,
    mut body: Body,
    sent: SentRequest<'_>,
    tags: ReasoningTags,
) -> Result<ModelStream, ModelError> {
    let SentRequest { address, .. } = sent;
    let broken = |what: &str| {
        ModelError::new(
            ModelException::ModelError,
            format!("The model server at {address} {what}."),
        )
    };
    while let Some(chunk) = body.next().await {
        read.extend_from_slice(&chunk.map_err(|_| broken("broke off the answer"))?);
        if read.len() > MAX_DOCUMENT_BYTES {
            return Err(broken("answers at a length that is no answer's"));
        }
    }
    let json = String::from_utf8_lossy(&read);
    let json = json.trim_start_matches('\u{FEFF}').trim();
    let Some(chunk) = Chunk::read(json) else {
        return Err(broken("sent JSON that can't be read"));
    };
    if let Some(complaint) = chunk.error {
        return Err(Refusal::within(complaint).into_error(sent));
    }
    if !chunk.has_choices {
        return Err(no_api(sent, "it answers with other JSON"));
    }
    let mut completion = Completion::new(stream::empty().boxed(), sent, tags);
    completion.take(chunk);
    if !completion.ended {
        completion.finish(true);
    }
    Ok(completion.into_stream())
}

/// One completion while it arrives.
struct Completion {
    server: Server,
    body: Body,
    sse: SseParser,
    said: Blocks,
    ready: VecDeque<ModelEvent>,
    finish_reason: Option<String>,
    usage: (Option<u64>, Option<u64>),
    /// An estimate, for a server that sends no usage.
    estimate: Usage,
    ended: bool,
}

/// The parts of [`SentRequest`] that are kept, and the response so far. An error may repeat either.
struct Server {
    address: String,
    model: String,
    api_key: Option<String>,
    prompt: Prompt,
    /// `None` once the response is too long to be kept.
    answer: Option<String>,
}

impl Server {
    fn sent_request(&self) -> SentRequest<'_> {
        SentRequest {
            address: &self.address,
            model: &self.model,
            api_key: self.api_key.as_deref(),
            prompt: &self.prompt,
        }
    }

    fn record(&mut self, text: &str) {
        self.answer = self
            .answer
            .take()
            .filter(|answer| answer.len() + text.len() <= MAX_KEPT_BYTES)
            .map(|answer| answer + text);
    }
}

impl Completion {
    fn new(body: Body, sent: SentRequest<'_>, tags: ReasoningTags) -> Self {
        Self {
            server: Server {
                address: sent.address.to_owned(),
                model: sent.model.to_owned(),
                api_key: sent.api_key.map(str::to_owned),
                prompt: sent.prompt.clone(),
                answer: Some(String::new()),
            },
            body,
            sse: SseParser::default(),
            said: Blocks::new(tags),
            ready: VecDeque::new(),
            finish_reason: None,
            usage: (None, None),
            estimate: Usage {
                input_tokens: sent.prompt.input_tokens(),
                ..Usage::default()
            },
            ended: false,
        }
    }

    fn into_stream(self) -> ModelStream {
        stream::unfold(self, |mut completion| async move {
            let event = completion.next().await?;
            Some((event, completion))
        })
        .boxed()
    }

    async fn next(&mut self) -> Option<ModelEvent> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.ended {
                return None;
            }
            match self.body.next().await {
                Some(Ok(chunk)) => match self.sse.push(&chunk) {
                    Ok(events) => self.read_all(events),
                    Err(_) => self.fail("sent no event stream", None),
                },
                // The text was complete already, so a failure behind it doesn't matter.
                Some(Err(_)) if self.finish_reason.is_some() => self.finish(false),
                Some(Err(_)) => self.fail("broke off the answer", None),
                None => {
                    let last = self.sse.finish();
                    self.read_all(last);
                    if !self.ended {
                        // Without a finish reason, the completion was cut.
                        self.finish(false);
                    }
                }
            }
        }
    }

    fn read_all(&mut self, events: impl IntoIterator<Item = SseEvent>) {
        for event in events {
            self.read(&event);
            if self.ended {
                return;
            }
        }
    }

    fn read(&mut self, event: &SseEvent) {
        let data = event.data.trim();
        if data == "[DONE]" {
            return self.finish(true);
        }
        match Chunk::read(data) {
            Some(chunk) if event.name == "error" && chunk.error.is_none() => {
                let complaint = serde_json::from_str(data).ok().and_then(Complaint::read);
                self.complain(&complaint.unwrap_or_default());
            }
            Some(chunk) => self.take(chunk),
            None if event.name == "error" => self.complain(&Complaint {
                message: Some(data.to_owned()),
                ..Complaint::default()
            }),
            None => {
                // Some servers report progress in events of another name, or send values without meaning.
                let is_chunk = matches!(event.name.as_str(), "" | "message");
                let is_json = serde_json::from_str::<serde::de::IgnoredAny>(data).is_ok();
                if is_chunk && !is_json && !data.is_empty() {
                    self.fail("sent an event that can't be read", None);
                }
            }
        }
    }

    fn take(&mut self, chunk: Chunk) {
        if let Some(complaint) = chunk.error {
            return self.complain(&complaint);
        }
        self.usage.0 = chunk.input_tokens.or(self.usage.0);
        self.usage.1 = chunk.output_tokens.or(self.usage.1);
        self.said.push(&chunk.reasoning, &chunk.text);
        self.say();
        self.finish_reason = chunk.finish_reason.or(self.finish_reason.take());
        if self.finish_reason.as_deref().is_some_and(is_failure) {
            self.fail("ended the answer with an error", None);
        }
    }

    /// Passes on what is said so far.
    fn say(&mut self) {
        for event in self.said.take() {
            if let ModelEvent::Piece { piece, .. } = &event {
                self.estimate.output_tokens += 1;
                self.server.record(piece.token().unwrap_or_default());
            }
            self.ready.push_back(event);
        }
    }

    /// `done`: the server said that it is done.
    fn finish(&mut self, done: bool) {
        self.ended = true;
        self.said.finish();
        self.say();
        if self.said.has_stray_tag() {
            tracing::warn!(
                "the answer of the model server at {} has reasoning without an opening tag: use --reasoning-tags always",
                self.server.address
            );
        }
        let reason = match self.finish_reason.as_deref() {
            None if !done => return,
            Some("length" | "max_tokens" | "model_length") => "max_tokens",
            Some("tool_calls" | "function_call") => "tool_use",
            Some("content_filter") => "content_filtered",
            _ => "end_turn",
        };
        let usage = Usage {
            input_tokens: self.usage.0.unwrap_or(self.estimate.input_tokens),
            output_tokens: self.usage.1.unwrap_or(self.estimate.output_tokens),
            cache: None,
        };
        self.ready.push_back(ModelEvent::Stop(Stop {
            trace: None,
            reason: reason.to_owned(),
            sequence: None,
            usage,
        }));
    }

    fn complain(&mut self, complaint: &Complaint) {
        self.fail("reported an error", complaint.message.as_deref());
    }

    fn fail(&mut self, what: &str, words: Option<&str>) {
        self.ended = true;
        let server = &mut self.server;
        // An error's message must not repeat the response, just as it must not repeat the prompt.
        let words = match server.answer.take() {
            Some(answer) => {
                server.prompt.system.push(Content::Text(answer));
                words
            }
            None => None,
        };
        let said = said(words, server.sent_request());
        let message = format!("The model server at {} {what}{said}", server.address);
        tracing::warn!("{message}");
        let error = ModelError::new(ModelException::ModelStreamError, message);
        self.ready.push_back(ModelEvent::Fail(error));
    }
}

/// Whether a finish reason says that the completion failed.
fn is_failure(finish_reason: &str) -> bool {
    const FAILURES: [&str; 9] = [
        "abort",
        "aborted",
        "canceled",
        "cancelled",
        "engine_overloaded",
        "error",
        "insufficient_system_resource",
        "network_error",
        "timeout",
    ];
    FAILURES
        .iter()
        .any(|failure| finish_reason.eq_ignore_ascii_case(failure))
}
