//! One thread's `QuickJS`, with each script compiled in a context of its own.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rquickjs::{CatchResultExt, Context, Ctx, Function, Module, Object, Persistent, Runtime};
use serde::Deserialize;
use serde_json::Value;

use super::{Script, native};
use crate::appsync::errors::CodeError;
use crate::appsync::resolvers::{Resolved, ResolverError};
use crate::clock::Clock;

/// What a call may take of the processor, however busy that is: a resolver passes fields on, and a loop that does not end
/// must.
const TIME_LIMIT: Duration = Duration::from_secs(1);
const MEMORY_LIMIT_BYTES: usize = 32 * 1024 * 1024;
const STACK_LIMIT_BYTES: usize = 256 * 1024;

/// The module `@aws-appsync/utils`, and what calls a resolver's two functions.
const UTILS: &str = include_str!("utils.js");
const UTILS_NAME: &str = "@aws-appsync/utils";

pub(super) struct Engine {
    scripts: Arc<[Script]>,
    clock: Clock,
    /// One for each script, made when it is first needed.
    loaded: Vec<Option<Loaded>>,
    time: TimeLimit,
}

/// A compiled script. The functions are dropped before their context.
struct Loaded {
    run: Persistent<Function<'static>>,
    module: Persistent<Object<'static>>,
    context: Context,
}

/// When the running call has to end.
#[derive(Clone, Default)]
struct TimeLimit(Rc<Cell<Option<Duration>>>);

/// What `__run` in utils.js returns.
#[derive(Deserialize)]
struct Outcome {
    #[serde(default)]
    result: Value,
    #[serde(default)]
    errors: Vec<Value>,
    /// The field has no value; the last of `errors` says why.
    #[serde(default)]
    failed: bool,
    /// An exception that the code did not raise on purpose.
    exception: Option<String>,
}

/// Loads a script to see whether it can be.
pub(super) fn try_load(script: &Script, clock: &Clock) -> Result<(), CodeError> {
    load(script, clock, &TimeLimit::default()).map(drop)
}

impl Engine {
    pub(super) fn new(scripts: Arc<[Script]>, clock: Clock) -> Self {
        let loaded = scripts.iter().map(|_| None).collect();
        let mut engine = Self {
            scripts,
            clock,
            loaded,
            time: TimeLimit::default(),
        };
        for index in 0..engine.scripts.len() {
            engine.prepare(index);
        }
        engine
    }

    pub(super) fn run(
        &mut self,
        index: usize,
        event: String,
    ) -> Result<Resolved, Vec<ResolverError>> {
        self.prepare(index);
        let Some(loaded) = self.loaded.get(index).and_then(Option::as_ref) else {
            return Err(vec![runtime_error()]);
        };
        self.time.start();
        let outcome = loaded.context.with(|ctx| call(&ctx, loaded, event));
        self.time.stop();
        match outcome {
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
                tracing::warn!(error, "a resolver's code was ended");
                // Cut off in the middle, or out of memory: whatever it left behind is not used again.
                self.loaded[index] = None;
                Err(vec![runtime_error()])
            }
        }
    }

    /// Gives a script that keeps state a fresh context, before the next request asks for it.
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
    fn start(&self) {
        self.0.set(Some(processor_time() + TIME_LIMIT));
    }

    fn stop(&self) {
        self.0.set(None);
    }

    fn is_over(&self) -> bool {
        self.0.get().is_some_and(|end| processor_time() >= end)
    }
}

/// Of this thread, which runs the engine alone.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// AppSync's words; what went wrong is in its log.
fn runtime_error() -> ResolverError {
    ResolverError::new("Code", "Runtime Error")
}

fn load(script: &Script, clock: &Clock, time: &TimeLimit) -> Result<Loaded, CodeError> {
    let unusable = |error: rquickjs::Error| CodeError::Load(error.to_string());
    let runtime = Runtime::new().map_err(unusable)?;
    runtime.set_memory_limit(MEMORY_LIMIT_BYTES);
    runtime.set_max_stack_size(STACK_LIMIT_BYTES);
    let limit = time.clone();
    runtime.set_interrupt_handler(Some(Box::new(move || limit.is_over())));
    let context = Context::full(&runtime).map_err(unusable)?;
    time.start();
    let loaded = context.with(|ctx| {
        let failed = |error: rquickjs::CaughtError<'_>| CodeError::Load(describe(&error));
        native::install(&ctx, clock).map_err(unusable)?;
        let utils = evaluate(&ctx, UTILS_NAME, UTILS)
            .catch(&ctx)
            .map_err(failed)?;
        let run: Function = utils.get("__run").map_err(unusable)?;
        let freeze: Function = utils.get("__freeze").map_err(unusable)?;
        let module = evaluate(&ctx, "resolver.js", &script.code)
            .catch(&ctx)
            .map_err(failed)?;
        for name in ["request", "response"] {
            if module.get::<_, Function>(name).is_err() {
                return Err(CodeError::MissingFunction(name));
            }
        }
        // A context that serves one request has nothing to keep from the next.
        if !script.keeps_state {
            freeze
                .call::<_, ()>((module.clone(),))
                .catch(&ctx)
                .map_err(failed)?;
        }
        Ok((Persistent::save(&ctx, run), Persistent::save(&ctx, module)))
    });
    time.stop();
    let (run, module) = loaded?;
    Ok(Loaded {
        run,
        module,
        context,
    })
}

fn evaluate<'js>(ctx: &Ctx<'js>, name: &str, code: &str) -> rquickjs::Result<Object<'js>> {
    let (module, evaluated) = Module::declare(ctx.clone(), name, code)?.eval()?;
    evaluated.finish::<()>()?;
    module.namespace()
}

/// Calls the resolver; the error is of the engine, not of the code.
fn call(ctx: &Ctx<'_>, loaded: &Loaded, event: String) -> Result<Outcome, String> {
    let run = loaded
        .run
        .clone()
        .restore(ctx)
        .map_err(|error| error.to_string())?;
    let module = loaded
        .module
        .clone()
        .restore(ctx)
        .map_err(|error| error.to_string())?;
    let outcome: String = run
        .call((module, event))
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
