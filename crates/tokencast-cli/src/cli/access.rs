//! The values of `--allow-host` and `--allow-origin`.

/// Parses a host name or an address, without scheme, port and path.
pub(super) fn host(given: &str) -> Result<String, String> {
    let bare = given.trim_start_matches('[').trim_end_matches(']');
    let is_address = bare.parse::<std::net::IpAddr>().is_ok();
    let is_name = !given.is_empty()
        && given
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    if is_address || is_name {
        Ok(bare.to_owned())
    } else {
        Err(
            "expected a host name or an address, without a port: `10.0.2.2`, `laptop.lan`"
                .to_owned(),
        )
    }
}

/// Parses an origin as browsers write it: scheme, host, and the port unless it is the scheme's default.
pub(super) fn origin(given: &str) -> Result<String, String> {
    let given = given.strip_suffix('/').unwrap_or(given);
    let is_origin = given.split_once("://").is_some_and(|(scheme, host)| {
        !scheme.is_empty() && !host.is_empty() && !host.contains(['/', '?', '#', '@', '*'])
    });
    if is_origin {
        Ok(given.to_owned())
    } else {
        Err(
            "expected the origin of a web page: `https://app.example`, `http://10.0.2.2:5173`"
                .to_owned(),
        )
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn hosts_and_origins() {
        for (given, expected) in [
            ("10.0.2.2", Some("10.0.2.2")),
            ("laptop.lan", Some("laptop.lan")),
            ("[fd00::5]", Some("fd00::5")),
            ("fd00::5", Some("fd00::5")),
            ("laptop.lan:4680", None),
            ("http://laptop.lan", None),
            ("*", None),
            ("", None),
        ] {
            assert_eq!(super::host(given).ok().as_deref(), expected, "{given}");
        }
        for (given, expected) in [
            ("https://app.example", Some("https://app.example")),
            ("https://app.example/", Some("https://app.example")),
            ("capacitor://localhost", Some("capacitor://localhost")),
            ("app.example", None),
            ("https://*.example", None),
            ("https://app.example/path", None),
            ("*", None),
        ] {
            assert_eq!(super::origin(given).ok().as_deref(), expected, "{given}");
        }
    }
}
