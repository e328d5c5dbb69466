//! `/ai-sdk`: what `DefaultChatTransport` of the AI SDK asks for, and what a page needs besides.
//!
//! | request | what |
//! | --- | --- |
//! | `POST /ai-sdk` | the answer to a chat's last message |
//! | `GET /ai-sdk/CHAT/stream` | the running answer from its beginning; 204 if there is none |
//! | `GET /ai-sdk/CHAT/messages` | the chat's messages, for a page that loads |
//! | `DELETE /ai-sdk/CHAT/stream` | stops the chat's running answers |
//! | `DELETE /ai-sdk/CHAT` | deletes the chat |

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::try_join_all;
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::json;
use tokencast_core::event::TokenEvent;
use tokencast_core::id::{ConversationId, Owner, Position, SessionId};
use tokencast_core::job::Channel;
use tokencast_core::quota::Caller;
use tokencast_core::requests::Start;
use tokencast_core::time::Timestamp;
use tokencast_protocols::ai_sdk::chunk::Chunk;
use tokencast_protocols::ai_sdk::chunks::{Chunks, STARTS_AGAIN};
use tokencast_protocols::ai_sdk::messages;
use tokencast_protocols::ai_sdk::question::{self, Question};
use tokencast_protocols::ai_sdk::request::AnswerRequest;
use tokencast_protocols::ids;
use tracing::info;

use super::{Writer, decode};
use crate::body::BrokenOff;
use crate::error::UrlError;
use crate::event::UrlEvent;
use crate::handle::FunctionUrl;
use crate::reply::{Content, Reply, Whole};

/// The first part of the paths.
pub const PATH: &str = "ai-sdk";

/// The version of the UI message stream.
const VERSION: (HeaderName, HeaderValue) = (
    HeaderName::from_static("x-vercel-ai-ui-message-stream"),
    HeaderValue::from_static("v1"),
);

/// The header with the code of a refusal, whose body is its message alone.
const ERROR_CODE: HeaderName = HeaderName::from_static("x-tokencast-error-code");

/// What ends each stream.
const DONE: &str = "data: [DONE]\n\n";

/// How long a question waits for the end of the answer before it, which a page has left.
const STOP_PATIENCE: Duration = Duration::from_secs(20);

/// A request below [`PATH`].
#[derive(Debug, PartialEq, Eq)]
pub enum Route {
    Answer,
    Resume(String),
    Messages(String),
    Stop(String),
    Delete(String),
}

impl Route {
    /// `below` is the path behind [`PATH`] and its slash.
    ///
    /// # Errors
    ///
    /// There is nothing at this path, or not by this method.
    pub fn of(method: &str, below: &str) -> Result<Self, UrlError> {
        let not = |allowed| Err(UrlError::Method { allowed });
        if below.is_empty() {
            return match method {
                "POST" => Ok(Self::Answer),
                _ => not("POST"),
            };
        }
        // A chat's id may have slashes.
        let (chat, what) = match below.rsplit_once('/') {
            Some((chat, what @ ("stream" | "messages"))) => (chat, what),
            _ => (below, ""),
        };
        if chat.is_empty() {
            return Err(UrlError::UnknownPath);
        }
        let chat = decode(chat);
        match (what, method) {
            ("stream", "GET") => Ok(Self::Resume(chat)),
            ("stream", "DELETE") => Ok(Self::Stop(chat)),
            ("stream", _) => not("GET, HEAD, DELETE"),
            ("messages", "GET") => Ok(Self::Messages(chat)),
            ("messages", _) => not("GET, HEAD"),
            (_, "DELETE") => Ok(Self::Delete(chat)),
            _ => not("DELETE"),
        }
    }
}

impl FunctionUrl {
    pub(crate) async fn ai_sdk(
        self: &Arc<Self>,
        caller: Caller,
        route: Route,
        event: &UrlEvent,
        killed_at: Timestamp,
    ) -> Result<Reply, UrlError> {
        let owner = caller.owner.clone();
        let conversation = |chat: &str| ids::conversation_id(&owner, chat);
        match route {
            Route::Answer => self.chat(caller, event, killed_at).await,
            Route::Resume(chat) => {
                let id = conversation(&chat);
                self.resume_chat(owner, id, event, killed_at).await
            }
            Route::Messages(chat) => self
                .messages(&owner, conversation(&chat))
                .await
                .map(Reply::Whole),
            Route::Stop(chat) => self
                .stop_chat(&owner, conversation(&chat))
                .await
                .map(Reply::Whole),
            Route::Delete(chat) => {
                let deleted = self.delete_conversation(&owner, conversation(&chat));
                deleted.await.map(Reply::Whole)
            }
        }
    }

    /// Answers a chat's last message.
    async fn chat(
        self: &Arc<Self>,
        caller: Caller,
        event: &UrlEvent,
        killed_at: Timestamp,
    ) -> Result<Reply, UrlError> {
        let body = event.body().unwrap_or_default();
        let request = AnswerRequest::read(&body)?;
        let words = |id| Stream::new(id, event);
        self.ask(caller, &request, words, killed_at).await
    }

    /// Answers the last message of a conversation whose client sends all messages. `words` are the response's, by the
    /// session.
    pub(super) async fn ask<W: Writer + 'static>(
        self: &Arc<Self>,
        caller: Caller,
        request: &AnswerRequest,
        words: impl FnOnce(SessionId) -> W,
        killed_at: Timestamp,
    ) -> Result<Reply, UrlError> {
        let question = Question::of(&self.requests, &caller.owner, request, STOP_PATIENCE).await?;
        let question = match question {
            Question::New(question) => question,
            Question::Repeated(found) => {
                info!(session = %found.id, "asked again");
                let words = words(found.id);
                let known = Position::default();
                return Ok(self.go_on(caller.owner, *found, known, words, killed_at));
            }
        };
        let start = Start {
            prompt: request.prompt().into(),
            brought: question.brought,
            assistant: request.assistant.clone(),
            session_id: Some(question.session_id),
            within: Some(question.within),
            channel: Channel::Response,
            // As long as this process holds its lease.
            delay: self.config.pipeline.lease,
            follower: None,
        };
        let started = self.requests.start(&caller, start).await?;
        let words = words(started.session.id);
        Ok(self.begin(caller.owner, started, Position::default(), words, killed_at))
    }

    /// The answer that runs in a chat, from its beginning.
    async fn resume_chat(
        self: &Arc<Self>,
        owner: Owner,
        id: ConversationId,
        event: &UrlEvent,
        killed_at: Timestamp,
    ) -> Result<Reply, UrlError> {
        let Some(session) = question::running(&self.requests, &owner, id).await? else {
            return Ok(Reply::Whole(self.nothing_left()));
        };
        let words = Stream::new(session.id, event);
        Ok(self.go_on(owner, session, Position::default(), words, killed_at))
    }

    async fn messages(&self, owner: &Owner, id: ConversationId) -> Result<Whole, UrlError> {
        let messages = messages::of_conversation(&self.requests, owner, id).await?;
        let json = serde_json::Value::from(messages).to_string();
        Ok(Whole::new(StatusCode::OK, json))
    }

    /// Stops all answers that run in a chat: a page can't say which it means.
    async fn stop_chat(&self, owner: &Owner, id: ConversationId) -> Result<Whole, UrlError> {
        let running = self.requests.running_turns(owner, id).await?;
        let stopped = running
            .iter()
            .map(|&session| self.requests.stop(owner, session));
        let stopped = try_join_all(stopped).await?;
        let sessions = stopped.iter().map(|session| {
            let status = match session.status {
                ended if ended.is_terminal() => ended.as_str(),
                _ => "stopping",
            };
            json!({ "sessionId": session.id, "status": status })
        });
        let sessions: Vec<_> = sessions.collect();
        let json = json!({ "conversationId": id, "sessions": sessions });
        Ok(Whole::new(StatusCode::OK, json.to_string()))
    }
}

/// Writes an answer as a UI message stream.
struct Stream {
    chunks: Chunks,
    has_ended: bool,
}

impl Stream {
    fn new(session_id: SessionId, event: &UrlEvent) -> Self {
        Self {
            chunks: Chunks::new(session_id, event.takes_chunk("reset-step")),
            has_ended: false,
        }
    }
}

impl Writer for Stream {
    fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        vec![VERSION]
    }

    fn begin(&mut self) -> Bytes {
        frames(&self.chunks.begin()).into()
    }

    fn event(&mut self, event: &TokenEvent) -> Result<Bytes, BrokenOff> {
        // Where the text starts again, the hook of `ai` 6 would show what it has once more after a lost connection. After
        // an error it resumes with nothing, as that of 7 does.
        let chunks = self.chunks.event(event).unwrap_or_else(|_| {
            self.has_ended = true;
            let error_text = STARTS_AGAIN.to_owned();
            vec![Chunk::Error { error_text }]
        });
        let mut frames = frames(&chunks);
        if event.is_complete() || self.has_ended {
            frames.push_str(DONE);
        }
        Ok(frames.into())
    }

    fn has_ended(&self) -> bool {
        self.has_ended
    }
}

fn frames(chunks: &[Chunk]) -> String {
    let frames = chunks.iter();
    frames
        .map(|chunk| format!("data: {}\n\n", chunk.to_json()))
        .collect()
}

/// A refusal for the AI SDK: its message as text, which a chat shows as its error's message, and its code in a header.
pub(crate) fn refusal(error: UrlError) -> Whole {
    let (code, message) = (error.code(), error.to_string());
    let mut whole = Whole::from(error);
    whole.content = Content::Text(message);
    let code = HeaderValue::from_static(code.as_str());
    whole.headers.push((ERROR_CODE, code));
    whole
}

#[cfg(test)]
mod tests;
