//! Where a request comes from.

use std::net::SocketAddr;

use tokio_util::sync::CancellationToken;

/// Of every request, in its extensions: where it comes from.
#[derive(Clone, Debug)]
pub struct Peer {
    pub address: SocketAddr,
    /// Counts the gateway's connections from 1.
    pub connection_id: u64,
    /// Cancelled when the gateway shuts down: an answer without an end must end itself then.
    pub closing: CancellationToken,
}
