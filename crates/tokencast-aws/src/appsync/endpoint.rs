//! The API's URL, in the parts that a request and its signature need.

use http::Uri;

/// Where one AppSync API is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    tls: bool,
    host: String,
    port: u16,
    authority: String,
    path: String,
}

impl Endpoint {
    /// `None` for what is no `http` or `https` URL with a plain path: one that a signature takes as it stands, without a
    /// query. AppSync's are `/graphql`.
    pub(super) fn parse(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let (tls, default_port) = match uri.scheme_str()? {
            "https" => (true, 443),
            "http" => (false, 80),
            _ => return None,
        };
        let host = uri.host()?;
        let port = uri.port_u16().unwrap_or(default_port);
        let authority = if port == default_port {
            host.to_owned()
        } else {
            format!("{host}:{port}")
        };
        let path = uri.path();
        let is_plain = |segment: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            !segment.is_empty() && segment != "." && segment != ".." && segment.bytes().all(plain)
        };
        let plain = path == "/" || path.strip_prefix('/')?.split('/').all(is_plain);
        let bare = uri.query().is_none() && !uri.authority()?.as_str().contains('@');
        (plain && bare).then(|| Self {
            tls,
            // An IPv6 address has brackets in a URL only.
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            authority,
            path: path.to_owned(),
        })
    }

    pub(super) fn is_tls(&self) -> bool {
        self.tls
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The header `host`: without a port that goes without saying.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_urls_are_taken() {
        for (url, expected) in [
            (
                "https://a.example/graphql",
                Some("true a.example 443 a.example /graphql"),
            ),
            ("https://a.example", Some("true a.example 443 a.example /")),
            (
                "http://localhost:1234/a/b-c",
                Some("false localhost 1234 localhost:1234 /a/b-c"),
            ),
            (
                "http://[::1]:1234/graphql",
                Some("false ::1 1234 [::1]:1234 /graphql"),
            ),
            (
                "http://a.example:80/",
                Some("false a.example 80 a.example /"),
            ),
            ("ftp://a.example/graphql", None),
            ("a.example/graphql", None),
            ("https://a.example/graphql?x=1", None),
            ("https://user@a.example/graphql", None),
            ("https://a.example/a//b", None),
            ("https://a.example/a/", None),
            ("https://a.example/../graphql", None),
            ("https://a.example/a%20b", None),
        ] {
            let parsed = Endpoint::parse(url).map(|endpoint| {
                let Endpoint {
                    tls,
                    host,
                    port,
                    authority,
                    path,
                } = endpoint;
                format!("{tls} {host} {port} {authority} {path}")
            });
            assert_eq!(parsed.as_deref(), expected, "{url}");
        }
    }
}
