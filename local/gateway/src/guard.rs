//! Decides which requests are allowed: those to this machine under one of its names, and those of allowed origins.
//!
//! A web page that the developer visits may send requests to this port. They have an `Origin`, unless they are plain
//! `GET`s. A page whose own name was made to point here (DNS rebinding) sends this name as the host.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{HOST, ORIGIN};
use http::{Request, StatusCode};
use local_faults::ServiceEndpoint;
use local_kit::local_host::{is_local, name};

use super::refusal::refusal;
use crate::config::AccessConfig;

const FOREIGN_HOST: &str = "The request's Host is not this machine's: expected localhost, 127.0.0.1, [::1], or a host \
                            that is let in (`tokencast dev --allow-host`).";
const FOREIGN_ORIGIN: &str = "A web page of this origin may not call the stack: expected one of localhost, or one that is \
                              let in (`tokencast dev --allow-origin`).";
const NO_BROWSERS: &str =
    "A web page may not call this service: browsers don't call it on AWS, either.";

/// Allows a request, or returns the response that refuses it.
pub(super) fn check(
    access: &AccessConfig,
    service: Option<&ServiceEndpoint>,
    request: &Request<Body>,
) -> Result<(), Box<Response>> {
    let forbidden = |message| {
        let refused = refusal(StatusCode::FORBIDDEN, "AccessDeniedException", message);
        Box::new(refused.into_response())
    };
    let hosts = hosts(request).ok_or_else(|| forbidden(FOREIGN_HOST))?;
    let is_known = |host: &&str| is_local(host) || is_listed(&access.allow_hosts, host);
    if hosts.is_empty() || !hosts.iter().all(is_known) {
        return Err(forbidden(FOREIGN_HOST));
    }
    let mut origins = request.headers().get_all(ORIGIN).into_iter();
    let Some(origin) = origins.next() else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or_default();
    if origins.next().is_some() {
        return Err(forbidden(FOREIGN_ORIGIN));
    }
    if is_local_origin(origin) {
        return Ok(());
    }
    if !is_for_browsers(service, request) {
        return Err(forbidden(NO_BROWSERS));
    }
    // A page that this port has served, under an allowed host.
    let is_own = authority(origin).is_some_and(|origin| hosts.contains(&origin));
    let is_listed = access
        .allow_origins
        .iter()
        .any(|allowed| allowed.trim_end_matches('/').eq_ignore_ascii_case(origin));
    if is_own || is_listed {
        Ok(())
    } else {
        Err(forbidden(FOREIGN_ORIGIN))
    }
}

/// All hosts that a request names: the authority over HTTP/2, and the header over HTTP/1.1, which may differ from the
/// request line. `None` if one of them isn't text.
fn hosts(request: &Request<Body>) -> Option<Vec<&str>> {
    let authority = request.uri().authority().map(http::uri::Authority::as_str);
    let headers = request.headers().get_all(HOST).into_iter();
    let headers = headers.map(|host| host.to_str().ok());
    authority.map(Some).into_iter().chain(headers).collect()
}

fn is_listed(allowed: &[String], host: &str) -> bool {
    let asked = name(host);
    allowed
        .iter()
        .any(|allowed| name(allowed).eq_ignore_ascii_case(asked))
}

fn is_local_origin(origin: &str) -> bool {
    authority(origin).is_some_and(is_local)
}

/// Host and port of a web page's origin. Other schemes belong to apps and extensions, which have to be allowed by name.
fn authority(origin: &str) -> Option<&str> {
    let authority = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"))?;
    (!authority.contains(['/', '@', '?', '#'])).then_some(authority)
}

/// Whether browsers call this in production, or it is the page that the stack itself serves.
fn is_for_browsers(service: Option<&ServiceEndpoint>, request: &Request<Body>) -> bool {
    service.is_none_or(|service| (service.takes_browsers)(request))
}

#[cfg(test)]
mod tests {
    use local_faults::Claims;

    use super::*;

    const FOR_BROWSERS: ServiceEndpoint = ServiceEndpoint {
        name: "for browsers",
        claims: Claims::NONE,
        takes_browsers: |_| true,
        counted_as: |_| None,
        operations: |_, _| Vec::new(),
        names_are_in_body: |_| false,
        error_response: |_, _, _| None,
        unit_bytes: 1,
    };

    const FOR_BACK_ENDS: ServiceEndpoint = ServiceEndpoint {
        takes_browsers: |_| false,
        ..FOR_BROWSERS
    };

    fn access() -> AccessConfig {
        AccessConfig {
            allow_hosts: vec!["10.0.2.2".to_owned(), "fd00::5".to_owned()],
            allow_origins: vec!["https://app.example".to_owned()],
        }
    }

    fn heard(service: Option<&ServiceEndpoint>, path: &str, headers: &[(&str, &str)]) -> bool {
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).expect("a request");
        check(&access(), service, &request).is_ok()
    }

    #[test]
    fn hosts_of_this_machine_and_those_let_in() {
        for (host, expected) in [
            ("localhost", true),
            ("localhost:4680", true),
            ("LOCALHOST:1", true),
            ("chat.lambda-url.localhost:4680", true),
            ("127.0.0.1:4680", true),
            ("127.9.9.9", true),
            ("[::1]:4680", true),
            ("[::1]", true),
            ("10.0.2.2:4680", true),
            ("10.0.2.2", true),
            ("[fd00::5]:4680", true),
            ("10.0.2.23:4680", false),
            ("0.0.0.0:4680", false),
            ("192.168.0.2:4680", false),
            ("evil.example", false),
            ("localhost.evil.example:4680", false),
            ("notlocalhost", false),
            ("localhost@evil.example", false),
            ("", false),
        ] {
            let is_heard = heard(None, "/", &[("host", host)]);
            assert_eq!(is_heard, expected, "{host}");
        }
        assert!(!heard(None, "/", &[]), "no host");
        let both = [("host", "localhost"), ("host", "evil.example")];
        assert!(!heard(None, "/", &both), "two hosts");
        let local = [("host", "localhost")];
        assert!(!heard(None, "http://evil.example/", &local), "request line");
        assert!(heard(None, "http://localhost:1/", &local), "request line");
    }

    #[test]
    fn origins_by_service() {
        for (origin, browsers, others) in [
            ("http://localhost:5173", true, true),
            ("https://127.0.0.1", true, true),
            ("http://[::1]:3000", true, true),
            ("https://app.example", true, false),
            ("http://10.0.2.2:4680", true, false),
            ("http://10.0.2.2:8080", false, false),
            ("https://evil.example", false, false),
            ("https://localhost.evil.example", false, false),
            ("http://localhost@evil.example", false, false),
            ("https://app.example.evil.example", false, false),
            ("chrome-extension://localhost", false, false),
            ("null", false, false),
            ("", false, false),
        ] {
            let headers = [("host", "10.0.2.2:4680"), ("origin", origin)];
            for service in [None, Some(&FOR_BROWSERS)] {
                let is_heard = heard(service, "/", &headers);
                assert_eq!(is_heard, browsers, "{origin} {service:?}");
            }
            let is_heard = heard(Some(&FOR_BACK_ENDS), "/", &headers);
            assert_eq!(is_heard, others, "{origin}");
        }
        let page = [("host", "localhost"), ("origin", "https://app.example")];
        let two = [page[0], page[1], ("origin", "https://evil.example")];
        assert!(!heard(Some(&FOR_BROWSERS), "/graphql", &two));
    }
}
