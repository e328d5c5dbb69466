//! `APPSYNC_JS` resolvers: on NONE data sources, and both halves of those on others.
//!
//! A resolver passes fields on, in less time than it takes to wake another thread: so it runs where it is asked for, on an
//! engine that is free. But code that does not end must not hold up anything else: what takes longer, or keeps state
//! and so needs a context of its own each time, runs on a few threads that are there for that.
//!
//! | module | what |
//! | --- | --- |
//! | `check`, `lexer` | what AppSync refuses in code |
//! | `engine`, `native` | the scripts compiled, and what they ask of the host |
//! | `inline` | quick scripts, where they are asked for |

mod check;
mod engine;
mod inline;
mod lexer;
mod native;

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use local_kit::clock::Clock;
use serde_json::Value;
use tokio::sync::oneshot;

use self::engine::{Engine, Stopped, runtime_error};
use self::inline::Inline;
use super::{Resolved, ResolverError};
use crate::errors::ApiConfigError;

/// Two, so that one script that spends its time limit does not stop the others.
const THREADS: usize = 2;
/// Calls that wait for a thread; more than these are refused.
const MAX_WAITING: usize = 4_096;
/// What a call may take of the processor: a loop that does not end must.
const TIME_LIMIT: Duration = Duration::from_secs(1);

/// The scripts of an API, loaded and ready to run. The threads end when this is dropped.
pub(crate) struct Scripts {
    inline: Inline,
    jobs: SyncSender<Job>,
}

/// One script: checked, but not yet compiled.
pub(super) struct Script {
    code: String,
    /// It has variables of its own, and must not find in them what another request left.
    keeps_state: bool,
}

/// What of a resolver's code to run, and on what.
pub(super) struct Turn {
    /// As utils.js has it.
    handler: &'static str,
    /// `ctx`, as JSON.
    event: String,
    /// What `ctx` has besides, as JSON.
    carried: String,
}

impl Turn {
    /// Both functions, on a NONE data source.
    pub(super) fn both(event: String) -> Self {
        Self::new("both", event, "{}".to_owned())
    }

    /// The request function alone. The result is `{"request": {"request", "stash"}}`, or `{"returned"}` for an early return.
    pub(super) fn request(event: String) -> Self {
        Self::new("request", event, "{}".to_owned())
    }

    /// The response function alone; `carried` has `result`, `error` and `stash`.
    pub(super) fn response(event: String, carried: &Value) -> Self {
        Self::new("response", event, carried.to_string())
    }

    fn new(handler: &'static str, event: String, carried: String) -> Self {
        Self {
            handler,
            event,
            carried,
        }
    }
}

struct Job {
    script: usize,
    turn: Turn,
    reply: oneshot::Sender<Result<Resolved, Vec<ResolverError>>>,
}

impl Scripts {
    /// Checks and loads the code of `(type, field, code)`, in this order.
    pub(crate) fn start(
        codes: Vec<(String, String, String)>,
        clock: Clock,
    ) -> Result<Self, ApiConfigError> {
        let mut scripts = Vec::with_capacity(codes.len());
        for (type_name, field_name, code) in codes {
            let checked = check::check(&code).and_then(|keeps_state| {
                let script = Script { code, keeps_state };
                engine::try_load(&script, &clock).map(|()| script)
            });
            scripts.push(checked.map_err(|source| ApiConfigError::Code {
                type_name,
                field_name,
                source,
            })?);
        }
        let scripts: Arc<[Script]> = scripts.into();
        let inline = Inline::new(&scripts, &clock);
        let (jobs, waiting) = sync_channel(MAX_WAITING);
        let waiting = Arc::new(Mutex::new(waiting));
        let threads = if scripts.is_empty() { 0 } else { THREADS };
        for clock in std::iter::repeat_n(clock, threads) {
            let (scripts, waiting) = (Arc::clone(&scripts), Arc::clone(&waiting));
            let work = move || work(Engine::new(scripts, clock, |it| it.keeps_state), &waiting);
            thread::Builder::new()
                .name("appsync-js".to_owned())
                .spawn(work)
                .map_err(ApiConfigError::Threads)?;
        }
        Ok(Self { inline, jobs })
    }

    /// Runs a turn of one script.
    pub(super) async fn run(
        &self,
        script: usize,
        turn: Turn,
    ) -> Result<Resolved, Vec<ResolverError>> {
        if let Some(answer) = self.inline.run(script, &turn) {
            return answer;
        }
        let (reply, answer) = oneshot::channel();
        let failed = || {
            vec![ResolverError::new(
                "InternalFailure",
                "The resolver's code could not be run.",
            )]
        };
        self.jobs
            .try_send(Job {
                script,
                turn,
                reply,
            })
            .map_err(|error| match error {
                TrySendError::Full(_) => vec![ResolverError::new(
                    "TooManyRequestsException",
                    "Rate exceeded.",
                )],
                TrySendError::Disconnected(_) => failed(),
            })?;
        answer.await.unwrap_or_else(|_| Err(failed()))
    }
}

fn work(mut engine: Engine, waiting: &Mutex<Receiver<Job>>) {
    loop {
        // One idle thread waits with the lock, the others for the lock; none holds it while it works.
        let job = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok(Job {
            script,
            turn,
            reply,
        }) = job
        else {
            return;
        };
        if reply.is_closed() {
            continue;
        }
        let answer = engine.run(script, &turn, TIME_LIMIT);
        let answer = answer.unwrap_or_else(|Stopped| {
            tracing::warn!("a resolver's code was ended, as it took too long");
            Err(vec![runtime_error()])
        });
        // Nobody is left to be told when the request was given up in the meantime.
        let _ = reply.send(answer);
        engine.tidy_up(script);
    }
}

impl ResolverError {
    /// From what `util.error` was given.
    fn from_json(error: &Value) -> Self {
        Self {
            message: error["message"].as_str().unwrap_or_default().to_owned(),
            error_type: error["errorType"].as_str().map(str::to_owned),
            data: error["data"].clone(),
            error_info: error["errorInfo"].clone(),
        }
    }
}
