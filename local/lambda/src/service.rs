//! The functions of a stack and their processes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use local_faults::Faults;
use local_iam::CredentialStore;
use local_iam::gate::GuardedService;
use local_kit::clock::Clock;
use local_kit::endpoints::Endpoints;
use local_kit::invoke::{Invoke, InvokeError};
use local_kit::process::{Callers, Process};
use local_kit::usage::{Count, Usage};
use rustix::process::Signal;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::environment::{Environment, ProcessState};
use super::error::Failure;
use super::pool::Pool;
use super::process::Template;
use super::streaming::{self, Part, ResponseStream};
use super::trace::TraceHeader;
use crate::config::FunctionConfig;

/// How long an idle process is kept. AWS documents no time; minutes have been observed.
const IDLE_LIMIT_MS: i64 = 10 * 60 * 1_000;
const IDLE_CHECK_MS: i64 = 30 * 1_000;

/// How long [`Lambda::shutdown`] waits for processes that were killed.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(5);

/// The functions of a stack. Clones share them.
///
/// ```no_run
/// use local_iam::CredentialStore;
/// use local_kit::clock::Clock;
/// use local_kit::endpoints::Endpoints;
/// use local_lambda::Lambda;
/// use local_lambda::config::FunctionConfig;
///
/// # async fn example(function: FunctionConfig, endpoints: Endpoints) {
/// let name = function.name.clone();
/// let lambda = Lambda::start(vec![function], endpoints, &CredentialStore::default(), Clock::system());
/// let result = lambda.run(&name, r#"{"key": "value"}"#.into()).await;
/// lambda.shutdown().await;
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Lambda {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    pools: BTreeMap<String, Arc<Pool>>,
    endpoints: Endpoints,
    faults: Faults,
    usage: Usage,
    tracker: TaskTracker,
    closing: CancellationToken,
}

/// A process of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessInfo {
    pub pid: u32,
    pub state: ProcessState,
    /// The id of the invocation that the process runs, or is about to run.
    pub request_id: Option<String>,
}

impl Lambda {
    /// How a request's signature is checked before [`Self::router`] gets it.
    pub const GUARDED: GuardedService = crate::invoke_api::GUARDED;

    /// Starts a process only when it is first needed. Each process gets temporary credentials of its function's role,
    /// as on AWS.
    ///
    /// Call it within a tokio runtime.
    pub fn start(
        functions: Vec<FunctionConfig>,
        endpoints: Endpoints,
        credentials: &CredentialStore,
        clock: Clock,
    ) -> Self {
        let (faults, usage) = (Faults::default(), Usage::default());
        Self::start_with(functions, endpoints, credentials, clock, &faults, &usage)
    }

    /// As [`Lambda::start`], with a fault plan and with usage counts.
    pub fn start_with(
        functions: Vec<FunctionConfig>,
        endpoints: Endpoints,
        credentials: &CredentialStore,
        clock: Clock,
        faults: &Faults,
        usage: &Usage,
    ) -> Self {
        let tracker = TaskTracker::new();
        let mut pools = BTreeMap::new();
        for config in functions {
            let name = config.name.clone();
            let template = Template {
                config,
                endpoints: endpoints.clone(),
                clock: clock.clone(),
            };
            pools.insert(
                name,
                Arc::new(Pool::new(
                    template,
                    credentials.clone(),
                    faults.clone(),
                    tracker.clone(),
                )),
            );
        }
        let inner = Arc::new(Inner {
            pools,
            endpoints,
            faults: faults.clone(),
            usage: usage.clone(),
            tracker,
            closing: CancellationToken::new(),
        });
        inner
            .tracker
            .spawn(end_idle(inner.pools.clone(), clock, inner.closing.clone()));
        Self { inner }
    }

    /// The Invoke API's router.
    pub fn router(&self) -> axum::Router {
        super::invoke_api::router(self.clone())
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.inner.faults
    }

    pub fn endpoints(&self) -> &Endpoints {
        &self.inner.endpoints
    }

    pub fn config(&self, function: &str) -> Option<&FunctionConfig> {
        self.inner
            .pools
            .get(function)
            .map(|pool| &pool.template.config)
    }

    pub fn clock(&self, function: &str) -> Option<&Clock> {
        self.inner
            .pools
            .get(function)
            .map(|pool| &pool.template.clock)
    }

    /// Runs `function` to its end, even if the caller stops waiting, as on AWS. `None` if there is no such function.
    pub async fn run(&self, function: &str, event: Bytes) -> Option<Result<Bytes, Failure>> {
        self.run_for(function, event, None).await
    }

    /// As [`Lambda::run`], for a request with this X-Ray header.
    pub(crate) async fn run_for(
        &self,
        function: &str,
        event: Bytes,
        caused_by: Option<TraceHeader>,
    ) -> Option<Result<Bytes, Failure>> {
        match self.begin(function, event, None, caused_by)?.await {
            Ok(result) => Some(result),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Runs `function` to its end, and passes a streamed response on as it arrives (`RESPONSE_STREAM`). `None` if there
    /// is no such function.
    pub fn stream(&self, function: &str, event: Bytes) -> Option<ResponseStream> {
        let (sender, parts) = streaming::parts();
        let run = self.begin(function, event, Some(sender), None)?;
        Some(ResponseStream::new(parts, run))
    }

    fn begin(
        &self,
        function: &str,
        event: Bytes,
        parts: Option<mpsc::Sender<Part>>,
        caused_by: Option<TraceHeader>,
    ) -> Option<JoinHandle<Result<Bytes, Failure>>> {
        let (function, pool) = self.inner.pools.get_key_value(function)?;
        let (function, pool) = (function.clone(), Arc::clone(pool));
        let usage = self.inner.usage.clone();
        Some(self.inner.tracker.spawn(async move {
            let bytes_in = event.len();
            let started = Instant::now();
            let result = pool.run(event, parts, caused_by).await;
            let count = Count::of(1, bytes_in, result.as_ref().map_or(0, Bytes::len));
            usage.add("lambda", &function, count.lasting(started.elapsed()));
            result
        }))
    }

    /// Starts a task that [`Lambda::shutdown`] waits for.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let closing = self.inner.closing.clone();
        self.inner
            .tracker
            .spawn(async move { closing.run_until_cancelled(task).await });
    }

    /// Starts processes before their first invocation, until `count` exist.
    ///
    /// # Errors
    ///
    /// The function doesn't exist, or a process can't be started.
    pub async fn warm(&self, function: &str, count: usize) -> Result<(), InvokeError> {
        let pool = self
            .inner
            .pools
            .get(function)
            .ok_or_else(|| InvokeError::NotFound(function.to_owned()))?;
        let warmed = Arc::clone(pool).warm(count).await;
        warmed.map_err(|failure| explain(function, failure))
    }

    pub fn processes(&self, function: &str) -> Vec<ProcessInfo> {
        let environments = self
            .inner
            .pools
            .get(function)
            .map(|pool| pool.environments())
            .unwrap_or_default();
        let info = |environment: &Arc<Environment>| {
            let (state, request_id) = environment.describe();
            ProcessInfo {
                pid: environment.pid,
                state,
                request_id,
            }
        };
        environments.iter().map(info).collect()
    }

    /// The names of the functions.
    pub fn functions(&self) -> impl Iterator<Item = &str> {
        self.inner.pools.keys().map(String::as_str)
    }

    /// Kills a process (`SIGKILL`). Returns false if it isn't a function's, or has ended.
    pub fn kill(&self, pid: u32) -> bool {
        self.signal(pid, Signal::KILL)
    }

    /// Stops a process (`SIGSTOP`) until [`Lambda::thaw`]. Its threads stop within moments, not at once.
    pub fn freeze(&self, pid: u32) -> bool {
        self.signal(pid, Signal::STOP)
    }

    /// Continues a frozen process (`SIGCONT`).
    pub fn thaw(&self, pid: u32) -> bool {
        self.signal(pid, Signal::CONT)
    }

    /// Ends every process and task, and waits for them.
    pub async fn shutdown(&self) {
        self.inner.closing.cancel();
        for pool in self.inner.pools.values() {
            pool.close();
        }
        self.inner.tracker.close();
        if tokio::time::timeout(SHUTDOWN_LIMIT, self.inner.tracker.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                "processes of functions are still there {SHUTDOWN_LIMIT:?} after they were killed"
            );
        }
    }

    fn signal(&self, pid: u32, signal: Signal) -> bool {
        let all = self
            .inner
            .pools
            .values()
            .flat_map(|pool| pool.environments());
        match all
            .into_iter()
            .find(|environment| environment.pid == pid && environment.is_alive())
        {
            Some(environment) => {
                environment.signal(signal);
                true
            }
            None => false,
        }
    }
}

impl Callers for Lambda {
    fn process_with_key(&self, access_key_id: &str) -> Option<(String, Arc<dyn Process>)> {
        self.inner.pools.iter().find_map(|(name, pool)| {
            let mut environments = pool.environments().into_iter();
            let found = environments.find(|one| one.access_key_id == access_key_id)?;
            Some((name.clone(), found as Arc<dyn Process>))
        })
    }
}

impl Invoke for Lambda {
    fn has(&self, function: &str) -> bool {
        self.config(function).is_some()
    }

    fn invoke<'a>(
        &'a self,
        function: &'a str,
        event: Bytes,
    ) -> BoxFuture<'a, Result<Bytes, InvokeError>> {
        async move {
            match self.run(function, event).await {
                Some(result) => result.map_err(|failure| explain(function, failure)),
                None => Err(InvokeError::NotFound(function.to_owned())),
            }
        }
        .boxed()
    }
}

fn explain(function: &str, failure: Failure) -> InvokeError {
    match failure {
        Failure::Throttled => InvokeError::Throttled(function.to_owned()),
        Failure::Function(error) => error.into(),
    }
}

async fn end_idle(pools: BTreeMap<String, Arc<Pool>>, clock: Clock, closing: CancellationToken) {
    let check = async {
        loop {
            clock.sleep_until(clock.now_ms() + IDLE_CHECK_MS).await;
            for pool in pools.values() {
                pool.end_idle(clock.now_ms() - IDLE_LIMIT_MS);
            }
        }
    };
    closing.run_until_cancelled(check).await;
}
