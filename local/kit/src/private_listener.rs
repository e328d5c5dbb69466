//! A port for two parts of the stack that talk over TCP, and for nobody else.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

/// Listens on loopback, where nobody who isn't told finds it.
///
/// A web page can try all ports of 127.0.0.1. On Linux each of the sixteen million addresses of 127.0.0.0/8 is this machine,
/// so the port is on one that is drawn by lot. Elsewhere only 127.0.0.1 is, unless somebody configured others.
pub fn private_listener() -> io::Result<TcpListener> {
    let [.., a, b, c] = uuid::Uuid::new_v4().into_bytes();
    let listener = TcpListener::bind((Ipv4Addr::new(127, a, b, c), 0))
        .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}
