//! One execution environment: a process, which runs one invocation at a time.
//!
//! The process drives it through the Runtime API ([`super::runtime_api`]); the pool assigns invocations to it.

use std::pin::pin;
use std::process::ExitStatus;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use local_kit::process::Process;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::sync::{Notify, mpsc, oneshot};

use super::error::FunctionError;
use super::streaming::Part;

/// How long a process may take from its start to its first `next`: Lambda's limit on the init phase.
const INIT_LIMIT: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub struct Environment {
    pub pid: u32,
    /// The access key that the process signs its requests with.
    pub access_key_id: String,
    /// How far the stack's clock was advanced when the process started. The process keeps to that time.
    pub clock_offset_ms: i64,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    phase: Phase,
    /// Assigned by the pool, not taken by the process yet.
    pending: Option<Invocation>,
    running: Option<Running>,
    /// The process has ended and was waited for, so its pid may belong to another process by now.
    gone: bool,
}

#[derive(Debug, Default)]
enum Phase {
    #[default]
    Starting,
    InitFailed(FunctionError),
    /// The process has asked for an invocation at least once.
    Ready,
    /// The process has ended, as Lambda words it. `asked` tells whether it was `Ready` before.
    Ended {
        exit: String,
        asked: bool,
    },
}

#[derive(Debug)]
pub struct Invocation {
    pub request_id: String,
    pub event: Bytes,
    /// In milliseconds since the Unix epoch.
    pub deadline_ms: i64,
    /// The invocation's X-Ray header.
    pub trace: String,
    /// Gets a streamed response's parts as they arrive. `None` if the caller waits for the whole response.
    pub parts: Option<mpsc::Sender<Part>>,
    pub outcome: oneshot::Sender<Outcome>,
}

#[derive(Debug)]
struct Running {
    request_id: String,
    parts: Option<mpsc::Sender<Part>>,
    /// Whether the process has begun its response.
    is_answering: bool,
    outcome: oneshot::Sender<Outcome>,
}

/// How an invocation ended.
#[derive(Debug)]
pub enum Outcome {
    Response(Bytes),
    Error(FunctionError),
    /// The process ended before it took the invocation, so another process may run it.
    NotTaken,
}

/// Why the Runtime API refuses a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No such invocation is running here: it is unknown, has ended, or is past its deadline.
    UnknownRequest,
    /// The call isn't allowed in the environment's present state.
    State,
}

/// What a process is doing, for tests and fault plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessState {
    Starting,
    Idle,
    Busy,
}

impl Environment {
    pub fn new(pid: u32, access_key_id: String, clock_offset_ms: i64) -> Self {
        Self {
            pid,
            access_key_id,
            clock_offset_ms,
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Waits until the process asks for its first invocation.
    ///
    /// # Errors
    ///
    /// The process reported an error, ended, or exceeded the limit of the init phase.
    pub async fn ready(&self) -> Result<(), FunctionError> {
        let started = self.wait(|state| match &state.phase {
            Phase::Starting => None,
            Phase::Ready | Phase::Ended { asked: true, .. } => Some(Ok(())),
            Phase::InitFailed(error) => Some(Err(error.clone())),
            Phase::Ended { exit, asked: false } => {
                Some(Err(FunctionError::new("Runtime.ExitError", exit.clone())))
            }
        });
        // Measured in real time, because a process starts no faster when a test advances the clock.
        tokio::time::timeout(INIT_LIMIT, started)
            .await
            .unwrap_or_else(|_| {
                let message =
                    "the process did not ask for an invocation within 10 seconds of its start";
                Err(FunctionError::new("Runtime.InitError", message.to_owned()))
            })
    }

    /// Assigns an invocation. If the process has ended, the outcome is [`Outcome::NotTaken`].
    pub fn assign(&self, invocation: Invocation) {
        let mut state = self.lock();
        if state.gone {
            // The receiver may have given up.
            let _ = invocation.outcome.send(Outcome::NotTaken);
            return;
        }
        state.pending = Some(invocation);
        drop(state);
        self.changed.notify_waiters();
    }

    /// `next`: waits for an invocation. Returns its id, deadline, X-Ray header and event.
    ///
    /// # Errors
    ///
    /// `State` while an invocation is running.
    pub async fn next(&self) -> Result<(String, i64, String, Bytes), Refusal> {
        {
            let mut state = self.lock();
            if state.running.is_some() || !matches!(state.phase, Phase::Starting | Phase::Ready) {
                return Err(Refusal::State);
            }
            state.phase = Phase::Ready;
        }
        self.changed.notify_waiters();
        let take = |state: &mut State| {
            let Invocation {
                request_id,
                event,
                deadline_ms,
                trace,
                parts,
                outcome,
            } = state.pending.take()?;
            state.running = Some(Running {
                request_id: request_id.clone(),
                parts,
                is_answering: false,
                outcome,
            });
            Some((request_id, deadline_ms, trace, event))
        };
        let taken = self.wait(take).await;
        self.changed.notify_waiters();
        Ok(taken)
    }

    /// Waits until the process has taken the invocation that it was assigned. Returns false if it never will.
    pub async fn taken(&self, request_id: &str) -> bool {
        self.wait(|state| {
            let is_running = state
                .running
                .as_ref()
                .is_some_and(|running| running.request_id == request_id);
            let is_pending = state
                .pending
                .as_ref()
                .is_some_and(|pending| pending.request_id == request_id);
            (is_running || !is_pending).then_some(is_running)
        })
        .await
    }

    /// Whether `request_id` is running here.
    ///
    /// # Errors
    ///
    /// `UnknownRequest` if not.
    pub fn check(&self, request_id: &str) -> Result<(), Refusal> {
        let state = self.lock();
        match &state.running {
            Some(running) if running.request_id == request_id => Ok(()),
            _ => Err(Refusal::UnknownRequest),
        }
    }

    /// Records that the process begins its response. Returns where its parts go, if the caller wants them as they
    /// arrive.
    ///
    /// # Errors
    ///
    /// `UnknownRequest` if `request_id` isn't running here, `State` if its response has begun already.
    pub(crate) fn begin_response(
        &self,
        request_id: &str,
    ) -> Result<Option<mpsc::Sender<Part>>, Refusal> {
        let mut state = self.lock();
        match &mut state.running {
            Some(running) if running.request_id == request_id => {
                if std::mem::replace(&mut running.is_answering, true) {
                    return Err(Refusal::State);
                }
                Ok(running.parts.take())
            }
            _ => Err(Refusal::UnknownRequest),
        }
    }

    /// Ends the running invocation.
    ///
    /// # Errors
    ///
    /// `UnknownRequest` if the running invocation isn't `request_id`.
    pub fn finish(&self, request_id: &str, outcome: Outcome) -> Result<(), Refusal> {
        let mut state = self.lock();
        let running = state
            .running
            .take_if(|running| running.request_id == request_id);
        let running = running.ok_or(Refusal::UnknownRequest)?;
        // The receiver gave up at the deadline, so this response is too late.
        running
            .outcome
            .send(outcome)
            .map_err(|_| Refusal::UnknownRequest)
    }

    /// Records that the process failed in its init phase.
    ///
    /// # Errors
    ///
    /// `State` after the init phase.
    pub(crate) fn init_failed(&self, error: FunctionError) -> Result<(), Refusal> {
        let mut state = self.lock();
        if !matches!(state.phase, Phase::Starting) {
            return Err(Refusal::State);
        }
        state.phase = Phase::InitFailed(error);
        drop(state);
        self.changed.notify_waiters();
        Ok(())
    }

    /// Records that the process has ended.
    pub fn ended(&self, status: Option<ExitStatus>) {
        let exit = describe(status);
        let (pending, running) = {
            let mut state = self.lock();
            let asked = matches!(state.phase, Phase::Ready);
            state.gone = true;
            if !matches!(state.phase, Phase::InitFailed(_)) {
                state.phase = Phase::Ended {
                    exit: exit.clone(),
                    asked,
                };
            }
            (state.pending.take(), state.running.take())
        };
        self.changed.notify_waiters();
        if let Some(invocation) = pending {
            let _ = invocation.outcome.send(Outcome::NotTaken);
        }
        if let Some(Running {
            request_id,
            outcome,
            ..
        }) = running
        {
            let error = FunctionError::of_request("Runtime.ExitError", &request_id, &exit);
            let _ = outcome.send(Outcome::Error(error));
        }
    }

    pub fn is_alive(&self) -> bool {
        matches!(self.lock().phase, Phase::Starting | Phase::Ready)
    }

    /// What the process is doing, and the id of its invocation.
    pub fn describe(&self) -> (ProcessState, Option<String>) {
        let state = self.lock();
        let request_id = state
            .running
            .as_ref()
            .map(|running| running.request_id.clone())
            .or_else(|| {
                state
                    .pending
                    .as_ref()
                    .map(|pending| pending.request_id.clone())
            });
        match (&state.phase, &request_id) {
            (_, Some(_)) => (ProcessState::Busy, request_id),
            (Phase::Ready, None) => (ProcessState::Idle, None),
            _ => (ProcessState::Starting, None),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `look` after each change until it returns a value. Cancel-safe, because `look` takes something only when
    /// it returns it.
    async fn wait<T>(&self, mut look: impl FnMut(&mut State) -> Option<T>) -> T {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if let Some(found) = look(&mut self.lock()) {
                return found;
            }
            changed.await;
        }
    }
}

impl Process for Environment {
    fn pid(&self) -> u32 {
        self.pid
    }

    fn signal(&self, signal: Signal) {
        let state = self.lock();
        if state.gone {
            return;
        }
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        let sent = pid.map_or(Ok(()), |pid| kill_process_group(pid, signal));
        if let Err(error) = sent {
            tracing::debug!(pid = self.pid, %error, "signal not delivered");
        }
    }
}

/// The exit in Lambda's words, which are Go's.
fn describe(status: Option<ExitStatus>) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match status.map(|status| (status.code(), status.signal())) {
        Some((Some(0), _)) => "Runtime exited without providing a reason".to_owned(),
        Some((Some(code), _)) => format!("Runtime exited with error: exit status {code}"),
        Some((None, Some(signal))) => {
            format!("Runtime exited with error: signal: {}", signal_name(signal))
        }
        _ => "Runtime exited with error: unknown status".to_owned(),
    }
}

fn signal_name(signal: i32) -> String {
    match signal {
        6 => "aborted".to_owned(),
        9 => "killed".to_owned(),
        11 => "segmentation fault".to_owned(),
        15 => "terminated".to_owned(),
        other => format!("signal {other}"),
    }
}
