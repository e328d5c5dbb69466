//! Runs quick scripts on the caller's thread, because waking another thread and being woken again costs more than the
//! call.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use local_kit::clock::Clock;

use super::engine::{Engine, Stopped};
use super::{Resolved, ResolverError, Script, Turn};

/// How many calls run at a time. A call that finds no free engine runs on the scripts' threads.
const ENGINES: usize = 2;
/// The processor time that a call may use here: a hundred times what a resolver that passes fields on needs, and too
/// short to disturb the thread's other tasks.
const TIME_LIMIT: Duration = Duration::from_millis(5);

/// The free engines, and the scripts that don't run here.
pub(super) struct Inline {
    free: Mutex<Vec<Engine>>,
    /// For each script, whether it runs on the scripts' threads, because it has state or once took too long.
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

    /// `None` means that the script has to run on the scripts' threads. It starts again there, which nobody notices,
    /// because a resolver's code changes nothing outside itself.
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
