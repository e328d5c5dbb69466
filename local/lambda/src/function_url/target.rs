//! The URL that a request is for, and the path that its function sees.

use http::Request;
use http::header::HOST;

const PATH_PREFIX: &str = "/function-urls/";
const HOST_SUFFIX: &str = ".lambda-url.localhost";

/// Whether a request is for a function URL, whether or not this URL exists.
pub(crate) fn is_for<B>(request: &Request<B>) -> bool {
    of(request).is_some()
}

/// The URL's name and the path that its function sees, undecoded. The name is in the host (`NAME.lambda-url.localhost`)
/// or else in the path (`/function-urls/NAME/…`).
pub(super) fn of<B>(request: &Request<B>) -> Option<(String, String)> {
    let path = request.uri().path();
    if let Some(name) = host(request).and_then(|host| host.strip_suffix(HOST_SUFFIX)) {
        return Some((name.to_ascii_lowercase(), path.to_owned()));
    }
    let rest = path.strip_prefix(PATH_PREFIX)?;
    let (name, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    (!name.is_empty()).then(|| (name.to_owned(), path.to_owned()))
}

/// The request's host without its port. Over HTTP/2 it is in the URI.
pub(super) fn host<B>(request: &Request<B>) -> Option<&str> {
    if let Some(host) = request.uri().host() {
        return Some(host);
    }
    let host = request.headers().get(HOST)?.to_str().ok()?;
    Some(host.rsplit_once(':').map_or(host, |(name, _)| name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: &str, path: &str, expected: Option<(&str, &str)>) {
        let request = Request::builder().uri(path).header(HOST, host).body(());
        let target = of(&request.expect("a request"));
        let target = target
            .as_ref()
            .map(|(name, path)| (name.as_str(), path.as_str()));
        assert_eq!(target, expected, "{host} {path}");
    }

    #[test]
    fn a_url_is_named_by_host_or_path() {
        let local = "localhost:4680";
        check(local, "/function-urls/chat", Some(("chat", "/")));
        check(local, "/function-urls/chat/", Some(("chat", "/")));
        check(
            local,
            "/function-urls/chat/a%2Fb/c?d",
            Some(("chat", "/a%2Fb/c")),
        );
        check(local, "/function-urls/", None);
        check(local, "/graphql", None);
        check("chat.lambda-url.localhost:4680", "/a", Some(("chat", "/a")));
        check("Chat.lambda-url.localhost", "/", Some(("chat", "/")));
    }
}
