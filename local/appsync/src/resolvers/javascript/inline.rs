//! Scripts that are quick, run on the thread that asks: to wake another and be woken again costs more than the call.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use local_kit::clock::Clock;

use super::engine::{Engine, Stopped};
use super::{Resolved, ResolverError, Script, Turn};

/// Calls at one time. One that finds no engine free goes to the threads.
const ENGINES: usize = 2;
/// What a call may take of the processor here: a hundred times what passing fields on takes, and still no more than a
/// pause that the thread's other tasks would not notice.
const TIME_LIMIT: Duration = Duration::from_millis(5);

/// Engines that are free, and what they are not for.
pub(super) struct Inline {
    free: Mutex<Vec<Engine>>,
    /// Of each script: it is for the threads, as it keeps state or has once taken too long.
    is_slow: Vec<AtomicBool>,
}

impl Inline {
    pub(super) fn new(scripts: &Arc<[Script]>, clock: &Clock) -> Self {
        let engines = if scripts.is_empty() { 0 } else { ENGINES };
        let engine = || Engine::new(Arc::clone(scripts), clock.clone(), |it| !it.keeps_state);
        let slow = scripts.iter().map(|script| script.keeps_state);
        Self {
            free: Mutex::new(std::iter::repeat_with(engine).take(engines).collect()),
            is_slow: slow.map(AtomicBool::new).collect(),
        }
    }

    /// `None`: it is for the threads. There it begins anew, which nobody sees: a resolver's code changes nothing outside
    /// itself.
    pub(super) fn run(
        &self,
        script: usize,
        turn: &Turn,
    ) -> Option<Result<Resolved, Vec<ResolverError>>> {
        let is_slow = self.is_slow.get(script)?;
        if is_slow.load(Ordering::Relaxed) {
            return None;
        }
        let mut engine = self.free().pop()?;
        let answer = engine.run(script, turn, TIME_LIMIT);
        if matches!(answer, Err(Stopped)) {
            is_slow.store(true, Ordering::Relaxed);
        } else {
            engine.tidy_up(script);
        }
        self.free().push(engine);
        answer.ok()
    }

    fn free(&self) -> MutexGuard<'_, Vec<Engine>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
