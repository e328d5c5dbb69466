//! One event, from its arguments to its answer.

use tokencast_aws::clock::iso8601;
use tokencast_core::id::{Owner, SessionId};
use tokencast_core::job::Job;
use tokencast_core::ports::{Applied, Clock, JobQueue, SessionStore, Versioned, update};
use tokencast_core::session::{OtherOwner, Session, Status};
use tracing::{error, info, warn};

use crate::config::Config;
use crate::error::RequestError;
use crate::event::{Answer, Arguments, ResolverEvent, StreamResponse};

/// What the function works with.
pub struct Request<S, Q, C> {
    pub sessions: S,
    pub queue: Q,
    pub clock: C,
    pub config: Config,
}

impl<S: SessionStore, Q: JobQueue, C: Clock> Request<S, Q, C> {
    pub async fn handle(&self, event: ResolverEvent) -> Result<Answer, RequestError> {
        let field = event.info.field_name.clone();
        let answered = self.answer(event).await;
        match &answered {
            Ok(_) => info!(field, "answered"),
            Err(error @ (RequestError::Store(_) | RequestError::Queue(_))) => {
                error!(field, code = %error.code(), error = error as &dyn std::error::Error, "failed");
            }
            Err(refused) => info!(field, code = %refused.code(), "refused"),
        }
        answered
    }

    async fn answer(&self, event: ResolverEvent) -> Result<Answer, RequestError> {
        let owner = event.owner().ok_or(RequestError::NoOwner)?;
        let arguments = event.arguments;
        match event.info.field_name.as_str() {
            "startStream" => self.start(&owner, arguments).await.map(Answer::Response),
            "stopStream" => self
                .stop(&owner, session_id(&arguments)?)
                .await
                .map(Answer::Response),
            "getStream" => Ok(match self.read(&owner, session_id(&arguments)?).await? {
                Some(session) => Answer::Stream(Box::new(session.into())),
                None => Answer::Nothing,
            }),
            "getStreamStatus" => Ok(match self.read(&owner, session_id(&arguments)?).await? {
                Some(session) => {
                    Answer::Response(self.response(session.id, session.status.as_str(), ""))
                }
                None => Answer::Nothing,
            }),
            "onTokenReceived" => {
                // A subscription's resolver admits or refuses; what it answers reaches nobody.
                self.claim(&owner, session_id(&arguments)?).await?;
                Ok(Answer::Nothing)
            }
            other => Err(RequestError::UnknownField(other.to_owned())),
        }
    }

    async fn start(
        &self,
        owner: &Owner,
        arguments: Arguments,
    ) -> Result<StreamResponse, RequestError> {
        let prompt = self.prompt(arguments.prompt)?;
        let id = match arguments.session_id {
            Some(id) => id.parse()?,
            None => SessionId::random(),
        };
        let claimed = self.claim(owner, id).await?;
        match claimed.session.status {
            Status::Claimed => {
                // The job goes out before the record says so: were it the other way round and this function to die in
                // between, the session would wait for ever. Started twice at once, the worker answers it once.
                self.queue
                    .send(&Job::new(id, owner.clone(), prompt, self.clock.now_ms()))
                    .await?;
                self.note_queued(claimed).await;
                info!(session = %id, "queued");
                Ok(self.started(id))
            }
            Status::Queued | Status::Streaming => Ok(self.started(id)),
            ended => {
                let message = "This session has ended; getStream has its answer. A new sessionId starts another.";
                Ok(self.response(id, ended.as_str(), message))
            }
        }
    }

    fn prompt(&self, prompt: Option<String>) -> Result<String, RequestError> {
        let prompt = prompt.ok_or(RequestError::MissingArgument("prompt"))?;
        let (bytes, max) = (prompt.len(), self.config.max_prompt_bytes);
        if prompt.trim().is_empty() {
            return Err(RequestError::EmptyPrompt);
        }
        if bytes > max {
            return Err(RequestError::LongPrompt { bytes, max });
        }
        Ok(prompt)
    }

    async fn claim(&self, owner: &Owner, id: SessionId) -> Result<Versioned, RequestError> {
        let (claimed, record) = update(&self.sessions, id, None, |current| {
            let claimed = Session::claim(current, id, owner, self.clock.now_ms());
            Applied {
                write: claimed.as_ref().ok().cloned(),
                answer: claimed.map(drop),
            }
        })
        .await?;
        claimed?;
        record.ok_or(RequestError::OtherOwner(OtherOwner))
    }

    /// That the job is queued already counts; a record that says so a little later is no failure.
    async fn note_queued(&self, claimed: Versioned) {
        let id = claimed.session.id;
        let ttl_s = i64::try_from(self.config.session_ttl.as_secs()).unwrap_or(i64::MAX);
        let noted = update(&self.sessions, id, Some(claimed), |current| Applied {
            write: current.map(|session| session.queue(self.clock.now_ms(), ttl_s)),
            answer: (),
        });
        if let Err(error) = noted.await {
            warn!(session = %id, error = &error as &dyn std::error::Error, "not noted as queued");
        }
    }

    async fn stop(&self, owner: &Owner, id: SessionId) -> Result<StreamResponse, RequestError> {
        let (stopped, _) = update(&self.sessions, id, None, |current| {
            let stopped = Session::stop(current, id, owner, self.clock.now_ms());
            Applied {
                write: stopped.as_ref().ok().cloned(),
                answer: stopped,
            }
        })
        .await?;
        let session = stopped?;
        info!(session = %id, status = session.status.as_str(), "stop requested");
        Ok(match session.status {
            Status::Cancelled => {
                self.response(id, session.status.as_str(), "The session is stopped.")
            }
            ended if ended.is_terminal() => {
                self.response(id, ended.as_str(), "The session had ended already.")
            }
            _ => self.response(
                id,
                "stopping",
                "The session stops in a moment; its last event says CANCELLED.",
            ),
        })
    }

    async fn read(&self, owner: &Owner, id: SessionId) -> Result<Option<Session>, RequestError> {
        let found = self.sessions.get(id).await?.map(|found| found.session);
        match found.filter(|session| !session.is_expired(self.clock.now_ms())) {
            Some(session) if session.owner != *owner => Err(OtherOwner.into()),
            session => Ok(session),
        }
    }

    fn started(&self, id: SessionId) -> StreamResponse {
        self.response(
            id,
            "streaming_started",
            "Subscribe to onTokenReceived with this sessionId.",
        )
    }

    fn response(
        &self,
        id: SessionId,
        status: &'static str,
        message: &'static str,
    ) -> StreamResponse {
        let timestamp = iso8601(self.clock.now_ms());
        StreamResponse {
            session_id: id.to_string(),
            status,
            message,
            timestamp,
            error: None,
        }
    }
}

fn session_id(arguments: &Arguments) -> Result<SessionId, RequestError> {
    let id = arguments
        .session_id
        .as_deref()
        .ok_or(RequestError::MissingArgument("sessionId"))?;
    Ok(id.parse()?)
}
