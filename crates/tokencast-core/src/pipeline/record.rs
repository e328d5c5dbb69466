//! The session's record during an attempt: checkpoints, renewals, and the last word.

use std::time::Duration;

use tracing::warn;

use crate::backoff::Backoff;
use crate::id::Attempt;
use crate::ports::{Applied, Clock, Receipt, SessionStore, StoreError, Versioned, update};
use crate::retry::{Retry, RetryPolicy, retry};
use crate::session::{Lost, Progress, Saved, Session};
use crate::time::{Deadline, Timestamp};

/// What came of a checkpoint.
#[derive(Debug)]
pub(super) enum Noted {
    Saved(Box<Versioned>),
    StopRequested,
    Lost,
    /// The table did not answer; the next checkpoint covers this one's progress too.
    Unreachable,
}

/// Saves progress, where there is some; renews the lease, where `until` is given; and reads whether to stop.
///
/// The message's visibility is renewed after the lease, so that the message never comes back while the lease lives.
pub(super) async fn note<S: SessionStore, R: Receipt, C: Clock>(
    store: &S,
    receipt: &R,
    clock: &C,
    record: Versioned,
    attempt: Attempt,
    progress: Option<Progress>,
    until: Option<Timestamp>,
) -> Noted {
    let id = record.session.id;
    let writes = progress.is_some() || until.is_some();
    // With nothing to write, the table is read, to see whether somebody asked for a stop.
    let known = writes.then_some(record);
    let now = clock.now();
    let noted = update(store, id, known, |current| {
        let saved = Session::save(current, attempt, progress.as_ref(), until, now);
        let write = match &saved {
            Ok(Saved::Continue(session)) if writes => Some(session.clone()),
            _ => None,
        };
        Applied {
            write,
            answer: saved.map(|saved| matches!(saved, Saved::Continue(_))),
        }
    });
    let noted = match noted.await {
        Ok((Ok(true), Some(saved))) => Noted::Saved(Box::new(saved)),
        Ok((Ok(false), _)) => Noted::StopRequested,
        Ok((Ok(true), None) | (Err(Lost), _)) => Noted::Lost,
        Err(error) => {
            warn!(session = %id, error = &error as &dyn std::error::Error, "checkpoint failed");
            Noted::Unreachable
        }
    };
    if let (Noted::Saved(_), Some(until)) = (&noted, until) {
        let seconds = until.since(now).as_secs_f64().ceil();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a lease is minutes at most"
        )]
        if let Err(error) = receipt.hide_for(seconds as u32).await {
            warn!(session = %id, error = &error as &dyn std::error::Error, "the message's visibility was not renewed");
        }
    }
    noted
}

/// Writes the last word of an attempt, trying again while the table does not answer, up to `deadline`.
pub(super) async fn persist<S: SessionStore, C: Clock>(
    store: &S,
    clock: &C,
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
        clock,
        deadline,
        |_| Retry::Always,
        |_| {
            let written = update(store, id, known.take(), |current| {
                let changed = rule(current, clock.now());
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
