//! Background tasks that end together, so that nobody awaits each of them.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The background tasks of one owner, who ends them with [`Tasks::shutdown`]. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    closing: CancellationToken,
}

impl Tasks {
    /// Starts a task. [`Tasks::shutdown`] cancels it at its next await.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let closing = self.closing.clone();
        self.tracker
            .spawn(async move { closing.run_until_cancelled(task).await });
    }

    /// The number of tasks that haven't ended.
    pub fn len(&self) -> usize {
        self.tracker.len()
    }

    /// Whether every task has ended.
    pub fn is_empty(&self) -> bool {
        self.tracker.is_empty()
    }

    /// Cancels all tasks and waits for them. Returns false if some haven't ended after `limit`.
    pub async fn shutdown(&self, limit: Duration) -> bool {
        self.closing.cancel();
        self.tracker.close();
        tokio::time::timeout(limit, self.tracker.wait())
            .await
            .is_ok()
    }
}
