//! What the command asks the API of a session besides its events.

use std::time::Duration;

use tokencast_client::{Client, Error, Waiting};
use tokio::time::timeout;
use uuid::Uuid;

use super::words::is_gone;
use super::{LAST_EVENT_TIMEOUT, STOP_TIMEOUT};

/// The API may take this long for what isn't the answer itself.
const PATIENCE: Duration = Duration::from_secs(2);

/// Returns what holds a session up, if the API knows and answers soon. Only AppSync can be asked.
pub(super) async fn why(client: &Client, session_id: Uuid) -> Option<Waiting> {
    let asked = timeout(PATIENCE, client.get(session_id)).await;
    asked.ok()?.ok()??.waiting
}

/// Returns for how long the model has reasoned, likewise.
pub(super) async fn reasoning_ms(client: &Client, session_id: Uuid) -> Option<u64> {
    let asked = timeout(PATIENCE, client.get(session_id)).await;
    asked.ok()?.ok()??.reasoning_ms
}

/// Whether a session that was there isn't any more: its conversation was deleted.
pub(super) async fn is_deleted(client: &Client, session_id: Uuid) -> bool {
    let mut stream = client.resume(session_id);
    match timeout(PATIENCE, stream.next()).await {
        Ok(Some(Err(error))) => matches!(error, Error::NotFound { .. }) || is_gone(&error),
        _ => false,
    }
}

/// Stops a session, and waits for its end, so that it can be continued.
///
/// # Errors
///
/// The API can't be reached, or the session doesn't end within some seconds.
pub async fn stop(client: &Client, session_id: Uuid) -> Result<(), Error> {
    let after = STOP_TIMEOUT + LAST_EVENT_TIMEOUT;
    let what = "end of the session";
    let stopping = timeout(after, until_stopped(client, session_id));
    let stopped = stopping
        .await
        .unwrap_or(Err(Error::Timeout { what, after }));
    match stopped {
        // Nothing of it is left.
        Err(error) if matches!(error, Error::NotFound { .. }) || is_gone(&error) => Ok(()),
        stopped => stopped,
    }
}

async fn until_stopped(client: &Client, session_id: Uuid) -> Result<(), Error> {
    client.stop(session_id).await?;
    let mut stream = client.resume(session_id);
    while let Some(event) = stream.next().await {
        if event?.is_last() {
            break;
        }
    }
    Ok(())
}
