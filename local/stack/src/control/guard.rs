//! Admits only programs on this machine.

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use local_kit::local_host::is_local;

use super::refusal::Refusal;

/// Refuses web pages. A page that the developer visits sends an `Origin` with its requests; a page whose name was made
/// to point here (DNS rebinding) sends this name as the host.
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
    if !host.is_some_and(|host| is_local(&host)) {
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
