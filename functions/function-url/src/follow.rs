//! Follows a session that another process answers: reads it from the table until it is over.

use std::time::Duration;

use tokencast_aws::requests::AwsRequests;
use tokencast_core::backoff::Backoff;
use tokencast_core::event::TokenEvent;
use tokencast_core::id::{Owner, Position, SessionId};
use tokencast_core::ports::Clock;
use tokencast_core::requests::RequestError;
use tokencast_core::session::Session;
use tokencast_core::time::Deadline;
use tokio::sync::mpsc;
use tracing::warn;

/// The pause between two reads of a record, which is written about twice a second.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// The pauses between two reads of a table that does not answer.
const UNREACHABLE: Backoff = Backoff {
    first: Duration::from_millis(250),
    cap: Duration::from_secs(5),
};

/// Sends the events of a session after `known`, each as it was sent first. Ends with the session, when nobody listens
/// any more, or at `deadline`.
///
/// `found` is the record, if the caller has just read it.
pub async fn follow(
    requests: &AwsRequests,
    owner: &Owner,
    id: SessionId,
    mut found: Option<Session>,
    mut known: Position,
    events: &mpsc::Sender<TokenEvent>,
    deadline: Deadline,
) {
    let mut failures = 0;
    loop {
        let session = match found.take() {
            Some(session) => Ok(Some(session)),
            None => requests.read(owner, id).await,
        };
        let wait = match session {
            Ok(Some(session)) => {
                failures = 0;
                for event in session.events_after(known) {
                    known = event.position();
                    if events.send(event).await.is_err() {
                        return;
                    }
                }
                if session.status.is_terminal() {
                    return;
                }
                POLL_INTERVAL
            }
            // The session was forgotten or deleted, or its id belongs to another user by now.
            Ok(None) | Err(RequestError::Claim(_)) => return,
            Err(error) => {
                warn!(session = %id, error = &error as &dyn std::error::Error, "the session was not read");
                failures += 1;
                UNREACHABLE.delay(failures)
            }
        };
        if deadline.left(requests.clock.now()) <= wait {
            return;
        }
        tokio::select! {
            () = events.closed() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}
