//! Bounds on everything that is waited for, so that a test fails by itself.

use std::future::Future;
use std::time::Duration;

/// For what takes a second or two on a machine that is idle, or a client's wait for an event that was lost.
pub const SOON: Duration = Duration::from_mins(1);

const POLL: Duration = Duration::from_millis(20);

/// What `future` gives, within [`SOON`]; `what` says what was waited for.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let Ok(value) = tokio::time::timeout(SOON, future).await else {
        panic!("{what}: not within {SOON:?}");
    };
    value
}

/// Looks at a state until it is as wanted, within [`SOON`].
pub async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut look: impl FnMut() -> F,
) -> T {
    within(what, async {
        loop {
            if let Some(value) = look().await {
                return value;
            }
            tokio::time::sleep(POLL).await;
        }
    })
    .await
}
