//! One queued message, from its receipt to its acknowledgement.

mod clear;

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{self, BoxFuture, Either, FutureExt as _, TryFutureExt as _};
use tracing::{error, info, warn};
use uuid::Uuid;

use crate::backoff::Backoff;
use crate::conversation::history;
use crate::event::{ConversationChange, ConversationEvent, Ending};
use crate::failure::{Failure, FailureCode};
use crate::id::ConversationId;
use crate::job::{Job, Work};
use crate::pipeline::{self, AttemptContext, Attempted, Question};
use crate::ports::{
    Applied, Clock, ConversationSink, Fence, ModelRequest, Ports, Receipt, StoreError, TokenSink,
    Versioned, update,
};
use crate::retry::{Retry, RetryPolicy, retry};
use crate::session::{Lease, LeaseRefused, Leased, Outcome, Progress, Session, Status};
use crate::time::{Deadline, Timestamp};

/// How long a message waits after its attempt failed: 1, 2, 4 … s.
const NEXT_ATTEMPT: Backoff = Backoff {
    first: Duration::from_secs(1),
    cap: Duration::from_mins(1),
};

/// Between two tries to reach the session table.
const UNREACHABLE: RetryPolicy = RetryPolicy::unlimited(Backoff {
    first: Duration::from_millis(100),
    cap: Duration::from_secs(5),
});

/// How long a delivery waits for a table that does not answer, before it gives the message back.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// After this many failed attempts, the next delivery ends the session.
    pub max_attempts: u32,
    /// How long a session is kept after its start.
    pub session_ttl: Duration,
    /// How much of its conversation a model is told, in tokens.
    pub max_history_tokens: u32,
}

/// A received message. Its receive count decides nothing, because SQS also delivers it while another worker has its
/// session, and while Lambda is throttled. The session's record counts the attempts.
pub struct Message<'a> {
    pub body: &'a str,
    /// When the session must have ended; some time is left after it for the terminal event.
    pub deadline: Deadline,
    /// When the process is killed.
    pub killed_at: Timestamp,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// The effect of the message is stored: it can be deleted.
    Done,
    /// The message goes to the dead-letter queue unchanged; then it can be deleted.
    Dead,
    /// The message must be received again after this long. `None` leaves that to the worker that has it now.
    Again(Option<Duration>),
    /// The message must be received again after this long, and nothing can be done for it before: another worker has
    /// the session, or the model is throttled.
    Wait(Duration),
}

/// Delivers the answer that a message asks for.
pub async fn deliver<P: Ports>(
    context: &AttemptContext<'_, P>,
    policy: &Policy,
    message: &Message<'_>,
) -> Disposition {
    let job = match Work::from_json(message.body) {
        Ok(Work::Answer(job)) => job,
        Ok(Work::Purge(purge)) => return Box::pin(clear::clear(context, message, &purge)).await,
        Err(error) => {
            error!(
                error = &error as &dyn std::error::Error,
                "a message that is no job"
            );
            return Disposition::Dead;
        }
    };
    let delivery = Delivery {
        context,
        policy,
        message,
        job: &job,
    };
    let disposition = delivery.run().await;
    info!(session = %job.session_id, ?disposition, "message handled");
    disposition
}

struct Delivery<'a, 'c, P: Ports> {
    context: &'a AttemptContext<'c, P>,
    policy: &'a Policy,
    message: &'a Message<'a>,
    job: &'a Job,
}

impl<P: Ports> Delivery<'_, '_, P> {
    async fn run(&self) -> Disposition {
        let clock = self.context.clock;
        let deadline = self.message.deadline;
        let deadline = deadline.min(Deadline::at(clock.now() + PATIENCE));
        let leased = retry(
            UNREACHABLE,
            clock,
            deadline,
            |_| Retry::Always,
            |_| self.hide_and_lease(),
        );
        let (leased, question) = match self.history() {
            None => {
                let alone = history::alone(self.job, self.policy.max_history_tokens);
                (leased.await, Question::Alone(alone))
            }
            Some(history) => beside(leased, history).await,
        };
        match leased {
            Ok(Ok((Leased::Begun(_), Some(held)))) => {
                if held.session.attempts() > self.policy.max_attempts {
                    return Box::pin(self.exhaust(held)).await;
                }
                self.attempt(held, question).await
            }
            // The session was over before. Its terminal event is published again, in case the first one was lost.
            Ok(Ok((Leased::Begun(session) | Leased::Ended(session), _))) => {
                self.publish_end(&session).await
            }
            Ok(Err(Refused::Gone)) => {
                warn!(session = %self.job.session_id, "a job of a turn that is not there any more");
                Disposition::Done
            }
            Ok(Err(Refused::Lease(LeaseRefused::Held { until }))) => {
                Disposition::Wait(until.since(clock.now()))
            }
            Ok(Err(Refused::Lease(refused @ LeaseRefused::OtherOwner))) => {
                let refused = &refused as &dyn std::error::Error;
                error!(session = %self.job.session_id, error = refused, "a job for somebody else's session");
                Disposition::Dead
            }
            Err(given_up) => Disposition::Again(Some(given_up.pause)),
        }
    }

    /// The history of the prompt, if it continues a conversation.
    fn history(&self) -> Option<BoxFuture<'_, Result<ModelRequest, Failure>>> {
        let id = self.job.conversation_id?;
        let AttemptContext {
            conversations,
            clock,
            ..
        } = *self.context;
        let loaded = history::load(
            conversations,
            clock,
            self.job,
            self.policy.max_history_tokens,
        );
        let request = loaded.map_err(move |error| {
            warn!(conversation = %id, error = &error as &dyn std::error::Error, "no history");
            Failure::new(FailureCode::Internal, "The conversation could not be read.")
        });
        Some(request.boxed())
    }

    /// Hides the message and begins an attempt. If the worker dies after that, the session waits for the lease to end,
    /// not for the queue's visibility timeout. The lease is counted from before the message is hidden, so the message
    /// never comes back while the lease lives.
    async fn hide_and_lease(
        &self,
    ) -> Result<Result<(Leased, Option<Versioned>), Refused>, StoreError> {
        let AttemptContext {
            receipt,
            clock,
            settings,
            ..
        } = *self.context;
        let begun = clock.now();
        let hidden = receipt.extend_visibility(settings.lease);
        let (hidden, leased) = tokio::join!(Box::pin(hidden), Box::pin(self.lease(begun)));
        if let Err(error) = hidden {
            warn!(session = %self.job.session_id, error = &error as &dyn std::error::Error, "the message was not hidden");
        }
        leased.inspect_err(|error| {
            warn!(session = %self.job.session_id, error = error as &dyn std::error::Error, "no lease");
        })
    }

    /// Begins an attempt whose lease is counted from `begun`, however long the table takes.
    async fn lease(
        &self,
        begun: Timestamp,
    ) -> Result<Result<(Leased, Option<Versioned>), Refused>, StoreError> {
        let Self {
            context,
            policy,
            job,
            ..
        } = self;
        let holder = Uuid::new_v4();
        let begun = update(context.store, job.session_id, None, |current| {
            let now = context.clock.now();
            // The start of a turn wrote its record before its job. So the record was forgotten, and its job is late.
            let is_there = current.as_ref().is_some_and(|it| !it.is_expired(now));
            if job.conversation_id.is_some() && !is_there {
                return Applied {
                    write: None,
                    answer: Err(Refused::Gone),
                };
            }
            let lease = Lease {
                until: begun + context.settings.lease,
                holder,
            };
            let mut leased = Session::lease(
                current,
                job.session_id,
                &job.owner,
                lease,
                job.start_by,
                now,
                policy.session_ttl,
            );
            if let Ok(Leased::Begun(session)) = &mut leased
                && session.assistant.is_none()
            {
                // The record was forgotten, and is made anew of the job.
                session.assistant.clone_from(&job.assistant);
            }
            let write = match &leased {
                Ok(Leased::Begun(session) | Leased::Ended(session)) => Some(session.clone()),
                Err(_) => None,
            };
            Applied {
                write,
                answer: leased.map_err(Refused::Lease),
            }
        });
        let (leased, record) = begun.await?;
        Ok(leased.map(|leased| (leased, record)))
    }

    async fn attempt(&self, held: Versioned, question: Question<'_>) -> Disposition {
        let attempts = held.session.attempts();
        let attempted = pipeline::run(self.context, question, held, self.message.deadline);
        match attempted.await {
            Attempted::Ended(session) => self.publish_end(&session).await,
            Attempted::GaveUp(failure) => {
                warn!(session = %self.job.session_id, code = %failure.code, "the attempt failed");
                if failure.code == FailureCode::Throttled {
                    return Disposition::Wait(throttle_pause(
                        self.context.settings.throttle_patience,
                    ));
                }
                // The delivery after the last attempt only ends the session.
                let pause = match attempts {
                    last if last >= self.policy.max_attempts => Duration::ZERO,
                    attempts => NEXT_ATTEMPT.delay(attempts),
                };
                Disposition::Again(Some(pause))
            }
            Attempted::LeaseLost => {
                warn!(session = %self.job.session_id, "the lease was lost");
                Disposition::Again(None)
            }
        }
    }

    /// Ends the session with the failure of its last attempt.
    async fn exhaust(&self, held: Versioned) -> Disposition {
        let attempt = held.session.last_attempt;
        let failure = held.session.last_failure.clone().unwrap_or_else(|| {
            Failure::new(
                FailureCode::Internal,
                "The answer could not be completed: its worker stopped unexpectedly.",
            )
        });
        let outcome = Outcome {
            status: Status::Failed,
            ending: Ending {
                failure: Some(failure),
                ..Ending::default()
            },
        };
        let ended = pipeline::end(
            self.context,
            held,
            attempt,
            &Progress::default(),
            &outcome,
            self.message.deadline,
        )
        .await;
        match ended {
            Attempted::Ended(session) => self.publish_end(&session).await,
            _ => Disposition::Again(None),
        }
    }

    async fn publish_end(&self, session: &Session) -> Disposition {
        let Some(event) = session.terminal_event() else {
            return Disposition::Again(None);
        };
        let fence = Fence::open();
        let progress = session.progress();
        self.context
            .sink
            .on_record_changed(session, &progress, &fence);
        let deadline = Deadline::at(self.message.killed_at);
        let published = self.context.sink.publish(&event, &fence, deadline);
        let published = match session.conversation_id {
            None => published.await,
            // Its subscribers have heard that the conversation is gone.
            Some(_) if session.is_deleted() => published.await,
            Some(id) => {
                let told = Box::pin(self.tell_end(id, session));
                tokio::join!(published, told).0
            }
        };
        match published {
            Ok(()) if session.leaves_dead_letter() => Disposition::Dead,
            Ok(()) => Disposition::Done,
            Err(failure) => {
                warn!(session = %session.id, code = %failure.code, "the terminal event was not published");
                // Waits half as long as the session has been over: longer each time, without a counter.
                let over = self.context.clock.now().since(session.updated_at);
                Disposition::Again(Some((over / 2).clamp(NEXT_ATTEMPT.first, NEXT_ATTEMPT.cap)))
            }
        }
    }
}

impl<P: Ports> Delivery<'_, '_, P> {
    /// Tells the subscribers of a conversation that a turn is over. Nothing depends on whether they hear of it.
    async fn tell_end(&self, id: ConversationId, session: &Session) {
        let event = ConversationEvent {
            session_id: Some(session.id),
            parent_id: session.parent_id,
            status: Some(session.status),
            ..ConversationEvent::new(id, session.owner.clone(), ConversationChange::TurnEnded)
        };
        let deadline = Deadline::at(self.message.killed_at);
        if let Err(failure) = self.context.changes.tell(&event, deadline).await {
            warn!(conversation = %id, code = %failure.code, "nobody heard of a turn's end");
        }
    }
}

/// Why a job gets no lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    Lease(LeaseRefused),
    /// The record was forgotten.
    Gone,
}

/// Reads the history while the lease is taken.
async fn beside<T>(
    leased: impl Future<Output = T>,
    history: BoxFuture<'_, Result<ModelRequest, Failure>>,
) -> (T, Question<'_>) {
    match future::select(pin!(leased), history).await {
        Either::Left((leased, history)) => (leased, Question::Turn(history)),
        Either::Right((request, leased)) => {
            (leased.await, Question::Turn(future::ready(request).boxed()))
        }
    }
}

/// How long a message waits while its model is throttled: a random time between a thirtieth and a fifth of `patience`,
/// so that messages that were refused together do not come back together. Of 300 s, that is 10 to 60 s.
fn throttle_pause(patience: Duration) -> Duration {
    let least = (patience / 30).min(Duration::from_secs(10));
    let most = (patience / 5).min(Duration::from_mins(1));
    least + most.saturating_sub(least).mul_f64(fastrand::f64())
}
