//! The host names of this machine, as a request's `Host` header gives them.

/// Whether a host, with or without a port, names the loopback interface. All names below `localhost` do.
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

/// The host without its port, and without the brackets of an IPv6 address.
pub fn name(host: &str) -> &str {
    if let Some(address) = host.strip_prefix('[') {
        return address.split(']').next().unwrap_or_default();
    }
    match host.split_once(':') {
        // A bare IPv6 address has more than one colon and no port.
        Some((name, port)) if !port.contains(':') => name,
        _ => host,
    }
}
