//! The open connections.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use local_kit::outbox::{Frame, Outbox};
use local_kit::usage::Count;
use serde_json::{Map, Value};

use super::{Api, SERVICE};

/// API Gateway bills each 32 KB of a message.
pub(super) const UNIT_BYTES: u64 = 32 * 1024;

/// One connection, from before its handshake's response to its end.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) id: String,
    /// Unique among all connections and subscriptions. A fault plan holds back frames by this number.
    pub(super) number: u64,
    pub(super) connected_at_ms: i64,
    pub(super) source_ip: IpAddr,
    pub(super) user_agent: Option<String>,
    pub(super) host: String,
    /// The authorizer's context, with its `principalId`.
    pub(super) authorizer: Option<Map<String, Value>>,
    pub(super) outbox: Outbox,
    pub(super) last_active_ms: AtomicI64,
}

impl Connection {
    /// Restarts the idle time. Called for each message in either direction.
    pub(super) fn is_active(&self, now_ms: i64) {
        self.last_active_ms.fetch_max(now_ms, Ordering::AcqRel);
    }

    pub(super) fn last_active_ms(&self) -> i64 {
        self.last_active_ms.load(Ordering::Acquire)
    }

    /// Queues a message for the client, unless a fault prevents it. A client that doesn't read is cut.
    pub(super) fn send(&self, api: &Api, text: String) {
        let count = Count::metered(0, text.len() as u64, UNIT_BYTES);
        self.is_active(api.clock.now_ms());
        let frame = Frame::Text(text.into());
        let is_queued = match api.faults.active(SERVICE) {
            None => self.outbox.push(frame),
            Some(active) => api
                .faults
                .deliver(&active, SERVICE, self.number, &self.outbox, frame)
                .is_queued(),
        };
        if is_queued {
            api.usage.add(SERVICE.name(), "data", count);
        }
    }

    pub(super) fn close(&self, code: u16, reason: &'static str) {
        self.outbox.push(Frame::Close { code, reason });
    }
}

/// The open connections by their ids.
#[derive(Debug, Default)]
pub(super) struct Registry {
    open: Mutex<HashMap<String, Arc<Connection>>>,
}

/// Registers a connection until it is dropped.
#[derive(Debug)]
pub(super) struct Registration {
    api: Arc<Api>,
    pub(super) connection: Arc<Connection>,
}

impl Registry {
    pub(super) fn find(&self, id: &str) -> Option<Arc<Connection>> {
        self.lock().get(id).cloned()
    }

    pub(super) fn remove(&self, id: &str) -> Option<Arc<Connection>> {
        self.lock().remove(id)
    }

    pub(super) fn ids(&self) -> Vec<String> {
        let mut open: Vec<_> = self.lock().values().cloned().collect();
        open.sort_unstable_by_key(|connection| connection.number);
        open.into_iter()
            .map(|connection| connection.id.clone())
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Connection>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registration {
    pub(super) fn new(api: Arc<Api>, connection: Connection) -> Self {
        let connection = Arc::new(connection);
        let mut open = api.connections.lock();
        open.insert(connection.id.clone(), Arc::clone(&connection));
        drop(open);
        Self { api, connection }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.api.connections.remove(&self.connection.id);
    }
}

/// AppSync numbers its subscriptions from zero, so connections are numbered from the middle of the range.
pub(super) fn next_number() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(1 << 63);
    LAST.fetch_add(1, Ordering::Relaxed)
}
