//! The open connections, which can be listed and cut.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use local_faults::FaultService;
use tokio_util::sync::CancellationToken;

/// One open connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionInfo {
    pub id: u64,
    pub peer: SocketAddr,
    pub tls: bool,
    /// Whether the connection was upgraded to a WebSocket.
    pub websocket: bool,
    /// The service of the WebSocket: AppSync (`Realtime`) or API Gateway (`WebSocket`).
    pub socket_of: Option<FaultService>,
}

/// The open connections of a gateway. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Connections {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    last_id: AtomicU64,
    open: Mutex<HashMap<u64, Arc<State>>>,
}

#[derive(Debug)]
struct State {
    peer: SocketAddr,
    tls: AtomicBool,
    /// Set when the connection is upgraded.
    socket_of: OnceLock<FaultService>,
    cut: CancellationToken,
}

impl Connections {
    /// The open connections, the oldest first.
    pub fn list(&self) -> Vec<ConnectionInfo> {
        let open = self
            .shared
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut list: Vec<_> = open.iter().map(|(id, state)| state.info(*id)).collect();
        list.sort_unstable_by_key(|info| info.id);
        list
    }

    /// Cuts the connections that `which` selects, at once and without closing any protocol. Returns how many.
    pub fn drop_connections(&self, which: impl Fn(&ConnectionInfo) -> bool) -> usize {
        let open = self
            .shared
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let picked = open.iter().filter(|(id, state)| which(&state.info(**id)));
        picked.map(|(_, state)| state.cut.cancel()).count()
    }

    /// Cuts the WebSockets of AppSync and of API Gateway.
    pub fn drop_websockets(&self) -> usize {
        self.drop_connections(|connection| connection.websocket)
    }

    pub(super) fn add(&self, peer: SocketAddr) -> Entry {
        let id = self.shared.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let state = Arc::new(State {
            peer,
            tls: AtomicBool::new(false),
            socket_of: OnceLock::new(),
            cut: CancellationToken::new(),
        });
        self.shared
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, Arc::clone(&state));
        Entry {
            id,
            mark: Mark(state),
            connections: self.clone(),
        }
    }
}

/// Lists a connection until it is dropped.
pub(super) struct Entry {
    id: u64,
    mark: Mark,
    connections: Connections,
}

impl Entry {
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn mark(&self) -> Mark {
        self.mark.clone()
    }

    pub(super) fn cut(&self) -> CancellationToken {
        self.mark.0.cut.clone()
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.connections
            .shared
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.id);
    }
}

/// Records what a connection is used for.
#[derive(Clone)]
pub(super) struct Mark(Arc<State>);

impl Mark {
    /// Cuts the connection at once, without closing any protocol.
    pub(super) fn cut(&self) {
        self.0.cut.cancel();
    }

    pub(super) fn tls(&self) {
        self.0.tls.store(true, Ordering::Relaxed);
    }

    pub(super) fn websocket(&self, service: FaultService) {
        // A connection is upgraded at most once.
        let _ = self.0.socket_of.set(service);
    }
}

impl State {
    fn info(&self, id: u64) -> ConnectionInfo {
        ConnectionInfo {
            id,
            peer: self.peer,
            tls: self.tls.load(Ordering::Relaxed),
            websocket: self.socket_of.get().is_some(),
            socket_of: self.socket_of.get().copied(),
        }
    }
}
