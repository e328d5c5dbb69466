//! Handles requests: verifies the caller, and routes the request.

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt as _};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::Value;
use tokencast_aws::bedrock::BedrockModel;
use tokencast_aws::clock::FunctionClock;
use tokencast_aws::jwt::Verifier;
use tokencast_aws::requests::AwsRequests;
use tokencast_aws::schema_json::{AssistantJson, UsageJson};
use tokencast_aws::{metrics, settings};
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
use tokencast_protocols::json;
use tokio::sync::mpsc;
use tracing::{error, info};

use crate::answer::SERVICE;
use crate::body::{Body, Format, Words};
use crate::config::{Config, NothingLeft};
use crate::error::UrlError;
use crate::event::UrlEvent;
use crate::follow::follow;
use crate::protocols;
use crate::reply::{Content, Reply, Whole};
use crate::route::Route;

/// How many events may wait for a reader. Only one, so that a slow reader slows the model down.
const WAITING_EVENTS: usize = 1;

/// Everything that the function works with.
pub struct FunctionUrl {
    pub model: BedrockModel,
    pub requests: AwsRequests,
    pub verifier: Verifier<FunctionClock>,
    pub config: Config,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Question {
    #[serde(default)]
    prompt: Option<JsonText>,
    #[serde(default)]
    session_id: Value,
    #[serde(default)]
    conversation_id: Value,
    #[serde(default)]
    parent_id: Value,
    #[serde(default)]
    assistant: Value,
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
                if let Some(exceeded) = error.exceeded() {
                    metrics::count_refusal(SERVICE, exceeded);
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
        let question: Question = json::read(&body).map_err(|invalid| match invalid {
            json::Invalid::NoObject => UrlError::Body,
            // All others may be anything, until they are looked at.
            json::Invalid::Field(_) => UrlError::NoString("prompt"),
        })?;
        let session_id = text("sessionId", &question.session_id)?;
        let session_id = session_id.map(str::parse).transpose()?;
        let start = Start {
            prompt: question.prompt.ok_or(UrlError::Missing("prompt"))?,
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
        let json = serde_json::json!({ "assistants": assistants });
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
        let json = serde_json::json!({ "sessionId": id, "status": status, "message": message });
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
        _ => Err(UrlError::NoString(name)),
    }
}

/// The last event that the client has.
fn last_event(event: &UrlEvent) -> Result<Position, UrlError> {
    match event.last_event_id() {
        Some(id) => id.parse().map_err(|_| UrlError::LastEventId),
        None => Ok(Position::default()),
    }
}
