//! The start of a session, by itself or as a turn of a conversation.
//!
//! A conversation has exactly the turns whose starts succeeded. The job follows, as that of any session.

use std::time::Duration;

use tracing::{info, warn};

use super::{RequestError, Requests};
use crate::assistant::Assistant;
use crate::brought::Brought;
use crate::conversation::history;
use crate::event::{ConversationChange, ConversationEvent};
use crate::failure::Failure;
use crate::id::{ConversationId, Owner, SessionId};
use crate::job::{Channel, Job, MAX_JOB_BYTES};
use crate::json_text::JsonText;
use crate::ports::{Applied, Clock, JobQueue, RequestPorts, Versioned, update};
use crate::quota::Caller;
use crate::session::{Fingerprint, Follower, Input, Session, Status};
use crate::time::Timestamp;

/// A request to answer a prompt.
pub struct Start {
    pub prompt: JsonText,
    /// What the client brings with the prompt.
    pub brought: Brought,
    /// The name of the assistant that answers. `None` for the conversation's last one, or else the default.
    pub assistant: Option<String>,
    /// `None` to have one made.
    pub session_id: Option<SessionId>,
    /// The conversation that the session is a turn of; `None` for a session of its own.
    pub within: Option<Within>,
    pub channel: Channel,
    /// How long the job waits in the queue before a worker may receive it.
    pub delay: Duration,
    /// Who follows the session from its start.
    pub follower: Option<Follower>,
}

/// Where in a conversation a turn is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Within {
    pub conversation_id: ConversationId,
    /// What the client gave; see [`Continues::of`](crate::conversation::parent::Continues::of).
    pub parent_id: Option<SessionId>,
}

/// What became of a [`Start`].
pub struct Started {
    pub session: Session,
    /// The job that was queued; `None` if the session had been started before.
    pub job: Option<Job>,
}

impl Within {
    /// Reads the arguments `conversationId` and `parentId`. `None` if both are missing.
    ///
    /// # Errors
    ///
    /// One of them is malformed, or there is a parent without a conversation.
    pub fn read(
        conversation_id: Option<&str>,
        parent_id: Option<&str>,
    ) -> Result<Option<Self>, RequestError> {
        let parent_id = parent_id.map(|id| id.parse().map_err(|_| RequestError::ParentId));
        let parent_id = parent_id.transpose()?;
        match (conversation_id, parent_id) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(RequestError::ParentAlone),
            (Some(id), parent_id) => Ok(Some(Self {
                conversation_id: id.parse()?,
                parent_id,
            })),
        }
    }
}

/// What tells a start from another of the same prompt.
fn fingerprint(within: Option<Within>, job: &Job, assistant: Option<&str>) -> Fingerprint {
    let conversation_id = within.map(|within| within.conversation_id);
    let conversation_id = conversation_id.as_ref().map(ConversationId::as_str);
    let parent_id = within.and_then(|within| within.parent_id);
    let brought = job.brought.to_option();
    let options: Vec<_> = [
        ("conversationId", conversation_id),
        ("parentId", parent_id.as_ref().map(SessionId::as_str)),
        ("brought", brought.as_deref()),
        ("assistant", assistant),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect();
    Fingerprint::of(&job.prompt, &options)
}

impl<P: RequestPorts> Requests<P> {
    /// Queues the prompt. If its session was started with the same prompt in the same place before, returns that session
    /// and queues nothing.
    ///
    /// # Errors
    ///
    /// The prompt, its session or its place is refused, a quota is exceeded, or a table or the queue does not answer.
    pub async fn start(&self, caller: &Caller, start: Start) -> Result<Started, RequestError> {
        let owner = &caller.owner;
        let id = start.session_id.unwrap_or_else(SessionId::random);
        let conversation_id = start.within.as_ref().map(|it| it.conversation_id.as_str());
        if conversation_id == Some(id.as_str()) {
            return Err(RequestError::SessionIsConversation);
        }
        let now = self.clock.now();
        let start_by = now + self.rules.start_within;
        let job = self.job(owner, id, start.prompt, start.brought, now);
        let job = match job.and_then(|job| fits(job.over(start.channel).start_by(start_by))) {
            Ok(job) => job,
            Err(refused) => {
                if start.session_id.is_some() {
                    self.note_refused(owner, id, &refused).await;
                }
                return Err(refused);
            }
        };
        let named = start.assistant.as_deref();
        let assistant = self.assistants.choose(named, None)?;
        if start.within.is_none() {
            self.check_system_prompt(assistant, &job.brought)?;
        }
        let input = Input {
            fingerprint: fingerprint(start.within, &job, named),
            start_by,
            follower: start.follower,
            place: None,
            assistant: Some(assistant.name.clone()),
            price: self.assistants.price(&assistant.name),
            reservation: None,
        };
        let (claimed, title) = match start.within {
            None => (
                Box::pin(self.start_alone(caller, id, input, &job)).await?,
                None,
            ),
            Some(within) => {
                // Boxed, because most of it is of no use to a session outside of conversations.
                Box::pin(self.add_turn(caller, id, within, input, &job, named)).await?
            }
        };
        if claimed.session.status != Status::Claimed {
            return Ok(Started {
                session: claimed.session,
                job: None,
            });
        }
        let Session {
            conversation_id,
            parent_id,
            ref assistant,
            ..
        } = claimed.session;
        // The record's, for a start that was broken off may have chosen before.
        let job = job.of_assistant(assistant.clone());
        let (job, started) = match conversation_id {
            None => (job, None),
            Some(conversation_id) => {
                let started = ConversationEvent {
                    title,
                    session_id: Some(id),
                    parent_id,
                    status: Some(Status::Queued),
                    ..ConversationEvent::new(
                        conversation_id,
                        owner.clone(),
                        ConversationChange::TurnStarted,
                    )
                };
                (job.within(conversation_id, parent_id), Some(started))
            }
        };
        // The job is sent before the record says so. In the other order, a function that dies between the two would
        // leave a session that waits for ever. Two jobs of one session do no harm: the worker answers it once.
        let sent = self.queue.send_after(&job, start.delay);
        match started {
            None => sent.await?,
            Some(started) => {
                let (sent, ()) = tokio::join!(sent, Box::pin(self.tell(&started)));
                sent?;
            }
        }
        info!(session = %id, "queued");
        Ok(Started {
            session: self.note_queued(claimed, start_by).await,
            job: Some(job),
        })
    }

    /// Whether an assistant takes a client's system prompt, and this one: it has a part of the history's bound.
    pub(super) fn check_system_prompt(
        &self,
        assistant: &Assistant,
        brought: &Brought,
    ) -> Result<(), RequestError> {
        if brought.system.is_some() && !assistant.client_system_prompt {
            return Err(RequestError::SystemPrompt);
        }
        let (tokens, max) = (history::system_cost(brought), self.rules.max_history_tokens);
        if tokens > max.into() {
            return Err(RequestError::LongSystemPrompt { tokens, max });
        }
        Ok(())
    }

    pub(super) async fn note_start(
        &self,
        owner: &Owner,
        id: SessionId,
        input: &Input,
    ) -> Result<Versioned, RequestError> {
        self.change(id, |current| {
            let (now, ttl) = (self.clock.now(), self.rules.session_ttl);
            Session::start(current, id, owner, input, now, ttl)
        })
        .await
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
        brought: Brought,
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
        Ok(Job::new(id, owner.clone(), prompt, now).with(brought))
    }
}

/// The job, if a queue takes it.
fn fits(job: Job) -> Result<Job, RequestError> {
    /// What a job gets later: its assistant, and the ids of its place in a conversation, with their names.
    const PLACE_BYTES: usize = 256;
    /// An escaped character takes at most six times its bytes.
    const SURE_BYTES: usize = MAX_JOB_BYTES / 8;
    /// What a turn has around its text.
    const TURN_BYTES: usize = 64;
    let turns = job.brought.turns.len() * TURN_BYTES;
    if job.prompt.len() + job.brought.text_bytes() + turns > SURE_BYTES {
        let (bytes, max) = (job.to_json().len(), MAX_JOB_BYTES - PLACE_BYTES);
        if bytes > max {
            return Err(if job.brought.is_empty() {
                RequestError::LongJob { bytes, max }
            } else {
                RequestError::LongHistory { bytes, max }
            });
        }
    }
    Ok(job)
}
