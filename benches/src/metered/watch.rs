//! How long a function's invocations take, by looking each millisecond at who is at work.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokencast_local::lambda::Lambda;
use tokio::task::JoinHandle;

const LOOK: Duration = Duration::from_millis(1);

pub(super) struct Watch {
    seen: Arc<Mutex<BTreeMap<String, (Instant, Instant)>>>,
    looking: JoinHandle<()>,
}

impl Watch {
    pub(super) fn start(lambda: Lambda, function: &'static str) -> Self {
        let seen = Arc::<Mutex<BTreeMap<String, (Instant, Instant)>>>::default();
        let noted = Arc::clone(&seen);
        let looking = tokio::spawn(async move {
            loop {
                let now = Instant::now();
                for process in lambda.processes(function) {
                    if let Some(request_id) = process.request_id {
                        let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
                        noted.entry(request_id).or_insert((now, now)).1 = now;
                    }
                }
                tokio::time::sleep(LOOK).await;
            }
        });
        Self { seen, looking }
    }

    /// Of each invocation that was seen at work, at least a look's.
    pub(super) fn times(self) -> Vec<Duration> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let times = seen.values();
        times
            .map(|(first, last)| last.duration_since(*first) + LOOK)
            .collect()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.looking.abort();
    }
}
