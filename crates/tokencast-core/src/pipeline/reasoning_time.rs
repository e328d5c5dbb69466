//! How long a model reasons.

use std::time::Duration;

use tokio::time::Instant;

/// Adds up how long a model has reasoned: from the first piece of reasoning to the next piece of something else, each
/// time.
#[derive(Debug, Default)]
pub(super) struct ReasoningTime {
    before: Duration,
    /// When the stretch began that is not over.
    since: Option<Instant>,
}

impl ReasoningTime {
    /// Notes what kind of piece has come. Returns the time so far in milliseconds if it has changed.
    pub(super) fn on_piece(&mut self, is_reasoning: bool) -> Option<u32> {
        match self.since {
            None if !is_reasoning => None,
            None => {
                self.since = Some(Instant::now());
                Some(millis(self.before))
            }
            Some(since) => {
                let so_far = self.before + since.elapsed();
                if !is_reasoning {
                    self.before = so_far;
                    self.since = None;
                }
                Some(millis(so_far))
            }
        }
    }
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
