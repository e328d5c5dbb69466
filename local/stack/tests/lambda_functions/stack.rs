//! SQS and Lambda with one function, `worker`, for one test.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use local_faults::Faults;
use local_iam::CredentialStore;
use local_kit::clock::Clock;
use local_kit::endpoints::Endpoints;
use local_kit::invoke::{Invoke as _, InvokeError};
use local_kit::usage::Usage;
use local_lambda::config::{EventSourceConfig, FunctionConfig};
use local_lambda::environment::ProcessState;
use local_lambda::event_source::EventSourceError;
use local_lambda::service::ProcessInfo;
use local_lambda::{EventSource, Lambda};
use local_sqs::testing::{client, endpoints, serve, sqs};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The log of all tests in this executable.
static LOG: OnceLock<()> = OnceLock::new();
static LOGGED: Mutex<Vec<u8>> = Mutex::new(Vec::new());

pub(crate) struct Stack {
    pub(crate) endpoints: Endpoints,
    pub(crate) clock: Clock,
    pub(crate) credentials: CredentialStore,
    pub(crate) lambda: Lambda,
    server: JoinHandle<()>,
}

/// A function that is this executable.
pub(crate) fn worker() -> FunctionConfig {
    FunctionConfig {
        name: "worker".to_owned(),
        program: std::env::current_exe().expect("this executable"),
        args: ["--exact", "function::function_process", "--nocapture"]
            .map(OsString::from)
            .to_vec(),
        environment: BTreeMap::from([("OWN".to_owned(), "value".to_owned())]),
        timeout: Duration::from_secs(30),
        memory_mb: 256,
        policy: Vec::new(),
        max_concurrency: 10.try_into().expect("not zero"),
    }
}

impl Stack {
    pub(crate) async fn start(config: FunctionConfig) -> Self {
        let (listener, endpoints) = endpoints().await;
        Self::start_at(listener, endpoints, config, &Faults::default())
    }

    /// Functions whose endpoints are known, and which have a fault plan.
    pub(crate) fn start_at(
        listener: TcpListener,
        endpoints: Endpoints,
        config: FunctionConfig,
        faults: &Faults,
    ) -> Self {
        LOG.get_or_init(|| {
            tracing_subscriber::fmt()
                .with_ansi(false)
                .with_writer(|| Log)
                .init();
        });
        let (clock, credentials) = (Clock::system(), CredentialStore::default());
        let sqs = sqs(&endpoints, &clock, None);
        let lambda = Lambda::start_with(
            vec![config],
            endpoints.clone(),
            &credentials,
            clock.clone(),
            faults,
            &Usage::default(),
        );
        let server = serve(listener, lambda.router().fallback_service(sqs.router()));
        Self {
            endpoints,
            clock,
            credentials,
            lambda,
            server,
        }
    }

    pub(crate) async fn stop(self) {
        self.lambda.shutdown().await;
        assert!(
            self.processes().is_empty(),
            "processes end with their stack"
        );
        self.server.abort();
        let _ = self.server.await;
    }

    pub(crate) async fn invoke(&self, event: Value) -> Result<Value, InvokeError> {
        let answer = self
            .lambda
            .invoke("worker", Bytes::from(event.to_string()))
            .await?;
        Ok(serde_json::from_slice(&answer).expect("JSON"))
    }

    /// Invokes the function in a task.
    pub(crate) fn invoking(&self, event: Value) -> JoinHandle<Result<Bytes, InvokeError>> {
        let lambda = self.lambda.clone();
        tokio::spawn(async move {
            lambda
                .invoke("worker", Bytes::from(event.to_string()))
                .await
        })
    }

    pub(crate) fn processes(&self) -> Vec<ProcessInfo> {
        self.lambda.processes("worker")
    }

    /// The process that runs an invocation, once one does.
    pub(crate) async fn busy(&self) -> u32 {
        eventually("a process is busy", async || {
            self.processes()
                .into_iter()
                .find(|it| it.state == ProcessState::Busy)
                .map(|it| it.pid)
        })
        .await
    }

    pub(crate) fn sqs(&self) -> aws_sdk_sqs::Client {
        client(&self.endpoints)
    }

    pub(crate) async fn map(&self, batch_size: u32) -> EventSource {
        self.try_map(batch_size, Duration::ZERO)
            .await
            .expect("a valid mapping")
    }

    pub(crate) async fn try_map(
        &self,
        batch_size: u32,
        window: Duration,
    ) -> Result<EventSource, EventSourceError> {
        let config = EventSourceConfig {
            queue: "jobs".to_owned(),
            function: "worker".to_owned(),
            batch_size: batch_size.try_into().expect("not zero"),
            batching_window: window,
            maximum_concurrency: 5.try_into().expect("not zero"),
            report_batch_item_failures: true,
        };
        EventSource::start(config, self.lambda.clone(), self.sqs()).await
    }
}

/// Calls `look` again and again until it returns a value.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), looking)
        .await
        .expect(what)
}

pub(crate) fn logged() -> String {
    let logged = LOGGED.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&logged).into_owned()
}

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOGGED
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
