//! A `QuickJS` engine, which compiles each script in a context of its own. One thread uses it at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use local_kit::clock::Clock;
use rquickjs::{CatchResultExt, Context, Ctx, Function, Module, Object, Runtime};
use serde::Deserialize;
use serde_json::Value;

use super::{Script, Turn, native};
use crate::errors::CodeError;
use crate::resolvers::{Resolved, ResolverError};

/// The time limit of a script's top level.
const LOAD_TIME_LIMIT: Duration = Duration::from_secs(1);
const MEMORY_LIMIT_BYTES: usize = 32 * 1024 * 1024;
const STACK_LIMIT_BYTES: usize = 256 * 1024;

/// The module `@aws-appsync/utils`, and the code that calls a resolver's two functions.
const UTILS: &str = include_str!("utils.js");
const UTILS_NAME: &str = "@aws-appsync/utils";

pub(super) struct Engine {
    scripts: Arc<[Script]>,
    clock: Clock,
    /// A context for each script, created when it is first needed. Its userdata is the function that runs the resolver.
    loaded: Vec<Option<Context>>,
    time: TimeLimit,
}

/// When the running call must end, in nanoseconds of its thread's processor time. 0 while nothing runs.
#[derive(Clone, Default)]
struct TimeLimit(Arc<AtomicU64>);

/// The script exceeded its time limit and was stopped.
pub(super) struct Stopped;

/// The value that a resolver's function of utils.js returns.
#[derive(Deserialize)]
struct Outcome {
    #[serde(default)]
    result: Value,
    #[serde(default)]
    errors: Vec<Value>,
    /// Whether the field has no value. The last of `errors` tells why.
    #[serde(default)]
    failed: bool,
    /// An exception that the code didn't raise on purpose.
    exception: Option<String>,
}

/// Loads a script to find out whether it can be loaded.
pub(super) fn try_load(script: &Script, clock: &Clock) -> Result<(), CodeError> {
    load(script, clock, &TimeLimit::default()).map(drop)
}

impl Engine {
    /// An engine in which the scripts that `ahead` selects are loaded.
    pub(super) fn new(
        scripts: Arc<[Script]>,
        clock: Clock,
        ahead: impl Fn(&Script) -> bool,
    ) -> Self {
        let loaded = scripts.iter().map(|_| None).collect();
        let mut engine = Self {
            scripts,
            clock,
            loaded,
            time: TimeLimit::default(),
        };
        for index in 0..engine.scripts.len() {
            if ahead(&engine.scripts[index]) {
                engine.prepare(index);
            }
        }
        engine
    }

    /// Runs a script's turn, which may use `limit` of processor time, however busy the machine is.
    pub(super) fn run(
        &mut self,
        index: usize,
        turn: &Turn,
        limit: Duration,
    ) -> Result<Result<Resolved, Vec<ResolverError>>, Stopped> {
        self.prepare(index);
        let Some(context) = self.loaded.get(index).and_then(Option::as_ref) else {
            return Ok(Err(vec![runtime_error()]));
        };
        self.time.start(limit);
        let outcome = context.with(|ctx| call(&ctx, turn));
        let is_over = self.time.is_over();
        self.time.stop();
        Ok(match outcome {
            Ok(Outcome {
                exception: Some(exception),
                ..
            }) => {
                tracing::warn!(exception, "a resolver's code failed");
                Err(vec![runtime_error()])
            }
            Ok(outcome) => {
                let errors: Vec<_> = outcome
                    .errors
                    .iter()
                    .map(ResolverError::from_json)
                    .collect();
                if outcome.failed {
                    Err(errors)
                } else {
                    Ok(Resolved {
                        value: outcome.result,
                        errors,
                    })
                }
            }
            Err(error) => {
                // The script was stopped or ran out of memory, so its context isn't used again.
                self.loaded[index] = None;
                if is_over {
                    return Err(Stopped);
                }
                tracing::warn!(error, "a resolver's code was ended");
                Err(vec![runtime_error()])
            }
        })
    }

    /// Gives a script with state a fresh context before the next request needs it.
    pub(super) fn tidy_up(&mut self, index: usize) {
        if self.scripts[index].keeps_state {
            self.loaded[index] = None;
        }
        self.prepare(index);
    }

    fn prepare(&mut self, index: usize) {
        if self.loaded[index].is_none() {
            let loaded = load(&self.scripts[index], &self.clock, &self.time);
            self.loaded[index] = loaded
                .inspect_err(|error| tracing::error!(%error, "a resolver can't be loaded"))
                .ok();
        }
    }
}

impl TimeLimit {
    fn start(&self, limit: Duration) {
        let end = processor_time() + limit;
        let end = u64::try_from(end.as_nanos()).unwrap_or(u64::MAX);
        self.0.store(end, Ordering::Relaxed);
    }

    fn stop(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        let end = self.0.load(Ordering::Relaxed);
        end != 0 && processor_time() >= Duration::from_nanos(end)
    }
}

/// This thread's processor time: a call stays on the thread where it begins.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// AppSync's message. The log has the details.
pub(super) fn runtime_error() -> ResolverError {
    ResolverError::new("Code", "Runtime Error")
}

fn load(script: &Script, clock: &Clock, time: &TimeLimit) -> Result<Context, CodeError> {
    let unusable = |error: rquickjs::Error| CodeError::Load(error.to_string());
    let runtime = Runtime::new().map_err(unusable)?;
    runtime.set_memory_limit(MEMORY_LIMIT_BYTES);
    runtime.set_max_stack_size(STACK_LIMIT_BYTES);
    let limit = time.clone();
    runtime.set_interrupt_handler(Some(Box::new(move || limit.is_over())));
    let context = Context::full(&runtime).map_err(unusable)?;
    time.start(LOAD_TIME_LIMIT);
    let loaded = context.with(|ctx| {
        let failed = |error: rquickjs::CaughtError<'_>| CodeError::Load(describe(&error));
        native::install(&ctx, clock).map_err(unusable)?;
        let utils = evaluate(&ctx, UTILS_NAME, UTILS)
            .catch(&ctx)
            .map_err(failed)?;
        let runner: Function = utils.get("__runner").map_err(unusable)?;
        let freeze: Function = utils.get("__freeze").map_err(unusable)?;
        let module = evaluate(&ctx, "resolver.js", &script.code)
            .catch(&ctx)
            .map_err(failed)?;
        for name in ["request", "response"] {
            if module.get::<_, Function>(name).is_err() {
                return Err(CodeError::MissingFunction(name));
            }
        }
        // A context that serves only one request needn't be reset.
        if !script.keeps_state {
            freeze
                .call::<_, ()>((module.clone(),))
                .catch(&ctx)
                .map_err(failed)?;
        }
        let run: Function = runner.call((module,)).catch(&ctx).map_err(failed)?;
        ctx.store_userdata(run)
            .map_err(|error| CodeError::Load(error.to_string()))?;
        Ok(())
    });
    time.stop();
    loaded.map(|()| context)
}

fn evaluate<'js>(ctx: &Ctx<'js>, name: &str, code: &str) -> rquickjs::Result<Object<'js>> {
    let (module, evaluated) = Module::declare(ctx.clone(), name, code)?.eval()?;
    evaluated.finish::<()>()?;
    module.namespace()
}

/// Calls the resolver. The error is the engine's, not the code's.
fn call(ctx: &Ctx<'_>, turn: &Turn) -> Result<Outcome, String> {
    let run = ctx
        .userdata::<Function>()
        .ok_or("the context has no resolver")?;
    let outcome: String = run
        .call((turn.handler, turn.event.as_str(), turn.carried.as_str()))
        .catch(ctx)
        .map_err(|error| describe(&error))?;
    serde_json::from_str(&outcome).map_err(|error| error.to_string())
}

fn describe(error: &rquickjs::CaughtError<'_>) -> String {
    match error {
        rquickjs::CaughtError::Exception(exception) => {
            let message = exception.message().unwrap_or_default();
            let stack = exception.stack().unwrap_or_default();
            let place = stack.lines().next().unwrap_or_default().trim();
            if place.is_empty() {
                message
            } else {
                format!("{message} ({place})")
            }
        }
        other => other.to_string(),
    }
}
