//! How an attempt's checkpoints are written into the session's record.

use tracing::warn;

use super::AttemptContext;
use crate::id::Attempt;
use crate::ports::{Applied, Clock, Ports, Receipt, Versioned, update};
use crate::session::{Lost, Progress, Saved, Session};
use crate::time::Timestamp;

/// The result of a checkpoint.
#[derive(Debug)]
pub(super) enum Checkpoint {
    Saved(Box<Versioned>),
    StopRequested,
    LeaseLost,
    /// The table did not answer; the next checkpoint covers this one's progress too.
    Unreachable,
}

/// Saves `progress` if there is some, renews the lease if `until` is given, and reads whether the owner asked for a
/// stop.
///
/// The message's visibility is renewed after the lease, so that the message never comes back while the lease lives.
pub(super) async fn save_checkpoint<P: Ports>(
    context: &AttemptContext<'_, P>,
    record: Versioned,
    attempt: Attempt,
    progress: Option<Progress>,
    until: Option<Timestamp>,
) -> Checkpoint {
    let id = record.session.id;
    let writes = progress.is_some() || until.is_some();
    // A checkpoint that writes nothing reads the table, to see whether the owner asked for a stop.
    let known = writes.then_some(record);
    let now = context.clock.now();
    let updated = update(context.store, id, known, |current| {
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
    let checkpoint = match updated.await {
        Ok((Ok(true), Some(saved))) => Checkpoint::Saved(Box::new(saved)),
        Ok((Ok(false), _)) => Checkpoint::StopRequested,
        Ok((Ok(true), None) | (Err(Lost), _)) => Checkpoint::LeaseLost,
        Err(error) => {
            warn!(session = %id, error = &error as &dyn std::error::Error, "checkpoint failed");
            Checkpoint::Unreachable
        }
    };
    if let (Checkpoint::Saved(_), Some(until)) = (&checkpoint, until) {
        let visibility = context.receipt.extend_visibility(until.since(now));
        if let Err(error) = visibility.await {
            warn!(session = %id, error = &error as &dyn std::error::Error, "the message's visibility was not renewed");
        }
    }
    checkpoint
}
