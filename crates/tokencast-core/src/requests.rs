//! What an owner may ask of a session: to start, stop, read or follow it. All functions answer requests by this code.

use std::time::Duration;

use thiserror::Error;
use tracing::{info, warn};

use crate::failure::{Failure, FailureCode};
use crate::id::{InvalidSessionId, Owner, SessionId};
use crate::job::{Channel, Job, MAX_JOB_BYTES};
use crate::json_text::JsonText;
use crate::ports::{
    Applied, Clock, JobQueue, QueueError, SessionStore, StoreError, Versioned, update,
};
use crate::session::{Fingerprint, Follower, Input, OtherOwner, Session, StartRefused, Status};
use crate::time::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Longer prompts are refused.
    pub max_prompt_bytes: usize,
    /// How long a session is kept after its start.
    pub session_ttl: Duration,
    /// How long after its start an answer may begin.
    pub start_within: Duration,
}

/// Answers the requests of owners.
#[derive(Clone, Debug)]
pub struct Requests<S, Q, C> {
    pub sessions: S,
    pub queue: Q,
    pub clock: C,
    pub rules: Rules,
}

/// A request to answer a prompt.
pub struct Start {
    pub prompt: JsonText,
    /// `None` to have one made.
    pub session_id: Option<SessionId>,
    pub channel: Channel,
    /// How long the job waits in the queue before a worker may receive it.
    pub delay: Duration,
    /// Who follows the session from its start.
    pub follower: Option<Follower>,
}

/// What became of a [`Start`].
pub struct Started {
    pub session: Session,
    /// The job that was queued; `None` if the session had been started before.
    pub job: Option<Job>,
}

#[derive(Debug, Error)]
pub enum RequestError {
    #[error("prompt is empty: expected some text")]
    EmptyPrompt,
    #[error("prompt has {bytes} bytes: expected at most {max}")]
    LongPrompt { bytes: usize, max: usize },
    #[error(
        "prompt has {bytes} bytes where it is queued, with its control characters escaped: expected at most {max}"
    )]
    LongJob { bytes: usize, max: usize },
    #[error(
        "prompt is no Unicode text: it has half of a surrogate pair, such as `\\ud83d` without what belongs behind it"
    )]
    NotUnicode,
    #[error("this session was started with another prompt")]
    OtherInput,
    #[error(transparent)]
    SessionId(#[from] InvalidSessionId),
    #[error(transparent)]
    OtherOwner(#[from] OtherOwner),
    #[error("the session could not be read or written: try again")]
    Store(#[from] StoreError),
    #[error("the prompt could not be queued: try again")]
    Queue(#[from] QueueError),
}

impl RequestError {
    pub fn code(&self) -> FailureCode {
        match self {
            Self::EmptyPrompt
            | Self::LongPrompt { .. }
            | Self::LongJob { .. }
            | Self::NotUnicode
            | Self::OtherInput
            | Self::SessionId(_) => FailureCode::InvalidPrompt,
            Self::OtherOwner(_) => FailureCode::Unauthorized,
            Self::Store(_) | Self::Queue(_) => FailureCode::Internal,
        }
    }

    /// Whether the fault is ours, and not the caller's.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Store(_) | Self::Queue(_))
    }
}

impl From<StartRefused> for RequestError {
    fn from(refused: StartRefused) -> Self {
        match refused {
            StartRefused::OtherOwner(other) => Self::OtherOwner(other),
            StartRefused::OtherInput => Self::OtherInput,
        }
    }
}

impl<S: SessionStore, Q: JobQueue, C: Clock> Requests<S, Q, C> {
    /// Queues the prompt. If its session was started with the same prompt before, returns that session and queues
    /// nothing.
    ///
    /// # Errors
    ///
    /// The prompt or its session is refused, or the session table or the queue does not answer.
    pub async fn start(&self, owner: &Owner, start: Start) -> Result<Started, RequestError> {
        let id = start.session_id.unwrap_or_else(SessionId::random);
        let now = self.clock.now();
        let start_by = now + self.rules.start_within;
        let job = match self.job(owner, id, start.prompt, now) {
            Ok(job) => job.over(start.channel).start_by(start_by),
            Err(refused) => {
                if start.session_id.is_some() {
                    self.note_refused(owner, id, &refused).await;
                }
                return Err(refused);
            }
        };
        let input = Input {
            fingerprint: Fingerprint::of(&job.prompt, &[]),
            start_by,
            follower: start.follower,
        };
        let claimed = self
            .change(id, |current| {
                let (now, ttl) = (self.clock.now(), self.rules.session_ttl);
                Session::start(current, id, owner, &input, now, ttl)
            })
            .await?;
        if claimed.session.status != Status::Claimed {
            return Ok(Started {
                session: claimed.session,
                job: None,
            });
        }
        // The job is sent before the record says so. In the other order, a function that dies between the two would
        // leave a session that waits for ever. Two jobs of one session do no harm: the worker answers it once.
        self.queue.send_after(&job, start.delay).await?;
        info!(session = %id, "queued");
        Ok(Started {
            session: self.note_queued(claimed, start_by).await,
            job: Some(job),
        })
    }

    /// Stops a session: at once, or at the worker's next checkpoint if a worker has it.
    ///
    /// # Errors
    ///
    /// The session is somebody else's, or the session table does not answer.
    pub async fn stop(&self, owner: &Owner, id: SessionId) -> Result<Session, RequestError> {
        let (stopped, _) = update(&self.sessions, id, None, |current| {
            let stopped = Session::stop(current, id, owner, self.clock.now());
            Applied {
                write: stopped.as_ref().ok().cloned(),
                answer: stopped,
            }
        })
        .await?;
        let session = stopped?;
        info!(session = %id, status = session.status.as_str(), "stop requested");
        Ok(session)
    }

    /// `None` for an id that nobody or somebody else has taken. Ends a session that is late.
    ///
    /// # Errors
    ///
    /// The session table does not answer.
    pub async fn read(
        &self,
        owner: &Owner,
        id: SessionId,
    ) -> Result<Option<Session>, RequestError> {
        let now = self.clock.now();
        let found = self.sessions.get(id).await?;
        match found.filter(|found| !found.session.is_expired(now)) {
            // A read must not tell whether another user has an id.
            Some(found) if found.session.owner != *owner => Ok(None),
            Some(found) if found.session.is_late(now) => {
                let ended = self.claim(owner, id).await?;
                Ok(Some(ended.session))
            }
            found => Ok(found.map(|found| found.session)),
        }
    }

    /// Takes an id for `owner`, unless it is taken.
    ///
    /// # Errors
    ///
    /// The session is somebody else's, or the session table does not answer.
    pub async fn claim(&self, owner: &Owner, id: SessionId) -> Result<Versioned, RequestError> {
        self.change(id, |current| {
            Session::claim(current, id, owner, self.clock.now())
        })
        .await
    }

    /// Has a session's answer pushed to an address. Claims the id like [`Self::claim`].
    ///
    /// # Errors
    ///
    /// The session is somebody else's, or the session table does not answer.
    pub async fn follow(
        &self,
        owner: &Owner,
        id: SessionId,
        follower: Follower,
    ) -> Result<Versioned, RequestError> {
        self.change(id, |current| {
            let now = self.clock.now();
            Session::follow(current, id, owner, follower.clone(), now)
        })
        .await
    }

    /// Ends what [`Self::follow`] began. Does nothing for a session that does not exist.
    ///
    /// # Errors
    ///
    /// The session table does not answer.
    pub async fn unfollow(&self, id: SessionId, address: &str) -> Result<(), RequestError> {
        let unfollowed = update(&self.sessions, id, None, |current| Applied {
            write: current.map(|session| session.unfollow(address)),
            answer: (),
        });
        unfollowed.await?;
        Ok(())
    }

    async fn change<E>(
        &self,
        id: SessionId,
        rule: impl Fn(Option<Session>) -> Result<Session, E> + Send + Sync,
    ) -> Result<Versioned, RequestError>
    where
        E: Into<RequestError> + Send,
    {
        let (changed, record) = update(&self.sessions, id, None, |current| {
            let changed = rule(current);
            Applied {
                write: changed.as_ref().ok().cloned(),
                answer: changed.map(drop),
            }
        })
        .await?;
        changed.map_err(Into::into)?;
        record.ok_or(RequestError::OtherOwner(OtherOwner))
    }

    /// Writes into the record that the job is queued. The job counts without it, so an error is logged and not
    /// returned.
    async fn note_queued(&self, claimed: Versioned, start_by: Timestamp) -> Session {
        let session = claimed.session.clone();
        let id = session.id;
        let noted = update(&self.sessions, id, Some(claimed), |current| Applied {
            write: current
                .map(|session| session.queue(start_by, self.clock.now(), self.rules.session_ttl)),
            answer: (),
        });
        match noted.await {
            Ok(((), Some(noted))) => noted.session,
            Ok(((), None)) => session,
            Err(error) => {
                warn!(session = %id, error = &error as &dyn std::error::Error, "not noted as queued");
                session
            }
        }
    }

    /// Ends the session whose start was refused, so that whoever looks for it reads the reason.
    async fn note_refused(&self, owner: &Owner, id: SessionId, refused: &RequestError) {
        let failure = Failure::new(refused.code(), refused.to_string());
        let noted = update(&self.sessions, id, None, |current| Applied {
            write: Session::refuse(current, id, owner, failure.clone(), self.clock.now()),
            answer: (),
        });
        if let Err(error) = noted.await {
            warn!(session = %id, error = &error as &dyn std::error::Error, "not noted as refused");
        }
    }

    /// Makes the job of a prompt, if the prompt can be answered.
    fn job(
        &self,
        owner: &Owner,
        id: SessionId,
        prompt: JsonText,
        now: Timestamp,
    ) -> Result<Job, RequestError> {
        let prompt = prompt.into_text().map_err(|_| RequestError::NotUnicode)?;
        let (bytes, max) = (prompt.len(), self.rules.max_prompt_bytes);
        if prompt.trim().is_empty() {
            return Err(RequestError::EmptyPrompt);
        }
        if bytes > max {
            return Err(RequestError::LongPrompt { bytes, max });
        }
        let job = Job::new(id, owner.clone(), prompt, now);
        // An escaped character takes at most six times its bytes.
        if bytes > MAX_JOB_BYTES / 8 {
            let bytes = job.to_json().len();
            if bytes > MAX_JOB_BYTES {
                let max = MAX_JOB_BYTES;
                return Err(RequestError::LongJob { bytes, max });
            }
        }
        Ok(job)
    }
}
