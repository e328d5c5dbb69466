//! Tasks that nobody awaits one by one, and that end together.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The tasks of one owner, who ends them with [`Tasks::shutdown`]. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    closing: CancellationToken,
}

impl Tasks {
    /// Starts a task that [`Tasks::shutdown`] ends wherever it waits.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let closing = self.closing.clone();
        self.tracker
            .spawn(async move { closing.run_until_cancelled(task).await });
    }

    /// How many haven't ended yet.
    pub fn len(&self) -> usize {
        self.tracker.len()
    }

    pub fn is_empty(&self) -> bool {
        self.tracker.is_empty()
    }

    /// Ends all of them. False: some are left after `limit`.
    pub async fn shutdown(&self, limit: Duration) -> bool {
        self.closing.cancel();
        self.tracker.close();
        tokio::time::timeout(limit, self.tracker.wait())
            .await
            .is_ok()
    }
}
