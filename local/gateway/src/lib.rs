//! The stack's one port: plain text and TLS, HTTP/1.1 and HTTP/2, and which service a request is for.
//!
//! | module | what |
//! | --- | --- |
//! | `routes` | which service a request is for |
//! | `connection` | one connection: TLS, HTTP, and the response when a handler panics |
//! | `connections` | the open connections, which can be listed and cut |
//! | `intercept` | applies the fault plan to requests |
//! | `count` | counts requests and their sizes |
//! | `refusal` | the gateway's own responses |
//! | `guard` | which requests are allowed, by `Host` and `Origin` |
//! | `certificates` | the local certificate authority |
//!
//! Every request passes through `connection::intercept_and_handle`, where its service and operation are known and
//! faults are applied.

mod certificates;
pub mod config;
mod connection;
mod connections;
mod count;
mod guard;
mod intercept;
mod refusal;
mod routes;
mod stream;
#[cfg(test)]
mod tests;

pub use certificates::{CertificateError, Certificates};
pub use connections::{ConnectionInfo, Connections};
pub use intercept::Interceptor;
pub use routes::{CONTROL_PATH, Routes, ServiceRoute};

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use connection::Context;

/// How long requests in progress may take once a shutdown has begun. A long poll should end itself then, by
/// [`local_kit::peer::Peer::closing`].
const GRACE: Duration = Duration::from_millis(1500);
/// How long the tasks of cut connections may take to end.
const CUT_GRACE: Duration = Duration::from_secs(2);
/// How often a free port for both address families is looked for.
const ANY_PORT_ATTEMPTS: usize = 32;
/// The pause after an accept that failed, for instance because file descriptors ran out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The stack's one port, bound but not served yet: services need its number for their URLs before they start.
///
/// ```no_run
/// use std::path::Path;
/// use local_gateway::{Certificates, Gateway, Routes};
/// use local_kit::clock::Clock;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let gateway = Gateway::bind(0).await?;
/// println!("http://{}", gateway.local_addr());
/// let certificates = Certificates::load(Path::new("state"), Clock::system().now_ms(), &[])?;
/// let shutdown = async { /* completes when the gateway is to end */ };
/// gateway.serve(Routes::default(), &certificates, shutdown).await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Gateway {
    v4: TcpListener,
    v6: Option<TcpListener>,
    address: SocketAddr,
    connections: Connections,
}

#[derive(Debug, Error)]
pub enum BindError {
    #[error(
        "port {port} is in use: stop what listens there, or choose another (0 takes any that is free)"
    )]
    InUse { port: u16 },
    #[error("no port is free on both 127.0.0.1 and [::1]")]
    NoneFree,
    #[error("can't listen on {address}")]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
}

impl Gateway {
    /// Listens on 127.0.0.1 and, if the machine has IPv6, on `[::1]`, because `localhost` means either. Port 0 picks a
    /// free port.
    ///
    /// # Errors
    ///
    /// The port is in use, or can't be listened on.
    pub async fn bind(port: u16) -> Result<Self, BindError> {
        for _ in 0..ANY_PORT_ATTEMPTS {
            let v4 = listen((Ipv4Addr::LOCALHOST, port).into()).await?;
            let address = v4.local_addr().map_err(|source| BindError::Listen {
                address: (Ipv4Addr::LOCALHOST, port).into(),
                source,
            })?;
            let v6 = match listen((Ipv6Addr::LOCALHOST, address.port()).into()).await {
                Ok(listener) => Some(listener),
                Err(BindError::InUse { .. }) if port == 0 => continue,
                Err(error @ BindError::InUse { .. }) => return Err(error),
                Err(error) => {
                    debug!(%error, "IPv4 only");
                    None
                }
            };
            return Ok(Self {
                v4,
                v6,
                address,
                connections: Connections::default(),
            });
        }
        Err(BindError::NoneFree)
    }

    /// 127.0.0.1 and the port.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Lists and cuts connections while the gateway serves.
    pub fn connections(&self) -> Connections {
        self.connections.clone()
    }

    /// Serves until `shutdown` completes, then ends every connection. No task of the gateway is left when this returns.
    pub async fn serve(
        self,
        routes: Routes,
        certificates: &Certificates,
        shutdown: impl Future<Output = ()>,
    ) {
        let tasks = TaskTracker::new();
        let context = Arc::new(Context {
            routes,
            tls: TlsAcceptor::from(certificates.server_config()),
            connections: self.connections,
            tasks: tasks.clone(),
            closing: CancellationToken::new(),
        });
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                accepted = accept(&self.v4, self.v6.as_ref()) => match accepted {
                    Ok((stream, peer)) => {
                        tasks.spawn(connection::serve(Arc::clone(&context), stream, peer));
                    }
                    Err(error) => {
                        warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        }
        drop((self.v4, self.v6));
        context.closing.cancel();
        tasks.close();
        if tokio::time::timeout(GRACE, tasks.wait()).await.is_err() {
            let cut = context.connections.drop_connections(|_| true);
            debug!(cut, "connections outlived the shutdown's grace");
            if tokio::time::timeout(CUT_GRACE, tasks.wait()).await.is_err() {
                warn!(tasks = tasks.len(), "tasks of the gateway are left");
            }
        }
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => BindError::InUse {
                port: address.port(),
            },
            _ => BindError::Listen { address, source },
        })
}

async fn accept(v4: &TcpListener, v6: Option<&TcpListener>) -> io::Result<(TcpStream, SocketAddr)> {
    let Some(v6) = v6 else {
        return v4.accept().await;
    };
    tokio::select! {
        accepted = v4.accept() => accepted,
        accepted = v6.accept() => accepted,
    }
}
