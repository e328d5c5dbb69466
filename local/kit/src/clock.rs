//! The clock that decides visibility timeouts, expiry and deadlines. It is injected, so that a test can move it.
//!
//! Signatures are checked against the machine's own time ([`Clock::real_ms`]), because SDKs sign with that time and
//! can't be given another.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

/// The system's time plus an offset that a test may advance. Clones share the offset.
///
/// ```
/// use std::time::Duration;
/// use local_kit::clock::Clock;
///
/// let clock = Clock::system();
/// let start_ms = clock.now_ms();
/// clock.advance(Duration::from_secs(30));
/// assert!(clock.now_ms() >= start_ms + 30_000);
/// ```
#[derive(Clone, Debug)]
pub struct Clock {
    offset_ms: Arc<AtomicI64>,
    moved: watch::Sender<()>,
}

impl Clock {
    /// A clock that shows the system's time until it is advanced.
    pub fn system() -> Self {
        Self {
            offset_ms: Arc::default(),
            moved: watch::Sender::new(()),
        }
    }

    /// Milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> i64 {
        self.real_ms() + self.offset_ms()
    }

    /// How far the clock was advanced so far, in milliseconds.
    pub fn offset_ms(&self) -> i64 {
        self.offset_ms.load(Ordering::Acquire)
    }

    /// The machine's own time in milliseconds since the Unix epoch. Tests can't move it.
    pub fn real_ms(&self) -> i64 {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is where the time is injected from"
        )]
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
    }

    /// Advances the clock and wakes every task that waits in [`Clock::sleep_until`].
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.offset_ms.fetch_add(by, Ordering::AcqRel);
        self.moved.send_replace(());
    }

    /// Returns once [`Clock::now_ms`] has reached `at_ms`.
    pub async fn sleep_until(&self, at_ms: i64) {
        let mut moved = self.moved.subscribe();
        loop {
            let left_ms = at_ms - self.now_ms();
            let Ok(left_ms) = u64::try_from(left_ms) else {
                return;
            };
            if left_ms == 0 {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(left_ms)) => {}
                _ = moved.changed() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn advancing_wakes_a_sleeper() {
        let clock = Clock::system();
        let until = clock.now_ms() + 3_600_000;
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(until).await }
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_hours(1));
        tokio::time::timeout(Duration::from_secs(5), sleeper)
            .await
            .expect("woken")
            .expect("no panic");
    }
}
