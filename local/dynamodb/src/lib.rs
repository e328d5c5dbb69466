//! DynamoDB, by the library `dynoxide`. Its server listens on its own loopback port, and requests are passed on to it
//! over a connection pool.
//!
//! The server handles one request at a time on its own thread, because `SQLite` blocks. So no other service waits for a
//! disk.

pub mod config;
mod endpoint;
mod index_lag;
mod proxy;
mod tables;

pub use endpoint::ENDPOINT;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse, Response};
use dynoxide::server::serve_with_shutdown;
use dynoxide::storage_backend;
use dynoxide::{Database, DynoxideError};
use http::{HeaderMap, StatusCode, header};
use local_faults::Faults;
use local_iam::gate::GuardedService;
use local_iam::sigv4::SignatureRefusal;
use local_kit::clock::Clock;
use local_kit::private_files;
use local_kit::private_listener::private_listener;
use local_kit::write_failures::WriteFailures;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::TableConfig;
use index_lag::IndexLag;
use proxy::{Proxy, forward};

const FILE: &str = "dynamodb.sqlite";
/// How often expired items are deleted. AWS promises a few days; a laptop's user wants to see it happen.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(30);
/// A little over DynamoDB's own limit of 16 MB, which the server refuses with AWS's error.
const MAX_BODY_BYTES: usize = 17 * 1024 * 1024;

/// The tables and their server.
///
/// ```no_run
/// use local_dynamodb::DynamoDb;
/// use local_dynamodb::config::TableConfig;
/// use local_kit::clock::Clock;
///
/// # async fn example(table: TableConfig) -> Result<(), Box<dyn std::error::Error>> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// let dynamodb = DynamoDb::start(&[table], None, &Clock::system())?;
/// let router = dynamodb.router();
/// tokio::spawn(async move { axum::serve(listener, router).await });
/// dynamodb.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct DynamoDb {
    proxy: Proxy,
    stop: CancellationToken,
    sweeper: TaskTracker,
    server: Mutex<Option<JoinHandle<()>>>,
    database: SharedDatabase,
}

#[derive(Debug, thiserror::Error)]
pub enum DynamoDbError {
    #[error("the state directory `{0}` can't be made")]
    StateDirectory(String, #[source] io::Error),
    #[error("the database `{0}` can't be opened")]
    Open(String, #[source] DynoxideError),
    #[error("table `{0}` can't be made")]
    CreateTable(String, #[source] DynoxideError),
    #[error("the database's server can't be started")]
    Serve(#[source] io::Error),
    #[error("the database's server can't be reached")]
    Connect(#[source] reqwest::Error),
}

impl DynamoDb {
    /// Opens the database, in the directory `state` if there is one, and creates the tables that don't exist yet.
    ///
    /// Items expire by `clock`, but in a database on disk by the system's time.
    ///
    /// # Errors
    ///
    /// The database can't be opened, a table can't be created, or no port is free.
    pub fn start(
        tables: &[TableConfig],
        state: Option<&Path>,
        clock: &Clock,
    ) -> Result<Self, DynamoDbError> {
        Self::start_with(tables, state, clock, &WriteFailures::default())
    }

    /// As [`DynamoDb::start`]. A database that can't be written is reported to `failures`.
    ///
    /// # Errors
    ///
    /// As [`DynamoDb::start`].
    pub fn start_with(
        tables: &[TableConfig],
        state: Option<&Path>,
        clock: &Clock,
        failures: &WriteFailures,
    ) -> Result<Self, DynamoDbError> {
        let database = open(state, clock)?;
        for table in tables {
            tables::ensure(&database, table)
                .map_err(|source| DynamoDbError::CreateTable(table.name.clone(), source))?;
        }
        // The server accepts any signature, so nobody else may find its port.
        let listener = private_listener().map_err(DynamoDbError::Serve)?;
        let address = listener.local_addr().map_err(DynamoDbError::Serve)?;
        let stop = CancellationToken::new();
        let server = spawn_server(listener, database.clone(), stop.clone())?;
        let sweeper = TaskTracker::new();
        sweeper.spawn(expire(database.clone(), clock.clone(), stop.clone()));
        sweeper.close();
        let file = state.map(|state| (state.join(FILE), failures.clone()));
        Ok(Self {
            proxy: Proxy::new(address, file, IndexLag::new(tables))
                .map_err(DynamoDbError::Connect)?,
            stop,
            sweeper,
            server: Mutex::new(Some(server)),
            database: SharedDatabase(database),
        })
    }

    /// Has the plan's faults of tables take effect, besides those that the gateway causes.
    #[must_use]
    pub fn with_faults(mut self, faults: Faults) -> Self {
        self.proxy.index_lag = self.proxy.index_lag.clone().with_faults(faults);
        self
    }

    /// How a request's signature is checked before [`DynamoDb::router`] gets it.
    pub const GUARDED: GuardedService = GuardedService {
        service: "dynamodb",
        max_body_bytes: MAX_BODY_BYTES,
        refuse: unsigned,
    };

    /// Serves the JSON protocol on `/`.
    pub fn router(&self) -> axum::Router {
        axum::Router::new()
            .fallback(forward)
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .with_state(self.proxy.clone())
    }

    /// Deletes the items whose time to live is over, and returns how many. A timer does the same regularly.
    pub async fn expire_now(&self) -> usize {
        sweep(self.database.0.clone()).await
    }

    /// Waits for the requests in progress, then closes the file.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.sweeper.wait().await;
        let server = self
            .server
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(server) = server {
            let joined = tokio::task::spawn_blocking(move || server.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::error!("the database's server ended by a panic");
            }
        }
    }
}

impl Drop for DynamoDb {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[derive(Clone)]
struct SharedDatabase(Database);

impl std::fmt::Debug for SharedDatabase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Database")
    }
}

fn open(state: Option<&Path>, clock: &Clock) -> Result<Database, DynamoDbError> {
    let Some(state) = state else {
        let clock = Arc::new(InjectedClock(clock.clone()));
        return Database::memory_with_clock(clock)
            .map_err(|source| DynamoDbError::Open("in memory".into(), source));
    };
    let in_directory = |source| DynamoDbError::StateDirectory(state.display().to_string(), source);
    std::fs::create_dir_all(state).map_err(in_directory)?;
    let file = state.join(FILE);
    let path = file
        .to_str()
        .ok_or_else(|| in_directory(io::Error::other("its path is not UTF-8")))?;
    // SQLite creates the files beside it with the same permissions.
    private_files::open(&file).map_err(in_directory)?;
    let database =
        Database::new(path).map_err(|source| DynamoDbError::Open(path.to_owned(), source))?;
    // Sets `synchronous = NORMAL`: a commit is appended to the log without waiting for the disk, so only a power cut
    // can lose it.
    database
        .disable_bulk_loading()
        .map_err(|source| DynamoDbError::Open(path.to_owned(), source))?;
    Ok(database)
}

struct InjectedClock(Clock);

impl storage_backend::Clock for InjectedClock {
    fn now_unix_secs(&self) -> u64 {
        u64::try_from(self.0.now_ms() / 1_000).unwrap_or_default()
    }

    fn now_unix_secs_f64(&self) -> f64 {
        Duration::from_millis(u64::try_from(self.0.now_ms()).unwrap_or_default()).as_secs_f64()
    }
}

fn spawn_server(
    listener: std::net::TcpListener,
    database: Database,
    stop: CancellationToken,
) -> Result<JoinHandle<()>, DynamoDbError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(DynamoDbError::Serve)?;
    let serve = move || {
        let served = runtime.block_on(async move {
            let listener = TcpListener::from_std(listener).map_err(|error| error.to_string())?;
            serve_with_shutdown(listener, database, stop.cancelled_owned()).await
        });
        if let Err(error) = served {
            tracing::error!(error, "the database's server failed");
        }
    };
    std::thread::Builder::new()
        .name("dynamodb".into())
        .spawn(serve)
        .map_err(DynamoDbError::Serve)
}

async fn expire(database: Database, clock: Clock, stop: CancellationToken) {
    loop {
        let next_ms =
            clock.now_ms() + i64::try_from(EXPIRY_INTERVAL.as_millis()).unwrap_or(i64::MAX);
        tokio::select! {
            () = clock.sleep_until(next_ms) => {}
            () = stop.cancelled() => return,
        }
        sweep(database.clone()).await;
    }
}

async fn sweep(database: Database) -> usize {
    match tokio::task::spawn_blocking(move || database.sweep_ttl()).await {
        Ok(Ok(deleted)) => deleted,
        Ok(Err(error)) => {
            tracing::warn!(%error, "items could not be expired");
            0
        }
        Err(_) => 0,
    }
}

/// DynamoDB responds to each refused signature with 400.
fn unsigned(_: &HeaderMap, refusal: &SignatureRefusal) -> Response {
    let body = serde_json::json!({
        "__type": format!("com.amazon.coral.service#{}", refusal.error_type),
        "message": refusal.message,
    });
    let json = [(header::CONTENT_TYPE, "application/x-amz-json-1.0")];
    (StatusCode::BAD_REQUEST, json, body.to_string()).into_response()
}
