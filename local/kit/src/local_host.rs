//! The names of this machine, as a request's `Host` has them.

/// Whether a host, with or without its port, is a name of loopback. Names below `localhost` are nobody else's.
///
/// ```
/// assert!(local_kit::local_host::is_local("chat.localhost:4680"));
/// assert!(!local_kit::local_host::is_local("localhost.example"));
/// ```
pub fn is_local(host: &str) -> bool {
    let name = name(host);
    let (first, last) = name.split_at(name.len().saturating_sub("localhost".len()));
    if last.eq_ignore_ascii_case("localhost") && (first.is_empty() || first.ends_with('.')) {
        return true;
    }
    name.parse::<std::net::IpAddr>()
        .is_ok_and(|address| address.is_loopback())
}

/// A host without its port and an address' brackets.
pub fn name(host: &str) -> &str {
    if let Some(address) = host.strip_prefix('[') {
        return address.split(']').next().unwrap_or_default();
    }
    match host.split_once(':') {
        // A bare address of IPv6 has more than one colon, and no port.
        Some((name, port)) if !port.contains(':') => name,
        _ => host,
    }
}
