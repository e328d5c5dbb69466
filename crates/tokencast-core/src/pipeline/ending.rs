//! How an attempt's end is written into the session's record.

use std::time::Duration;

use tracing::warn;

use super::{AttemptContext, Attempted, Observation};
use crate::backoff::Backoff;
use crate::event::Usage;
use crate::failure::{Failure, FailureCode};
use crate::id::Attempt;
use crate::ports::{Applied, Clock, Ports, StoreError, Versioned, update};
use crate::retry::{Retry, RetryPolicy, retry};
use crate::session::{Lost, Outcome, Progress, Session};
use crate::time::{Deadline, Timestamp};

/// Ends the session in its record.
pub(crate) async fn end<P: Ports>(
    context: &AttemptContext<'_, P>,
    record: Versioned,
    attempt: Attempt,
    progress: &Progress,
    outcome: &Outcome,
    deadline: Deadline,
) -> Attempted {
    let id = record.session.id;
    let written = persist(context, record, deadline, |current, now| {
        Session::finish(current, attempt, progress, outcome, now)
    });
    match written.await {
        Ok(Ok(session)) => {
            observe_end(context, &session);
            Attempted::Ended(session)
        }
        Ok(Err(Lost)) => Attempted::LeaseLost,
        Err(error) => {
            warn!(session = %id, error = &error as &dyn std::error::Error, "the end was not recorded");
            Attempted::LeaseLost
        }
    }
}

/// Gives the attempt up, so that the next one need not wait for the lease to end. Ends the session if the model has
/// been throttled for too long.
pub(super) async fn give_up<P: Ports>(
    context: &AttemptContext<'_, P>,
    record: Versioned,
    attempt: Attempt,
    progress: &Progress,
    counted: Option<Usage>,
    failure: Failure,
    deadline: Deadline,
) -> Attempted {
    let id = record.session.id;
    let patience = context.settings.throttle_patience;
    let written = persist(context, record, deadline, |current, now| {
        match failure.code {
            FailureCode::Throttled => {
                Session::throttle(current, attempt, progress, &failure, counted, patience, now)
            }
            _ => Session::release(current, attempt, progress, &failure, counted, now),
        }
    });
    match written.await {
        Ok(Err(Lost)) => return Attempted::LeaseLost,
        Ok(Ok(session)) if session.status.is_terminal() => {
            observe_end(context, &session);
            return Attempted::Ended(session);
        }
        Ok(Ok(_)) => {}
        Err(error) => {
            warn!(session = %id, error = &error as &dyn std::error::Error, "the lease was not released");
        }
    }
    Attempted::GaveUp(failure)
}

fn observe_end<P: Ports>(context: &AttemptContext<'_, P>, session: &Session) {
    (context.observe)(Observation::Ended {
        status: session.status,
        assistant: session.assistant.clone(),
        usage: session.ending.usage,
        cost: session.cost(),
    });
}

/// Applies the rule that ends an attempt. Tries again while the table does not answer, up to `deadline`.
async fn persist<P: Ports>(
    context: &AttemptContext<'_, P>,
    record: Versioned,
    deadline: Deadline,
    rule: impl Fn(Option<Session>, Timestamp) -> Result<Session, Lost> + Send + Sync,
) -> Result<Result<Session, Lost>, StoreError> {
    const POLICY: RetryPolicy = RetryPolicy::unlimited(Backoff {
        first: Duration::from_millis(100),
        cap: Duration::from_secs(5),
    });
    let id = record.session.id;
    let mut known = Some(record);
    let written = retry(
        POLICY,
        context.clock,
        deadline,
        |_| Retry::Always,
        |_| {
            let written = update(context.store, id, known.take(), |current| {
                let changed = rule(current, context.clock.now());
                Applied {
                    write: changed.as_ref().ok().cloned(),
                    answer: changed,
                }
            });
            async { written.await.map(|(changed, _)| changed) }
        },
    );
    written.await.map_err(|given_up| given_up.error)
}
