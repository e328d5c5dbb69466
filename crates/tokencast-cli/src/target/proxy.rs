//! Proxies of the environment. Calls over HTTP take them, and WebSockets don't.

use axum::http::Uri;

/// Returns the variable that names a proxy for the host of a WebSocket, if one does.
pub fn in_the_way(url: &str, lookup: &impl Fn(&str) -> Option<String>) -> Option<&'static str> {
    let uri: Uri = url.parse().ok()?;
    let host = uri.host()?.trim_matches(['[', ']']);
    let is_loopback = host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    if is_loopback {
        return None;
    }
    let names = match uri.scheme_str()? {
        "https" | "wss" => ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
        _ => ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
    };
    let is_set = |name: &&str| lookup(name).is_some_and(|value| !value.trim().is_empty());
    names.into_iter().find(is_set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_in_the_way_of_its_scheme_and_not_of_loopback() {
        for (url, set, expected) in [
            (
                "https://a.example/graphql",
                "HTTPS_PROXY",
                Some("HTTPS_PROXY"),
            ),
            ("wss://a.example/dev", "https_proxy", Some("https_proxy")),
            ("wss://a.example/dev", "ALL_PROXY", Some("ALL_PROXY")),
            ("ws://a.example/dev", "http_proxy", Some("http_proxy")),
            ("https://a.example/graphql", "HTTP_PROXY", None),
            ("https://a.example/graphql", "NOTHING", None),
            ("https://localhost:4680/graphql", "HTTPS_PROXY", None),
            ("http://127.0.0.1:4680/graphql", "HTTP_PROXY", None),
            ("http://[::1]:4680/graphql", "HTTP_PROXY", None),
        ] {
            let lookup = |name: &str| (name == set).then(|| "http://proxy:3128".to_owned());
            assert_eq!(in_the_way(url, &lookup), expected, "{url} {set}");
        }
    }
}
