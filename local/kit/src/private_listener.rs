//! A TCP port on which two parts of the stack talk to each other.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

/// Listens on a loopback address that others don't know.
///
/// A web page can try all ports of 127.0.0.1. On Linux, each of the sixteen million addresses of 127.0.0.0/8 is this
/// machine, so this picks one at random. Other systems have only 127.0.0.1 unless more were configured, so this falls
/// back to it.
///
/// # Errors
///
/// No port can be opened.
pub fn private_listener() -> io::Result<TcpListener> {
    let [.., a, b, c] = uuid::Uuid::new_v4().into_bytes();
    let listener = TcpListener::bind((Ipv4Addr::new(127, a, b, c), 0))
        .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}
