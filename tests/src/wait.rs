//! Waits with a bound, so that a test fails instead of hanging.

use std::future::Future;
use std::time::Duration;

/// Enough for work that takes some seconds on an idle machine, where many others work as well.
pub const SOON: Duration = Duration::from_mins(3);

const POLL: Duration = Duration::from_millis(20);

/// Waits for `future`, up to [`SOON`]. `what` names it in the failure.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let Ok(value) = tokio::time::timeout(SOON, future).await else {
        panic!("{what}: not within {SOON:?}");
    };
    value
}

/// Looks at a state until it is as wanted, up to [`SOON`].
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
