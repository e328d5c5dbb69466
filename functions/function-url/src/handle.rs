//! Handles requests: verifies the caller, and routes the request.

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt as _};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use tokencast_aws::bedrock::BedrockModel;
use tokencast_aws::clock::FunctionClock;
use tokencast_aws::jwt::{JwtError, Verifier};
use tokencast_aws::requests::AwsRequests;
use tokencast_aws::schema_json::{AssistantJson, UsageJson};
use tokencast_aws::settings;
use tokencast_core::brought::Brought;
use tokencast_core::event::TokenEvent;
use tokencast_core::id::{ConversationId, Owner, Position, SessionId};
use tokencast_core::job::Channel;
use tokencast_core::json_text::JsonText;
use tokencast_core::ports::Clock;
use tokencast_core::quota::Caller;
use tokencast_core::requests::{Start, Started, Within};
use tokencast_core::session::{Session, Status};
use tokencast_core::time::Timestamp;
use tokio::sync::mpsc;
use tracing::{error, info};

use crate::body::{Body, Format, Words};
use crate::config::{Config, NothingLeft};
use crate::conversations::Document;
use crate::error::UrlError;
use crate::event::UrlEvent;
use crate::follow::follow;
use crate::protocols::{self, ag_ui, ai_sdk, openai};
use crate::quota;

/// The header that names a stream's session.
pub const SESSION_ID: HeaderName = HeaderName::from_static("x-tokencast-session-id");

/// How many events may wait for a reader. Only one, so that a slow reader slows the model down.
const WAITING_EVENTS: usize = 1;

/// The header that names the conversation of a stream's session.
pub const CONVERSATION_ID: HeaderName = HeaderName::from_static("x-tokencast-conversation-id");

/// Has proxies of nginx's kind pass each piece on as it comes.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Everything that the function works with.
pub struct FunctionUrl {
    pub model: BedrockModel,
    pub requests: AwsRequests,
    pub verifier: Verifier<FunctionClock>,
    pub config: Config,
}

/// The response to one request.
pub enum Reply {
    Whole(Whole),
    Stream {
        session_id: SessionId,
        conversation_id: Option<ConversationId>,
        body: Box<Body<FunctionClock>>,
        /// Sends the body's events. It goes on even if nobody reads them.
        work: BoxFuture<'static, ()>,
    },
    /// A conversation as one document.
    Document(Document),
}

/// A response that is complete at once.
#[derive(Debug, PartialEq, Eq)]
pub struct Whole {
    pub status: StatusCode,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub content: Content,
}

/// The content of a [`Whole`].
#[derive(Debug, PartialEq, Eq)]
pub enum Content {
    Json(String),
    /// Plain text.
    Text(String),
    /// The content of a 204, which can't have a body.
    Nothing,
    /// A stream of events without events.
    NoEvents,
}

impl Content {
    /// `None` for no content.
    pub(crate) fn content_type(&self) -> Option<&'static str> {
        match self {
            Self::Json(_) => Some("application/json"),
            Self::Text(_) => Some(Format::Text.content_type()),
            Self::NoEvents => Some(Format::Events.content_type()),
            Self::Nothing => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Question {
    prompt: JsonText,
    session_id: Option<String>,
    #[serde(default)]
    conversation_id: Value,
    #[serde(default)]
    parent_id: Value,
    #[serde(default)]
    assistant: Value,
}

/// The route of a request.
enum Route {
    Start,
    Follow(SessionId),
    Stop(SessionId),
    Conversations,
    Conversation(ConversationId),
    DeleteConversation(ConversationId),
    Export(ConversationId),
    Assistants,
    AiSdk(ai_sdk::Route),
    Usage,
    OpenAi(openai::Route),
    AgUi,
}

impl FunctionUrl {
    /// Handles a request in a process that is killed at `killed_at`.
    pub async fn handle(self: &Arc<Self>, event: &UrlEvent, killed_at: Timestamp) -> Reply {
        let reply = match self.route(event, killed_at).await {
            Ok(reply) => reply,
            Err(error) => {
                if error.is_failure() {
                    error!(method = event.method(), code = %error.code(), error = &error as &dyn std::error::Error, "failed");
                } else {
                    info!(method = event.method(), code = %error.code(), reason = %error, "refused");
                }
                Reply::Whole(protocols::refusal(event, error))
            }
        };
        if event.is_head() { reply.head() } else { reply }
    }

    async fn route(
        self: &Arc<Self>,
        event: &UrlEvent,
        killed_at: Timestamp,
    ) -> Result<Reply, UrlError> {
        let caller = self.verifier.verify(event.authorization()).await?;
        let owner = caller.owner.clone();
        match Route::of(event)? {
            Route::Start => self.start(caller, event, killed_at).await,
            Route::Usage => self.usage(&caller).await.map(Reply::Whole),
            Route::Follow(id) => self.resume(owner, id, event, killed_at).await,
            Route::Stop(id) => self.stop(&owner, id).await.map(Reply::Whole),
            Route::Assistants => Ok(Reply::Whole(self.assistants())),
            Route::Conversations => self.conversations(&owner, event).await.map(Reply::Whole),
            Route::Conversation(id) => {
                let read = self.conversation(&owner, id, event);
                read.await.map(Reply::Whole)
            }
            Route::DeleteConversation(id) => {
                let deleted = self.delete_conversation(&owner, id);
                deleted.await.map(Reply::Whole)
            }
            Route::Export(id) => {
                let exported = self.export(owner, id, event);
                exported.await.map(Reply::Document)
            }
            Route::AiSdk(route) => Box::pin(self.ai_sdk(caller, route, event, killed_at)).await,
            Route::OpenAi(route) => Box::pin(self.openai(caller, route, event, killed_at)).await,
            Route::AgUi => Box::pin(self.run_agent(caller, event, killed_at)).await,
        }
    }

    async fn start(
        self: &Arc<Self>,
        caller: Caller,
        event: &UrlEvent,
        killed_at: Timestamp,
    ) -> Result<Reply, UrlError> {
        let known = last_event(event)?;
        let body = event.body().ok_or(UrlError::Body)?;
        // serde's error is dropped, for it could quote the prompt.
        let question: Question = serde_json::from_slice(&body).map_err(|_| UrlError::Body)?;
        let session_id = match question.session_id {
            Some(id) => Some(id.parse()?),
            None => None,
        };
        let start = Start {
            prompt: question.prompt,
            brought: Brought::default(),
            assistant: text("assistant", &question.assistant)?.map(str::to_owned),
            session_id,
            within: Within::read(
                text("conversationId", &question.conversation_id)?,
                text("parentId", &question.parent_id)?,
            )?,
            channel: Channel::Response,
            // The job waits as long as this process holds its lease; after that a worker looks whether the lease was
            // renewed.
            delay: self.config.pipeline.lease,
            follower: None,
        };
        let started = self.requests.start(&caller, start).await?;
        Ok(self.begin(caller.owner, started, known, format(event), killed_at))
    }

    /// The response to a start: the answer's events, or those after `known` of a session that was started before.
    pub(crate) fn begin(
        self: &Arc<Self>,
        owner: Owner,
        started: Started,
        known: Position,
        words: impl Into<Words>,
        killed_at: Timestamp,
    ) -> Reply {
        let (id, conversation_id) = (started.session.id, started.session.conversation_id);
        let Some(job) = started.job else {
            info!(session = %id, status = started.session.status.as_str(), "was started before");
            return self.go_on(owner, started.session, known, words, killed_at);
        };
        // The response to a new answer has all its events, whatever the client knows of an earlier one.
        info!(session = %id, "begins");
        let (events, receiver) = mpsc::channel(WAITING_EVENTS);
        let function = Arc::clone(self);
        let work = Box::pin(async move { Box::pin(function.answer(job, events, killed_at)).await });
        self.stream(id, conversation_id, words, receiver, work)
    }

    async fn resume(
        self: &Arc<Self>,
        owner: Owner,
        id: SessionId,
        event: &UrlEvent,
        killed_at: Timestamp,
    ) -> Result<Reply, UrlError> {
        let known = last_event(event)?;
        let found = self.requests.read(&owner, id).await?;
        let found = found.ok_or(UrlError::UnknownSession)?;
        Ok(self.go_on(owner, found, known, format(event), killed_at))
    }

    /// Sends the events of a session that was just found, after `known`.
    pub(crate) fn go_on(
        self: &Arc<Self>,
        owner: Owner,
        found: Session,
        known: Position,
        words: impl Into<Words>,
        killed_at: Timestamp,
    ) -> Reply {
        let (id, conversation_id) = (found.id, found.conversation_id);
        let mut missing = found.events_after(known);
        if found.status.is_terminal() && missing.next().is_none() {
            return Reply::Whole(self.nothing_left());
        }
        drop(missing);
        info!(session = %id, %known, "follows");
        let (events, receiver) = mpsc::channel(WAITING_EVENTS);
        let work = self.follow(owner, found, known, events, killed_at);
        self.stream(id, conversation_id, words, receiver, work)
    }

    /// A 204 keeps an `EventSource` from reconnecting for ever. It has no body by HTTP, but some accounts wait for one
    /// for many minutes, so a setting chooses a response with a body instead.
    pub(crate) fn nothing_left(&self) -> Whole {
        match self.config.nothing_left {
            NothingLeft::NoContent => Whole {
                status: StatusCode::NO_CONTENT,
                headers: vec![(header::CONTENT_LENGTH, HeaderValue::from_static("0"))],
                content: Content::Nothing,
            },
            NothingLeft::EventStream => Whole {
                status: StatusCode::OK,
                headers: Vec::new(),
                content: Content::NoEvents,
            },
        }
    }

    /// Makes the work that sends the events of a session after `known`.
    fn follow(
        self: &Arc<Self>,
        owner: Owner,
        found: Session,
        known: Position,
        events: mpsc::Sender<TokenEvent>,
        killed_at: Timestamp,
    ) -> BoxFuture<'static, ()> {
        let function = Arc::clone(self);
        let now = self.requests.clock.now();
        let reserve = self.config.deadline_reserve;
        let deadline = settings::deadline(killed_at, now, reserve);
        async move {
            let (requests, id) = (&function.requests, found.id);
            follow(requests, &owner, id, Some(found), known, &events, deadline).await;
        }
        .boxed()
    }

    fn assistants(&self) -> Whole {
        let assistants = AssistantJson::all(&self.requests.assistants);
        let json = json!({ "assistants": assistants });
        Whole::new(StatusCode::OK, json.to_string())
    }

    async fn usage(&self, caller: &Caller) -> Result<Whole, UrlError> {
        let usage = UsageJson::from(self.requests.usage(caller).await?);
        let json = serde_json::to_string(&usage).expect("strings and numbers always serialize");
        Ok(Whole::new(StatusCode::OK, json))
    }

    async fn stop(&self, owner: &Owner, id: SessionId) -> Result<Whole, UrlError> {
        let session = self.requests.stop(owner, id).await?;
        let (status, message) = match session.status {
            Status::Cancelled => (Status::Cancelled.as_str(), "The session is stopped."),
            ended if ended.is_terminal() => (ended.as_str(), "The session had ended already."),
            _ => (
                "stopping",
                "The session stops in a moment; its last event says CANCELLED.",
            ),
        };
        let json = json!({ "sessionId": id, "status": status, "message": message });
        Ok(Whole::new(StatusCode::OK, json.to_string()))
    }

    fn stream(
        &self,
        session_id: SessionId,
        conversation_id: Option<ConversationId>,
        words: impl Into<Words>,
        events: mpsc::Receiver<TokenEvent>,
        work: BoxFuture<'static, ()>,
    ) -> Reply {
        Reply::Stream {
            session_id,
            conversation_id,
            body: Box::new(Body::new(words, events, self.requests.clock)),
            work,
        }
    }
}

impl Reply {
    /// The response to `HEAD`: without its content. The work of a stream isn't done.
    fn head(self) -> Self {
        let mut headers = Vec::new();
        let status = match self {
            Self::Whole(whole) => {
                headers = whole.headers;
                let content_type = whole.content.content_type().map(HeaderValue::from_static);
                headers.extend(content_type.map(|it| (header::CONTENT_TYPE, it)));
                whole.status
            }
            Self::Stream {
                session_id,
                conversation_id,
                body,
                work: _,
            } => {
                let content_type = HeaderValue::from_static(body.content_type());
                headers.push((header::CONTENT_TYPE, content_type));
                headers.extend(stream_headers(session_id, conversation_id));
                headers.extend(body.headers());
                StatusCode::OK
            }
            Self::Document(document) => {
                let content_type = HeaderValue::from_static(document.content_type());
                headers.push((header::CONTENT_TYPE, content_type));
                StatusCode::OK
            }
        };
        Self::Whole(Whole {
            status,
            headers,
            content: Content::Nothing,
        })
    }
}

/// The headers that name a stream's session, and keep those between from holding it back or changing it.
pub(crate) fn stream_headers(
    session_id: SessionId,
    conversation_id: Option<ConversationId>,
) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let value = |id: &str| HeaderValue::from_str(id).unwrap_or(HeaderValue::from_static(""));
    let session = (SESSION_ID, value(session_id.as_str()));
    let unbuffered = (X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    let whole = HeaderValue::from_static("no-store, no-transform");
    let conversation = conversation_id.map(|id| (CONVERSATION_ID, value(id.as_str())));
    let headers = [session, unbuffered, (header::CACHE_CONTROL, whole)];
    headers.into_iter().chain(conversation)
}

/// The format that the client prefers.
fn format(event: &UrlEvent) -> Format {
    if event.wants_text() {
        Format::Text
    } else {
        Format::Events
    }
}

/// The text of a field; `None` for null, and where there is none.
fn text<'a>(name: &'static str, value: &'a Value) -> Result<Option<&'a str>, UrlError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        _ => Err(UrlError::NoText(name)),
    }
}

/// The last event that the client has.
fn last_event(event: &UrlEvent) -> Result<Position, UrlError> {
    match event.last_event_id() {
        Some(id) => id.parse().map_err(|_| UrlError::LastEventId),
        None => Ok(Position::default()),
    }
}

impl Route {
    fn of(event: &UrlEvent) -> Result<Self, UrlError> {
        let path = event.raw_path.trim_matches('/');
        let method = if event.is_head() {
            "GET"
        } else {
            event.method()
        };
        if let Some(below) = protocols::below(path, ai_sdk::PATH) {
            return ai_sdk::Route::of(method, below).map(Self::AiSdk);
        }
        if let Some(below) = protocols::below(path, openai::PATH) {
            return openai::Route::of(method, below).map(Self::OpenAi);
        }
        match (method, path) {
            (method, path) if path == CONVERSATIONS || path.starts_with(CONVERSATIONS_BELOW) => {
                Self::of_conversations(method, path)
            }
            (_, path) if path.contains('/') => Err(UrlError::UnknownPath),
            ("GET", "usage") => Ok(Self::Usage),
            (_, "usage") => Err(UrlError::Method { allowed: "GET" }),
            ("POST", ag_ui::PATH) => Ok(Self::AgUi),
            (_, "" | ag_ui::PATH) if method != "POST" => Err(UrlError::Method { allowed: "POST" }),
            ("POST", "") => Ok(Self::Start),
            ("GET", "assistants") => Ok(Self::Assistants),
            (_, "assistants") => Err(UrlError::Method { allowed: "GET" }),
            ("GET", id) => Ok(Self::Follow(id.parse()?)),
            ("DELETE", id) => Ok(Self::Stop(id.parse()?)),
            _ => Err(UrlError::Method {
                allowed: "GET, DELETE",
            }),
        }
    }
}

const CONVERSATIONS: &str = "conversations";
const CONVERSATIONS_BELOW: &str = "conversations/";

impl Route {
    fn of_conversations(method: &str, path: &str) -> Result<Self, UrlError> {
        let below = path.strip_prefix(CONVERSATIONS_BELOW);
        let Some(below) = below else {
            let allowed = UrlError::Method { allowed: "GET" };
            return (method == "GET")
                .then_some(Self::Conversations)
                .ok_or(allowed);
        };
        let (id, rest) = below.split_once('/').unwrap_or((below, ""));
        match (method, rest) {
            ("GET", "") => Ok(Self::Conversation(id.parse()?)),
            ("DELETE", "") => Ok(Self::DeleteConversation(id.parse()?)),
            (_, "") => Err(UrlError::Method {
                allowed: "GET, DELETE",
            }),
            ("GET", "export") => Ok(Self::Export(id.parse()?)),
            (_, "export") => Err(UrlError::Method { allowed: "GET" }),
            _ => Err(UrlError::UnknownPath),
        }
    }
}

impl Whole {
    pub(crate) fn new(status: StatusCode, json: String) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content: Content::Json(json),
        }
    }
}

impl From<UrlError> for Whole {
    fn from(error: UrlError) -> Self {
        let mut whole = Self::new(error.status(), error.to_json());
        match error {
            UrlError::Caller(JwtError::Refused(_)) => whole.headers.push((
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer error=\"invalid_token\""),
            )),
            UrlError::Method { allowed } => {
                let allowed = HeaderValue::from_static(allowed);
                whole.headers.push((header::ALLOW, allowed));
            }
            UrlError::Request(error) => {
                let exceeded = error.exceeded();
                let headers = exceeded.map(quota::retry_headers);
                whole.headers.extend(headers.into_iter().flatten());
            }
            _ => {}
        }
        whole
    }
}
