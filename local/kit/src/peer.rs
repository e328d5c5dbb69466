//! The address and connection that a request comes from.

use std::net::SocketAddr;

use tokio_util::sync::CancellationToken;

/// The gateway puts a `Peer` into every request's extensions.
#[derive(Clone, Debug)]
pub struct Peer {
    pub address: SocketAddr,
    /// The connection's number; the gateway numbers its connections from 1.
    pub connection_id: u64,
    /// Cancelled when the gateway shuts down. A response without an end must then end itself.
    pub closing: CancellationToken,
}
