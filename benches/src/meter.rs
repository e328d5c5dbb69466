//! A proxy in front of a stack, which the functions talk to instead: it counts what they ask for, and what that would
//! be billed as. So what is counted is what was done.

mod counts;
mod forward;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::error::{BenchError, Step as _};

pub use counts::{Calls, Counts};

/// No answer takes this long, so one that does never comes.
const PATIENCE: Duration = Duration::from_mins(5);

/// Ends when it is dropped.
#[derive(Debug)]
pub struct Meter {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

/// One `publishToken`, as it passed.
#[derive(Clone, Copy, Debug)]
pub struct Passed {
    pub at: Instant,
    pub token_bytes: usize,
    pub is_complete: bool,
}

#[derive(Debug)]
struct Shared {
    client: reqwest::Client,
    /// The stack's URL, known once it is started.
    target: OnceLock<String>,
    /// What AppSync's answer to a mutation takes on AWS.
    answer_time: Duration,
    counts: Mutex<Counts>,
    passed: Mutex<Vec<Passed>>,
    completed: Notify,
}

impl Meter {
    pub async fn start(answer_time: Duration) -> Result<Self, BenchError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .to("listen")?;
        let address = listener.local_addr().to("listen")?;
        // The stack does the same, but it is not there yet. What was installed before is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .build()
            .to("make an HTTP client")?;
        let shared = Arc::new(Shared {
            client,
            target: OnceLock::new(),
            answer_time,
            counts: Mutex::default(),
            passed: Mutex::default(),
            completed: Notify::new(),
        });
        let accepting = tokio::spawn(forward::accept(listener, Arc::clone(&shared)));
        Ok(Self {
            address,
            shared,
            accepting,
        })
    }

    /// Whom to pass everything on to.
    pub fn aim(&self, url: String) {
        // A meter is of one stack.
        let _ = self.shared.target.set(url);
    }

    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.address.port())
    }

    pub fn graphql_url(&self) -> String {
        format!("{}/graphql", self.url())
    }

    /// What was counted since this was last called.
    pub fn take(&self) -> (Counts, Vec<Passed>) {
        let counts = std::mem::take(&mut *lock(&self.shared.counts));
        let passed = std::mem::take(&mut *lock(&self.shared.passed));
        (counts, passed)
    }

    /// Returns when a terminal event has passed.
    pub async fn completed(&self) -> Result<(), BenchError> {
        let completed = tokio::time::timeout(PATIENCE, self.shared.completed.notified());
        completed.await.to("await the answer's end")
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
