//! `APPSYNC_JS` resolvers: on NONE data sources, and the two functions of resolvers on other data sources.
//!
//! Most resolvers pass fields on, which takes less time than waking another thread. So a script first runs on the
//! caller's thread, in a free engine. Code that doesn't end must not hold up anything else, so a script that takes
//! longer, or has state and therefore needs a fresh context each time, runs on a few threads of its own.
//!
//! | module | what |
//! | --- | --- |
//! | `check`, `lexer` | the code that AppSync refuses |
//! | `engine`, `native` | the compiled scripts, and the host's functions for them |
//! | `inline` | quick scripts, on the caller's thread |

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

/// Two, so that one script that uses up its time limit doesn't stop the others.
const THREADS: usize = 2;
/// How many calls may wait for a thread. Further calls are refused.
const MAX_WAITING: usize = 4_096;
/// The processor time that a call may use, because a script's loop may never end.
const TIME_LIMIT: Duration = Duration::from_secs(1);

/// The scripts of an API, loaded and ready to run. Dropping it ends the threads.
pub(crate) struct Scripts {
    inline: Inline,
    jobs: SyncSender<Job>,
}

/// A script that was checked but not compiled.
pub(super) struct Script {
    code: String,
    /// Whether it has variables of its own, in which it must not find what another request left.
    keeps_state: bool,
}

/// The part of a resolver's code to run, and its input.
pub(super) struct Turn {
    /// The handler's name in utils.js.
    handler: &'static str,
    /// `ctx`, as JSON.
    event: String,
    /// The other members of `ctx`, as JSON.
    carried: String,
}

impl Turn {
    /// Both functions, for a NONE data source.
    pub(super) fn both(event: String) -> Self {
        Self::new("both", event, "{}".to_owned())
    }

    /// Only the request function. The result is `{"request": {"request", "stash"}}`, or `{"returned"}` for an early
    /// return.
    pub(super) fn request(event: String) -> Self {
        Self::new("request", event, "{}".to_owned())
    }

    /// Only the response function. `carried` has `result`, `error` and `stash`.
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
    /// Checks and loads the code of each `(type, field, code)`, in this order.
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
        // One idle thread waits with the lock, the others wait for the lock. No thread holds it while it works.
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
        // The receiver is gone if the request was given up meanwhile.
        let _ = reply.send(answer);
        engine.tidy_up(script);
    }
}

impl ResolverError {
    /// The error that `util.error` was called with.
    fn from_json(error: &Value) -> Self {
        Self {
            message: error["message"].as_str().unwrap_or_default().to_owned(),
            error_type: error["errorType"].as_str().map(str::to_owned),
            data: error["data"].clone(),
            error_info: error["errorInfo"].clone(),
        }
    }
}
