//! Timers without rounding: tokio's round up to the next millisecond, which is much of an answer time of 5 ms.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// More timers than are ever pending.
const PLACES: usize = 65_536;

/// A thread that wakes each task at its time. It ends when its last handle is dropped.
#[derive(Clone, Debug)]
pub struct Timer(SyncSender<Alarm>);

#[derive(Debug)]
struct Alarm {
    at: Instant,
    wake: oneshot::Sender<()>,
}

impl Timer {
    pub fn start() -> Self {
        let (sender, alarms) = sync_channel(PLACES);
        std::thread::spawn(move || run(&alarms));
        Self(sender)
    }

    pub async fn sleep_until(&self, at: Instant) {
        let (wake, woken) = oneshot::channel();
        // Both calls only fail when everything ends.
        if self.0.try_send(Alarm { at, wake }).is_ok() {
            let _ = woken.await;
        }
    }
}

fn run(alarms: &Receiver<Alarm>) {
    let mut waiting = BTreeMap::<Instant, Vec<oneshot::Sender<()>>>::new();
    loop {
        let left = match waiting.first_key_value() {
            Some((at, _)) => at.saturating_duration_since(Instant::now()),
            None => Duration::from_secs(1),
        };
        if left.is_zero() {
            for wake in waiting.pop_first().into_iter().flat_map(|(_, wakes)| wakes) {
                let _ = wake.send(());
            }
            continue;
        }
        match alarms.recv_timeout(left) {
            Ok(Alarm { at, wake }) => waiting.entry(at).or_default().push(wake),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
