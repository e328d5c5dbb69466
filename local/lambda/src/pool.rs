//! A function's processes. An idle process is used again, the last used first, so that the others can end. If none is
//! idle, a new one is started, up to the function's concurrency.
//!
//! A process keeps to the clock's time at its start. If the clock is advanced, the process finishes its invocation, and
//! the next invocation gets a new process.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use local_faults::Faults;
use local_iam::CredentialStore;
use local_kit::process::Process as _;
use rustix::process::Signal;
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::environment::{Environment, Invocation, Outcome};
use super::error::{Failure, FunctionError};
use super::process::{self, LastLines, Template};
use super::role::role;
use super::streaming::Part;
use super::trace::TraceHeader;
use crate::faults::{self, InvocationFault};

#[derive(Debug)]
pub(crate) struct Pool {
    pub template: Template,
    credentials: CredentialStore,
    faults: Faults,
    tracker: TaskTracker,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Processes that are being started. They count towards the concurrency.
    starting: usize,
    all: Vec<Arc<Environment>>,
    idle: Vec<Idle>,
    closed: bool,
}

#[derive(Debug)]
struct Idle {
    environment: Arc<Environment>,
    since_ms: i64,
}

impl Pool {
    pub(crate) fn new(
        template: Template,
        credentials: CredentialStore,
        faults: Faults,
        tracker: TaskTracker,
    ) -> Self {
        Self {
            template,
            credentials,
            faults,
            tracker,
            state: Mutex::default(),
        }
    }

    /// Runs one invocation to its end. With `parts`, a streamed response goes there and the result is empty.
    /// `caused_by` is the X-Ray header of the request that led to the invocation.
    pub(crate) async fn run(
        self: Arc<Self>,
        event: Bytes,
        parts: Option<mpsc::Sender<Part>>,
        caused_by: Option<TraceHeader>,
    ) -> Result<Bytes, Failure> {
        let request_id = Uuid::new_v4().to_string();
        let planned = faults::of_invocation(&self.faults, &self.template.config.name, &event);
        if !planned.delay.is_zero() {
            tokio::time::sleep(planned.delay).await;
        }
        if let Some(InvocationFault::Error {
            error_type,
            message,
        }) = planned.fault
        {
            return Err(planned_error(&error_type, message));
        }
        loop {
            let environment = match self.take_idle() {
                Some(environment) => environment,
                None => self.start(&request_id).await?,
            };
            let timeout = self.template.config.timeout;
            let clock = &self.template.clock;
            let deadline_ms =
                clock.now_ms() + i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX / 2);
            let (outcome, mut answer) = oneshot::channel();
            let caused_by = caused_by.clone();
            let caused_by = caused_by.unwrap_or_else(|| TraceHeader::begin(clock.now_ms()));
            let function = &self.template.config.name;
            let function_arn = self.template.endpoints.function_arn(function);
            let invocation = Invocation {
                request_id: request_id.clone(),
                event: event.clone(),
                deadline_ms,
                trace: caused_by.invoke(&function_arn).to_string(),
                parts: parts.clone(),
                outcome,
            };
            environment.assign(invocation);
            if let Some(fault) = &planned.fault {
                faults::apply(&self.faults, fault, &environment, &request_id);
            }
            let outcome = tokio::select! {
                // A response that is there at the deadline counts.
                biased;
                outcome = &mut answer => outcome.unwrap_or(Outcome::NotTaken),
                () = clock.sleep_until(deadline_ms) => {
                    drop(answer);
                    self.discard(&environment);
                    let seconds = timeout.as_secs_f64();
                    let what = format!("Task timed out after {seconds:.2} seconds");
                    tracing::warn!(target: "lambda", function = self.template.config.name, request_id, "{what}");
                    return Err(Failure::Function(FunctionError::of_request("Sandbox.Timedout", &request_id, &what)));
                }
            };
            match outcome {
                Outcome::Response(body) => {
                    self.give_back(environment);
                    return Ok(body);
                }
                Outcome::Error(error) => {
                    self.give_back(environment);
                    return Err(Failure::Function(error));
                }
                // The function never saw the invocation.
                Outcome::NotTaken => self.discard(&environment),
            }
        }
    }

    /// Starts processes until `count` exist, and waits until all are idle.
    pub(crate) async fn warm(self: Arc<Self>, count: usize) -> Result<(), Failure> {
        self.end_outdated();
        let missing = {
            let state = self.lock();
            count.saturating_sub(state.all.len() + state.starting)
        };
        let starts = (0..missing).map(|_| async {
            let environment = self.start("warm").await?;
            self.give_back(environment);
            Ok(())
        });
        futures_util::future::try_join_all(starts).await.map(|_| ())
    }

    pub(crate) fn environments(&self) -> Vec<Arc<Environment>> {
        self.lock().all.clone()
    }

    /// Ends processes that have been idle since `before_ms`.
    pub(crate) fn end_idle(&self, before_ms: i64) {
        let ended: Vec<_> = self
            .lock()
            .idle
            .extract_if(.., |idle| idle.since_ms < before_ms)
            .collect();
        for idle in ended {
            self.discard(&idle.environment);
        }
    }

    /// Ends every process, and starts no more.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        for environment in self.environments() {
            self.discard(&environment);
        }
    }

    /// Ends idle processes that were started before the clock was advanced.
    fn end_outdated(&self) {
        let outdated: Vec<_> = self
            .lock()
            .idle
            .extract_if(.., |idle| self.is_outdated(&idle.environment))
            .collect();
        for idle in outdated {
            self.discard(&idle.environment);
        }
    }

    fn is_outdated(&self, environment: &Environment) -> bool {
        environment.clock_offset_ms != self.template.clock.offset_ms()
    }

    fn take_idle(&self) -> Option<Arc<Environment>> {
        self.end_outdated();
        let mut state = self.lock();
        while let Some(idle) = state.idle.pop() {
            if idle.environment.is_alive() {
                return Some(idle.environment);
            }
        }
        None
    }

    async fn start(self: &Arc<Self>, request_id: &str) -> Result<Arc<Environment>, Failure> {
        {
            let mut state = self.lock();
            if state.closed {
                return Err(shut_down(request_id));
            }
            if state.all.len() + state.starting
                >= self.template.config.max_concurrency.get() as usize
            {
                return Err(Failure::Throttled);
            }
            state.starting += 1;
        }
        let (environment, last_lines) = self
            .spawn()
            .map_err(|error| self.not_started(request_id, &error))?;
        match environment.ready().await {
            Ok(()) => Ok(environment),
            Err(error) => {
                self.discard(&environment);
                // A process that was ended with the stack has not failed.
                if self.lock().closed {
                    return Err(shut_down(request_id));
                }
                Err(self.not_ready(request_id, &error, &last_lines))
            }
        }
    }

    /// Starts a process. Its place in the concurrency limit is reserved already.
    fn spawn(self: &Arc<Self>) -> std::io::Result<(Arc<Environment>, LastLines)> {
        let pool = Arc::clone(self);
        let principal = role(&self.template.config, &self.template.endpoints);
        let access_key_id = principal.access_key_id.clone();
        self.credentials.insert(principal.clone());
        let ended_key_id = access_key_id.clone();
        let started = process::start(&self.template, &principal, &self.tracker, move || {
            pool.credentials.remove(&ended_key_id);
            pool.lock().all.retain(|one| one.is_alive());
        });
        let mut state = self.lock();
        state.starting -= 1;
        let (environment, last_lines) =
            started.inspect_err(|_| self.credentials.remove(&access_key_id))?;
        state.all.push(Arc::clone(&environment));
        if state.closed {
            environment.signal(Signal::KILL);
        }
        Ok((environment, last_lines))
    }

    fn not_started(&self, request_id: &str, error: &std::io::Error) -> Failure {
        let config = &self.template.config;
        tracing::error!(
            target: "lambda", function = config.name, program = %config.program.display(), %error,
            "the function's program can't be started"
        );
        let what = format!("fork/exec {}: {error}", config.program.display());
        Failure::Function(FunctionError::of_request(
            "Runtime.InvalidEntrypoint",
            request_id,
            &what,
        ))
    }

    fn not_ready(
        &self,
        request_id: &str,
        error: &FunctionError,
        last_lines: &LastLines,
    ) -> Failure {
        tracing::error!(
            target: "lambda", function = self.template.config.name, error_type = error.error_type,
            stderr = last_lines.text(), "the function failed to start: {}", error.message
        );
        Failure::Function(match error.error_type.as_str() {
            "Runtime.ExitError" | "Runtime.InitError" => {
                FunctionError::of_request(&error.error_type, request_id, &error.message)
            }
            _ => error.clone(),
        })
    }

    fn give_back(&self, environment: Arc<Environment>) {
        if self.is_outdated(&environment) {
            self.discard(&environment);
            return;
        }
        let since_ms = self.template.clock.now_ms();
        self.lock().idle.push(Idle {
            environment,
            since_ms,
        });
    }

    /// Ends a process, which then no longer counts.
    fn discard(&self, environment: &Arc<Environment>) {
        environment.signal(Signal::KILL);
        let mut state = self.lock();
        state.all.retain(|one| !Arc::ptr_eq(one, environment));
        state
            .idle
            .retain(|idle| !Arc::ptr_eq(&idle.environment, environment));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shut_down(request_id: &str) -> Failure {
    Failure::Function(FunctionError::of_request(
        "Sandbox.Failure",
        request_id,
        "shut down",
    ))
}

fn planned_error(error_type: &str, message: String) -> Failure {
    match error_type {
        "TooManyRequestsException" => Failure::Throttled,
        _ => Failure::Function(FunctionError::new(error_type, message)),
    }
}
