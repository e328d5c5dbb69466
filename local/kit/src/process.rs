//! The processes behind access keys, which tests and fault plans may stop.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;

/// A process that runs a function.
pub trait Process: Debug + Send + Sync {
    fn pid(&self) -> u32;
    /// Sends a signal to the process and its children, unless it is gone.
    fn signal(&self, signal: Signal);
}

/// Who signs with which access key.
pub trait Callers: Debug + Send + Sync {
    /// The process that has this access key, and its function's name.
    fn process_with_key(&self, access_key_id: &str) -> Option<(String, Arc<dyn Process>)>;
}

/// Waits until each thread of a process that was sent `SIGSTOP` has stopped, where that can be seen, for a second at most.
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
    // Whoever can't be stopped is not waited for.
    let _ = tokio::time::timeout(Duration::from_secs(1), waiting).await;
}
