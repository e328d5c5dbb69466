//! One queued message, from its receipt to its acknowledgement.

use std::time::Duration;

use tracing::{error, info, warn};
use uuid::Uuid;

use crate::backoff::Backoff;
use crate::event::{Ending, TokenEvent};
use crate::failure::{Failure, FailureCode};
use crate::job::{self, Job};
use crate::pipeline::{self, Attempted, Parts, millis};
use crate::ports::{
    Applied, Clock, Fence, Model, Receipt, SessionStore, StoreError, TokenSink, Versioned, update,
};
use crate::session::{Lease, LeaseRefused, Leased, Outcome, Progress, Session, Status};

/// How long a message waits whose attempt failed: 1, 2, 4 … s.
const RETRY: Backoff = Backoff {
    first: Duration::from_secs(1),
    cap: Duration::from_mins(1),
};

/// Between two tries to reach the session table.
const UNREACHABLE: Backoff = Backoff {
    first: Duration::from_millis(100),
    cap: Duration::from_secs(5),
};

/// How long a table that does not answer is waited for before the message is given back. Nothing was begun until then,
/// so no receive should be spent on it.
const PATIENCE: Duration = Duration::from_mins(1);

/// Between two looks at a lease that somebody else holds.
const HELD_POLL: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// A message received more often than this ends its session as failed.
    pub max_attempts: u32,
    /// How long a session is kept after its start.
    pub session_ttl: Duration,
}

/// A received message.
pub struct Message<'a> {
    pub body: &'a str,
    /// How often it was received, this time included.
    pub receive_count: u32,
    /// When the session must have ended; some time is left behind it for the terminal event.
    pub deadline_ms: i64,
    /// When the process is killed.
    pub killed_at_ms: i64,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// Its effect is there: it can be deleted.
    Done,
    /// It must be received again, after this long; `None` leaves that to whoever has it now.
    Again(Option<Duration>),
    /// Somebody else is at it. Its job is to be queued anew, to be received after this long, and it can be deleted: such a
    /// wait is no attempt, so it shall not count as a receive.
    Postpone(Duration),
}

impl Disposition {
    const AT_ONCE: Self = Self::Again(Some(Duration::ZERO));
}

/// Delivers the answer that a message asks for.
pub async fn deliver<M, K, S, R, C>(
    parts: &Parts<'_, M, K, S, R, C>,
    policy: &Policy,
    message: &Message<'_>,
) -> Disposition
where
    M: Model,
    K: TokenSink,
    S: SessionStore,
    R: Receipt,
    C: Clock,
{
    let job = match Job::from_json(message.body) {
        Ok(job) => job,
        Err(error) => {
            // Received again until the queue moves it to the dead-letter queue, as it came.
            error!(
                error = &error as &dyn std::error::Error,
                "a message that is no job"
            );
            return Disposition::AT_ONCE;
        }
    };
    let delivery = Delivery {
        parts,
        policy,
        message,
        job: &job,
    };
    let disposition = delivery.run().await;
    let receive_count = message.receive_count;
    info!(session = %job.session_id, receive_count, ?disposition, "message handled");
    disposition
}

struct Delivery<'a, 'p, M, K, S, R, C> {
    parts: &'a Parts<'p, M, K, S, R, C>,
    policy: &'a Policy,
    message: &'a Message<'a>,
    job: &'a Job,
}

impl<M, K, S, R, C> Delivery<'_, '_, M, K, S, R, C>
where
    M: Model,
    K: TokenSink,
    S: SessionStore,
    R: Receipt,
    C: Clock,
{
    async fn run(&self) -> Disposition {
        let clock = self.parts.clock;
        let patient_until_ms = clock.now_ms() + millis(PATIENCE);
        let mut failures = 0;
        loop {
            // A worker that dies from here on costs the lease's time, not the queue's visibility timeout. The lease is
            // counted from before the message is hidden, so the message never comes back while the lease lives.
            let begun_ms = clock.now_ms();
            let (hidden, leased) =
                tokio::join!(Box::pin(self.hide()), Box::pin(self.lease(begun_ms)));
            if let Err(error) = hidden {
                warn!(session = %self.job.session_id, error = &error as &dyn std::error::Error, "the message was not hidden");
            }
            let wait = match leased {
                Ok(Ok((Leased::Begun(_), Some(held))))
                    if self.is_exhausted() || self.is_spent(&held.session) =>
                {
                    return Box::pin(self.exhaust(held)).await;
                }
                Ok(Ok((Leased::Begun(_), Some(held)))) => return self.attempt(held).await,
                Ok(Ok((Leased::Begun(session) | Leased::Ended(session), _))) => {
                    return self.repeat_end(&session).await;
                }
                Ok(Err(LeaseRefused::Held { until_ms })) => {
                    let left_ms = u64::try_from(until_ms - clock.now_ms()).unwrap_or(0);
                    let left = Duration::from_millis(left_ms);
                    if self.job.delivery == job::Delivery::Response {
                        return Disposition::Postpone(left);
                    }
                    if !self.is_exhausted() {
                        return Disposition::Again(Some(left));
                    }
                    // The message comes for the last time. Were the other worker to die, nobody would end the session.
                    left.clamp(Duration::from_millis(10), HELD_POLL)
                }
                Ok(Err(refused @ LeaseRefused::OtherOwner)) => {
                    let refused = &refused as &dyn std::error::Error;
                    error!(session = %self.job.session_id, error = refused, "a job for somebody else's session");
                    return Disposition::AT_ONCE;
                }
                Err(error) => {
                    warn!(session = %self.job.session_id, error = &error as &dyn std::error::Error, "no lease");
                    if clock.now_ms() >= patient_until_ms && !self.is_exhausted() {
                        return self.again();
                    }
                    failures += 1;
                    UNREACHABLE.delay(failures)
                }
            };
            if clock.now_ms() + millis(wait) >= self.message.deadline_ms {
                return self.again();
            }
            tokio::time::sleep(wait).await;
        }
    }

    async fn hide(&self) -> Result<(), crate::ports::QueueError> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a lease is minutes at most"
        )]
        let seconds = self.parts.settings.lease.as_secs_f64().ceil() as u32;
        self.parts.receipt.hide_for(seconds).await
    }

    /// For as long as a lease is, from `begun_ms` on, however long the table takes.
    async fn lease(
        &self,
        begun_ms: i64,
    ) -> Result<Result<(Leased, Option<Versioned>), LeaseRefused>, StoreError> {
        let Self {
            parts, policy, job, ..
        } = self;
        let holder = Uuid::new_v4();
        let ttl_s = i64::try_from(policy.session_ttl.as_secs()).unwrap_or(i64::MAX);
        let begun = update(parts.store, job.session_id, None, |current| {
            let now_ms = parts.clock.now_ms();
            let lease = Lease {
                until_ms: begun_ms + millis(parts.settings.lease),
                holder,
            };
            let leased = Session::lease(current, job.session_id, &job.owner, lease, now_ms, ttl_s);
            let write = match &leased {
                Ok(Leased::Begun(session) | Leased::Ended(session)) => Some(session.clone()),
                Err(_) => None,
            };
            Applied {
                write,
                answer: leased,
            }
        });
        let (leased, record) = begun.await?;
        Ok(leased.map(|leased| (leased, record)))
    }

    /// Whether every attempt was used up.
    fn is_exhausted(&self) -> bool {
        self.message.receive_count > self.policy.max_attempts
    }

    /// The same of a response: its attempts are not all receives, and what was put off begins to count its receives anew.
    fn is_spent(&self, held: &Session) -> bool {
        let is_response = self.job.delivery == job::Delivery::Response;
        is_response && held.attempts() > self.policy.max_attempts
    }

    async fn attempt(&self, held: Versioned) -> Disposition {
        let attempted = pipeline::run(self.parts, &self.job.prompt, held, self.message.deadline_ms);
        match attempted.await {
            Attempted::Ended(session) => self.publish_end(&session).await,
            Attempted::GaveUp(failure) => {
                warn!(session = %self.job.session_id, code = %failure.code, "the attempt failed");
                self.again()
            }
            Attempted::LeaseLost => {
                warn!(session = %self.job.session_id, "the lease was lost");
                Disposition::Again(None)
            }
        }
    }

    /// Every attempt failed: ends the session with what the last one said, and lets the message go.
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
            self.parts,
            held,
            attempt,
            &Progress::default(),
            &outcome,
            self.message.deadline_ms,
        )
        .await;
        if let Attempted::Ended(session) = ended {
            self.publish_end(&session).await;
        }
        Disposition::AT_ONCE
    }

    /// The session was over before: its terminal event is repeated, in case it was lost.
    async fn repeat_end(&self, session: &Session) -> Disposition {
        let disposition = self.publish_end(session).await;
        // A session that failed for good leaves its message to the dead-letter queue.
        let dead = session.status == Status::Failed && self.is_exhausted();
        if dead {
            Disposition::AT_ONCE
        } else {
            disposition
        }
    }

    async fn publish_end(&self, session: &Session) -> Disposition {
        let Some(event) = TokenEvent::terminal(session) else {
            return self.again();
        };
        let fence = Fence::open(session.id);
        self.parts.sink.attend(session, &session.progress());
        match self
            .parts
            .sink
            .publish(&event, &fence, self.message.killed_at_ms)
            .await
        {
            Ok(()) => Disposition::Done,
            Err(failure) => {
                warn!(session = %session.id, code = %failure.code, "the terminal event was not published");
                self.again()
            }
        }
    }

    /// Waits longer after each receive; not at all before the last, which only ends the session.
    fn again(&self) -> Disposition {
        let receive_count = self.message.receive_count;
        if receive_count == self.policy.max_attempts {
            return Disposition::AT_ONCE;
        }
        Disposition::Again(Some(RETRY.delay(receive_count)))
    }
}
