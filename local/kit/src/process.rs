//! The processes that sign with an access key. Tests and fault plans may stop them.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;

/// A process that runs a function.
pub trait Process: Debug + Send + Sync {
    fn pid(&self) -> u32;
    /// Sends a signal to the process and its children. Does nothing if the process has ended.
    fn signal(&self, signal: Signal);
}

/// Finds the process that signs with an access key.
pub trait Callers: Debug + Send + Sync {
    /// The function's name and the process that has this access key.
    fn process_with_key(&self, access_key_id: &str) -> Option<(String, Arc<dyn Process>)>;
}

/// Waits until each thread of a process has stopped after `SIGSTOP`: for at most a second, and only where `/proc` shows
/// it.
pub async fn stopped(pid: u32) {
    let tasks = format!("/proc/{pid}/task");
    let is_stopped = |task: &std::fs::DirEntry| {
        // `PID (NAME) STATE …`
        let stat = std::fs::read_to_string(task.path().join("stat"));
        stat.is_ok_and(|stat| stat.contains(") T "))
    };
    let waiting = async {
        while let Ok(tasks) = std::fs::read_dir(&tasks)
            && !tasks.flatten().all(|task| is_stopped(&task))
        {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    // A process that doesn't stop in time isn't waited for any longer.
    let _ = tokio::time::timeout(Duration::from_secs(1), waiting).await;
}
