//! Redrive: a task that moves a dead-letter queue's messages back to their source queues, or to another queue.
//!
//! As on AWS, each moved message is a new one with its own id, its own time and no receives.

use std::sync::{Arc, Weak};

use uuid::Uuid;

use super::error::ApiError;
use super::journal::Record;
use super::store::{State, Store};

/// How many tasks are remembered. AWS shows a queue's ten latest.
const KEPT: usize = 100;

#[derive(Clone, Debug)]
pub(crate) struct MoveTask {
    pub handle: String,
    pub source: String,
    /// The target queue. `None` moves each message to the queue that it came from.
    pub destination: Option<String>,
    /// Messages a second.
    pub rate: Option<u32>,
    pub status: Status,
    pub moved: usize,
    pub to_move: usize,
    pub started_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Running,
    Completed,
    Cancelled,
    Failed(&'static str),
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Completed => "COMPLETED",
            Self::Cancelled => "CANCELLED",
            Self::Failed(_) => "FAILED",
        }
    }
}

impl MoveTask {
    pub(crate) fn new(
        source: String,
        destination: Option<String>,
        rate: Option<u32>,
        to_move: usize,
        started_ms: i64,
    ) -> Self {
        let handle = Uuid::new_v4().to_string();
        Self {
            handle,
            source,
            destination,
            rate,
            status: Status::Running,
            moved: 0,
            to_move,
            started_ms,
        }
    }
}

/// Moves one message after another until none is left or the task is cancelled. Ends when the queues are dropped.
pub(crate) async fn run(store: Weak<Store>, handle: String) {
    loop {
        let Some(alive) = store.upgrade() else { return };
        let Some(pause_ms) = step(&alive, &handle) else {
            return;
        };
        let clock = alive.clock.clone();
        drop(alive);
        if pause_ms == 0 {
            tokio::task::yield_now().await;
        } else {
            clock.sleep_until(clock.now_ms() + pause_ms).await;
        }
    }
}

/// Moves one message. Returns the pause before the next, or `None` at the end.
fn step(store: &Arc<Store>, handle: &str) -> Option<i64> {
    let mut state = store.lock();
    let index = state
        .move_tasks
        .iter()
        .position(|task| task.handle == handle)?;
    let task = state.move_tasks[index].clone();
    if task.status != Status::Running {
        return None;
    }
    let status = match move_one(store, &mut state, &task) {
        Ok(Moved::One) => {
            state.move_tasks[index].moved += 1;
            return Some(task.rate.map_or(0, |rate| 1_000 / i64::from(rate)));
        }
        Ok(Moved::None) => Status::Completed,
        Ok(Moved::NoSource) => Status::Failed("CouldNotDetermineMessageSource"),
        Err(_) => Status::Failed("AWS.SimpleQueueService.NonExistentQueue"),
    };
    state.move_tasks[index].status = status;
    let surplus = state.move_tasks.len().saturating_sub(KEPT);
    state.move_tasks.drain(..surplus);
    None
}

enum Moved {
    One,
    None,
    NoSource,
}

fn move_one(store: &Store, state: &mut State, task: &MoveTask) -> Result<Moved, ApiError> {
    let now_ms = store.clock.now_ms();
    let queue = state.queue_mut(&task.source)?;
    queue.settle(now_ms);
    let Some(next) = queue.next_visible() else {
        return Ok(Moved::None);
    };
    let id = next.id;
    let came_from = next
        .dead_letter_source
        .as_deref()
        .and_then(|arn| store.queue_of_arn(arn));
    let Some(to) = task.destination.clone().or(came_from) else {
        return Ok(Moved::NoSource);
    };
    state.queue(&to)?;
    state.commit(Record::Redrive {
        queue: task.source.clone(),
        to,
        id,
        new_id: Uuid::new_v4(),
        at_ms: now_ms,
    })?;
    Ok(Moved::One)
}
