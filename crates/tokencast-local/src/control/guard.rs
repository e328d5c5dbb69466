//! Who is heard: programs on this machine.

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::refusal::Refusal;

/// A page that the developer looks at may send requests to this port, but not without an `Origin`; and one whose name was
/// made to point here sends its own name as the host.
pub(super) async fn local_programs_only(request: Request, next: Next) -> Response {
    let forbidden = |message: &str| {
        let refusal = Refusal {
            status: StatusCode::FORBIDDEN,
            code: "Forbidden",
            message: message.to_owned(),
            path: None,
        };
        refusal.into_response()
    };
    if request.headers().contains_key(header::ORIGIN) {
        return forbidden(
            "A web page may not control the stack: the request has an Origin header.",
        );
    }
    let authority = request.uri().authority().map(|it| it.as_str().to_owned());
    let host = authority.or_else(|| host_header(request.headers()));
    if !host.is_some_and(|host| is_loopback(&host)) {
        return forbidden(
            "The request's Host is not this machine's: expected localhost, 127.0.0.1 or [::1].",
        );
    }
    next.run(request).await
}

fn host_header(headers: &HeaderMap) -> Option<String> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    Some(host.to_owned())
}

/// A host with or without its port.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    name.eq_ignore_ascii_case("localhost")
        || name
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_has_a_few_names() {
        for (host, expected) in [
            ("localhost", true),
            ("localhost:4680", true),
            ("LOCALHOST:1", true),
            ("127.0.0.1:4680", true),
            ("[::1]:4680", true),
            ("[::1]", true),
            ("192.168.0.2:4680", false),
            ("evil.example", false),
            ("localhost.evil.example:4680", false),
            ("", false),
        ] {
            assert_eq!(is_loopback(host), expected, "{host}");
        }
    }
}
