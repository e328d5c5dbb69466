//! The route `$default`: what the AI SDK's `WebSocketChatTransport` sends, unmodified.
//!
//! A request's chunks are pushed by the worker that has the session, as a follower's events are.

use std::time::Duration;

use thiserror::Error;
use tokencast_aws::connections::NotedRequest;
use tokencast_aws::metrics;
use tokencast_aws::websocket::address::Address;
use tokencast_aws::websocket::{chat_frames, chat_position};
use tokencast_core::failure::FailureCode;
use tokencast_core::id::{Owner, Position, SessionId};
use tokencast_core::job::Channel;
use tokencast_core::ports::{Clock, RequestPorts};
use tokencast_core::quota::Caller;
use tokencast_core::requests::{RequestError, Start};
use tokencast_core::session::{Follower, Session};
use tokencast_protocols::ai_sdk::question::{self, Question};
use tokencast_protocols::ai_sdk::request::{AnswerRequest, InvalidRequest};
use tokencast_protocols::ai_sdk::socket::{Asked, ClientFrame};
use tokencast_protocols::ids;
use tracing::{error, info, warn};

use crate::event::RouteAnswer;
use crate::routes::{Reply, Routes, SERVICE, ok};

/// How long a question waits for the end of the answer before it. It is shorter than the function's time-out of 10 s.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// How long an aborted resume waits for another one. A chat that resumes once more aborts the resume before, which is no
/// stop.
const ANOTHER_RESUME: Duration = Duration::from_secs(3);

/// The pause between two looks for it.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// Why a request is refused, or fails.
#[derive(Debug, Error)]
enum ChatError {
    #[error(transparent)]
    Invalid(#[from] InvalidRequest),
    #[error("requestId is in use: expected one that this connection has not had")]
    TakenId,
    #[error(transparent)]
    Request(#[from] RequestError),
}

impl ChatError {
    fn code(&self) -> FailureCode {
        match self {
            Self::Invalid(error) => error.code(),
            Self::TakenId => FailureCode::InvalidArgument,
            Self::Request(error) => error.code(),
        }
    }
}

/// A request, and whose it is.
#[derive(Clone, Copy)]
struct Asking<'a> {
    connection_id: &'a str,
    caller: &'a Caller,
    owner: &'a Owner,
    request_id: &'a str,
}

impl Asking<'_> {
    fn follower(self, position: Position) -> Follower {
        Follower {
            address: Address::of_chat(self.connection_id, self.request_id).to_string(),
            position,
        }
    }
}

impl<P: RequestPorts> Routes<P> {
    pub(crate) async fn chat(
        &self,
        connection_id: &str,
        caller: &Caller,
        asked: Asked,
    ) -> RouteAnswer {
        let Asked { request_id, frame } = asked;
        let caller = Asking {
            connection_id,
            caller,
            owner: &caller.owner,
            request_id: &request_id,
        };
        let reply = match frame {
            Ok(ClientFrame::Send(request)) => self.send(caller, &request).await,
            Ok(ClientFrame::Resume { chat_id }) => self.resume(caller, &chat_id).await,
            Ok(ClientFrame::Abort) => self.abort(caller).await,
            Err(error) => Err(error.into()),
        };
        match reply {
            Ok(Reply::Frame(frame)) => ok(Some(&frame)),
            Ok(Reply::Sent) => ok(None),
            Err(error) => {
                let code = error.code();
                if matches!(&error, ChatError::Request(error) if error.is_failure()) {
                    error!(%code, error = &error as &dyn std::error::Error, "a chat's request failed");
                } else {
                    info!(%code, reason = %error, "a chat's request was refused");
                }
                if let ChatError::Request(error) = &error
                    && let Some(exceeded) = error.exceeded()
                {
                    metrics::count_refusal(SERVICE, exceeded);
                }
                ok(Some(&chat_frames::error(&request_id, &error.to_string())))
            }
        }
    }

    /// Takes a request's id, for the chunks of two requests with one id would run into each other. An abort may have come
    /// before the request.
    async fn take_id(&self, caller: Asking<'_>) -> Result<(), ChatError> {
        let Asking {
            connection_id,
            request_id,
            ..
        } = caller;
        match self
            .connections
            .take_request(connection_id, request_id)
            .await
        {
            Ok(None | Some(NotedRequest::Aborted)) => Ok(()),
            Ok(Some(_)) => Err(ChatError::TakenId),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                warn!(error, "a request's id was not taken");
                Ok(())
            }
        }
    }

    /// Answers a chat's last message.
    async fn send(&self, caller: Asking<'_>, request: &AnswerRequest) -> Result<Reply, ChatError> {
        let Asking { owner, .. } = caller;
        let (taken, question) = tokio::join!(
            self.take_id(caller),
            Question::of(&self.requests, owner, request, STOP_PATIENCE)
        );
        taken?;
        let question = match question? {
            Question::New(question) => question,
            Question::Repeated(session) => {
                let noted = NotedRequest::Sent(session.id);
                return self.go_on(caller, *session, noted).await;
            }
        };
        let id = question.session_id;
        let start = Start {
            prompt: request.prompt().into(),
            brought: question.brought,
            assistant: request.assistant.clone(),
            session_id: Some(id),
            within: Some(question.within),
            channel: Channel::Connection,
            delay: Duration::ZERO,
            follower: Some(caller.follower(Position::default())),
        };
        let (started, aborted) = tokio::join!(
            self.requests.start(caller.caller, start),
            self.note_chat(caller, NotedRequest::Sent(id))
        );
        let session = started?.session;
        if aborted {
            self.aborted(caller, NotedRequest::Sent(id)).await?;
            return Ok(Reply::Sent);
        }
        info!(session = %id, "a chat's question");
        Ok(self.accepted(caller, &session).await)
    }

    /// The answer that runs in a chat, from its beginning.
    async fn resume(&self, caller: Asking<'_>, chat_id: &str) -> Result<Reply, ChatError> {
        let conversation = ids::conversation_id(caller.owner, chat_id);
        let (taken, running) = tokio::join!(
            self.take_id(caller),
            question::running(&self.requests, caller.owner, conversation)
        );
        taken?;
        let Some(session) = running? else {
            return Ok(Reply::Frame(chat_frames::no_active(caller.request_id)));
        };
        let noted = NotedRequest::Resumed(session.id);
        self.go_on(caller, session, noted).await
    }

    /// Sends a session that was started before, from its beginning.
    async fn go_on(
        &self,
        caller: Asking<'_>,
        session: Session,
        noted: NotedRequest,
    ) -> Result<Reply, ChatError> {
        if session.status.is_terminal() {
            return Ok(self.accepted(caller, &session).await);
        }
        let position = chat_position(&session, self.requests.clock.now());
        let (followed, aborted) = tokio::join!(
            self.requests
                .follow(caller.owner, session.id, caller.follower(position)),
            self.note_chat(caller, noted)
        );
        let session = followed?.session;
        if aborted {
            self.aborted(caller, noted).await?;
            return Ok(Reply::Sent);
        }
        Ok(self.accepted(caller, &session).await)
    }

    /// A worker pushes the chunks of a session that isn't over. This function pushes those of one that is.
    async fn accepted(&self, caller: Asking<'_>, session: &Session) -> Reply {
        let start = chat_frames::start(caller.request_id);
        if !session.status.is_terminal() {
            return Reply::Frame(start);
        }
        let address = Address::of_chat(caller.connection_id, caller.request_id);
        self.push_session(address, Some(start), session, Position::default())
            .await;
        Reply::Sent
    }

    /// Ends a request. That of a question stops the model; so does that of a resume, unless the chat resumes once more.
    async fn abort(&self, caller: Asking<'_>) -> Result<Reply, ChatError> {
        let Asking {
            connection_id,
            request_id,
            ..
        } = caller;
        let noted = self
            .connections
            .note_request(connection_id, request_id, NotedRequest::Aborted);
        let noted = noted.await.unwrap_or_else(|error| {
            warn!(
                error = &error as &dyn std::error::Error,
                "an abort was not noted"
            );
            None
        });
        if let Some(noted) = noted {
            self.aborted(caller, noted).await?;
        }
        // What it is of may come later, and hears of it then.
        Ok(Reply::Sent)
    }

    async fn aborted(&self, caller: Asking<'_>, noted: NotedRequest) -> Result<(), ChatError> {
        match noted {
            NotedRequest::Sent(session) => self.stop_chat(caller, session).await,
            NotedRequest::Resumed(session) => {
                let own = caller.follower(Position::default()).address;
                self.requests
                    .unfollow(session, |address| address == own)
                    .await?;
                if self.is_resumed(caller, session).await? {
                    return Ok(());
                }
                self.stop_chat(caller, session).await
            }
            NotedRequest::Taken | NotedRequest::Aborted => Ok(()),
        }
    }

    /// Whether another request of the same connection follows the session soon.
    async fn is_resumed(&self, caller: Asking<'_>, session: SessionId) -> Result<bool, ChatError> {
        let clock = &self.requests.clock;
        let until = clock.now() + ANOTHER_RESUME;
        loop {
            let Some(found) = self.requests.read(caller.owner, session).await? else {
                return Ok(false);
            };
            let mut followers = found.followers.iter();
            let is_followed = followers.any(|follower| {
                let address = Address::read(&follower.address);
                address.connection_id == caller.connection_id
            });
            if is_followed || clock.now() >= until {
                return Ok(is_followed);
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    async fn stop_chat(&self, caller: Asking<'_>, session: SessionId) -> Result<(), ChatError> {
        let session = self.requests.stop(caller.owner, session).await?;
        info!(session = %session.id, "a chat stops");
        let own = caller.follower(Position::default()).address;
        self.tell_of_stop(&session, &own).await;
        Ok(())
    }

    /// Records a request, and that a session is pushed to its connection. Returns whether the request was aborted before.
    async fn note_chat(&self, caller: Asking<'_>, noted: NotedRequest) -> bool {
        let Asking {
            connection_id,
            request_id,
            ..
        } = caller;
        let session = match noted {
            NotedRequest::Sent(session) | NotedRequest::Resumed(session) => Some(session),
            NotedRequest::Taken | NotedRequest::Aborted => None,
        };
        let session = async {
            if let Some(session) = session {
                self.note(connection_id, session).await;
            }
        };
        let request = self
            .connections
            .note_request(connection_id, request_id, noted);
        let (known, ()) = tokio::join!(request, session);
        match known {
            Ok(known) => known == Some(NotedRequest::Aborted),
            Err(error) => {
                warn!(
                    error = &error as &dyn std::error::Error,
                    "a request was not noted"
                );
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_have_their_codes() {
        let invalid = ChatError::from(InvalidRequest::NoMessages);
        assert_eq!(invalid.code(), FailureCode::InvalidArgument);
        let empty = ChatError::from(RequestError::EmptyPrompt);
        assert_eq!(empty.code(), FailureCode::InvalidPrompt);
    }
}
