//! All subscribers of a burst, and what they hear.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::{self, TryStreamExt as _};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::subscriber::{Subscriber, Target};
use crate::error::{BenchError, Step as _};
use crate::spread::Times;

/// How many connect at once.
const CONNECTING: usize = 32;
/// So that readers on different threads seldom wait for each other.
const SHARDS: usize = 16;
/// Of one crowd, all bursts together.
pub(super) const MAX_EVENTS: usize = 32_768;
/// For all deliveries of a burst.
const PATIENCE: Duration = Duration::from_mins(1);

pub(super) struct Crowd {
    pub(super) size: usize,
    heard: Arc<Heard>,
    readers: JoinSet<()>,
}

struct Heard {
    began: Instant,
    /// When each event was given away, in nanoseconds since `began`.
    sent: Vec<AtomicU64>,
    delays: Vec<Mutex<Times>>,
    arrived: AtomicUsize,
    awaited: AtomicUsize,
    enough: Notify,
    /// An event that is out of its order, or a connection that ended.
    wrong: AtomicBool,
}

impl Crowd {
    pub(super) async fn gather(target: &Target, size: usize) -> Result<Self, BenchError> {
        let heard = Arc::new(Heard {
            began: Instant::now(),
            sent: (0..=MAX_EVENTS).map(|_| AtomicU64::new(0)).collect(),
            delays: (0..SHARDS).map(|_| Mutex::default()).collect(),
            arrived: AtomicUsize::new(0),
            awaited: AtomicUsize::new(usize::MAX),
            enough: Notify::new(),
            wrong: AtomicBool::new(false),
        });
        let connecting = stream::iter(0..size).map(|_| Subscriber::connect(target));
        let subscribers: Vec<_> = connecting
            .buffer_unordered(CONNECTING)
            .try_collect()
            .await?;
        let mut readers = JoinSet::new();
        for (index, subscriber) in subscribers.into_iter().enumerate() {
            readers.spawn(listen(subscriber, index % SHARDS, Arc::clone(&heard)));
        }
        Ok(Self {
            size,
            heard,
            readers,
        })
    }

    /// Notes that an event is given away now.
    pub(super) fn sending(&self, sequence: usize) {
        let now = self.heard.now_ns();
        self.heard.sent[sequence].store(now, Ordering::Release);
    }

    /// Returns once everybody has heard all events up to `sequence`.
    pub(super) async fn hears(&self, sequence: usize) -> Result<(), BenchError> {
        let awaited = sequence * self.size;
        self.heard.awaited.store(awaited, Ordering::SeqCst);
        let enough = async {
            loop {
                let enough = self.heard.enough.notified();
                let wrong = self.heard.wrong.load(Ordering::SeqCst);
                if wrong || self.heard.arrived.load(Ordering::SeqCst) >= awaited {
                    return;
                }
                enough.await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, enough).await;
        waited.to("hear all events")?;
        if self.heard.wrong.load(Ordering::SeqCst) {
            let message = "a subscriber lost its connection, or missed an event";
            return Err(BenchError::Wrong(message.to_owned()));
        }
        Ok(())
    }

    /// The delays since they were last taken.
    pub(super) fn take_delays(&self) -> Times {
        let mut all = Times::default();
        for shard in &self.heard.delays {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            all.merge(&std::mem::take(&mut *shard));
        }
        all
    }

    /// Hangs up, all at once.
    pub(super) async fn disperse(mut self) {
        self.readers.shutdown().await;
    }
}

impl Heard {
    fn now_ns(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn hear(&self, shard: usize, from: usize, count: usize) {
        let now = self.now_ns();
        let mut delays = self.delays[shard]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for sent in &self.sent[from..from + count] {
            let delay_ns = now.saturating_sub(sent.load(Ordering::Acquire));
            delays.add(Duration::from_nanos(delay_ns));
        }
        drop(delays);
        let arrived = self.arrived.fetch_add(count, Ordering::SeqCst) + count;
        if arrived >= self.awaited.load(Ordering::SeqCst) {
            self.enough.notify_one();
        }
    }

    fn fail(&self) {
        self.wrong.store(true, Ordering::SeqCst);
        self.enough.notify_one();
    }
}

async fn listen(mut subscriber: Subscriber, shard: usize, heard: Arc<Heard>) {
    let mut next = 1;
    loop {
        let from = next;
        while let Some(frame) = subscriber.try_next() {
            match sequence_of(&frame) {
                Some(sequence) if sequence == next && next <= MAX_EVENTS => next += 1,
                // A keep-alive has no number.
                None => {}
                Some(_) => return heard.fail(),
            }
        }
        if next > from {
            heard.hear(shard, from, next - from);
        }
        if !subscriber.fill().await {
            return heard.fail();
        }
    }
}

/// The number that an event ends with, before its brackets.
fn sequence_of(frame: &[u8]) -> Option<usize> {
    let brackets = frame.iter().rev().take_while(|byte| **byte == b'}').count();
    let rest = &frame[..frame.len() - brackets];
    let digits = rest.iter().rev().take_while(|byte| byte.is_ascii_digit());
    let digits = &rest[rest.len() - digits.count()..];
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_ends_with_its_number() {
        for (frame, expected) in [
            (
                r#"{"payload":{"data":{"x":{"a":"1","sequence":120}}}}"#,
                Some(120),
            ),
            (r#"{"type":"ka"}"#, None),
            ("", None),
        ] {
            assert_eq!(sequence_of(frame.as_bytes()), expected, "{frame}");
        }
    }
}
