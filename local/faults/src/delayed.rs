//! Frames that are sent late: after a delay, or in another order.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use local_kit::outbox::{Frame, Outbox};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::Faults;

/// When this many frames wait, further ones are sent at once.
const MAX_WAITING: usize = 65_536;

/// The waiting frames of all subscribers.
#[derive(Debug, Default)]
pub(super) struct DelayedFrames {
    state: Mutex<State>,
    earlier: Notify,
}

#[derive(Debug, Default)]
struct State {
    due: BinaryHeap<Item>,
    held: HashMap<u64, HeldFrames>,
    last_number: u64,
    /// Whether the task that sends due frames is running. It ends when none is left.
    is_running: bool,
}

/// The frames of one subscriber that are to be reordered.
#[derive(Debug)]
struct HeldFrames {
    /// The number of the item that releases these frames.
    number: u64,
    outbox: Outbox,
    seed: u64,
    frames: Vec<Frame>,
}

#[derive(Debug)]
struct Item {
    at: Instant,
    /// Items that are due at the same time are handled in the order of their arrival.
    number: u64,
    what: What,
}

#[derive(Debug)]
enum What {
    Send(Outbox, Frame),
    /// Sends the subscriber's held frames, even if the window isn't full.
    Release(u64),
}

/// How frames are reordered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reorder {
    pub(super) window: usize,
    pub(super) within: Duration,
    pub(super) seed: u64,
}

impl Faults {
    /// Sends a frame after `delay`. Returns false if it won't be sent.
    pub(super) fn send_later(&self, delay: Duration, outbox: &Outbox, frame: Frame) -> bool {
        let mut state = self.shared.delayed.lock();
        if state.due.len() >= MAX_WAITING {
            drop(state);
            return outbox.push(frame);
        }
        state.add(Instant::now() + delay, What::Send(outbox.clone(), frame));
        self.ensure_running(state);
        true
    }

    /// Holds a frame until `window` frames are held, or until `within` after the first. Returns false if the frame
    /// won't be sent.
    pub(super) fn hold(
        &self,
        subscriber: u64,
        reorder: Reorder,
        outbox: &Outbox,
        frame: Frame,
    ) -> bool {
        let mut state = self.shared.delayed.lock();
        if let Some(held) = state.held.get_mut(&subscriber) {
            held.frames.push(frame);
            let is_full = held.frames.len() >= reorder.window;
            return !is_full || state.release(subscriber);
        }
        let number = state.add(Instant::now() + reorder.within, What::Release(subscriber));
        let held = HeldFrames {
            number,
            outbox: outbox.clone(),
            seed: reorder.seed,
            frames: vec![frame],
        };
        state.held.insert(subscriber, held);
        self.ensure_running(state);
        true
    }

    fn ensure_running(&self, mut state: MutexGuard<'_, State>) {
        if std::mem::replace(&mut state.is_running, true) {
            drop(state);
            self.shared.delayed.earlier.notify_one();
            return;
        }
        drop(state);
        let delayed = Arc::clone(&self.shared.delayed);
        self.spawn(async move { delayed.run().await });
    }
}

impl DelayedFrames {
    async fn run(&self) {
        loop {
            let next = {
                let mut state = self.lock();
                state.send_due(Instant::now());
                let Some(next) = state.due.peek() else {
                    state.is_running = false;
                    return;
                };
                next.at
            };
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = self.earlier.notified() => {}
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, at: Instant, what: What) -> u64 {
        self.last_number += 1;
        let number = self.last_number;
        self.due.push(Item { at, number, what });
        number
    }

    fn send_due(&mut self, now: Instant) {
        while self.due.peek().is_some_and(|item| item.at <= now) {
            let Some(item) = self.due.pop() else { return };
            match item.what {
                What::Send(outbox, frame) => {
                    outbox.push(frame);
                }
                What::Release(subscriber) => {
                    let held = self.held.get(&subscriber);
                    // If the numbers differ, the window filled up and its frames were sent; these are newer ones.
                    if held.is_some_and(|held| held.number == item.number) {
                        self.release(subscriber);
                    }
                }
            }
        }
    }

    fn release(&mut self, subscriber: u64) -> bool {
        let Some(held) = self.held.remove(&subscriber) else {
            return false;
        };
        let mut frames: Vec<(usize, Frame)> = held.frames.into_iter().enumerate().collect();
        Rng::with_seed(held.seed).shuffle(&mut frames);
        if frames.is_sorted_by_key(|(came, _)| *came) {
            frames.rotate_left(1);
        }
        frames
            .into_iter()
            .fold(true, |all, (_, frame)| held.outbox.push(frame) && all)
    }
}

impl Ord for Item {
    /// Reversed, because the heap returns the greatest item first and the earliest is wanted.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Item {}
