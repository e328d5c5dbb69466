//! The CORS headers of a function URL. They replace those that the function sets.

use axum::body::Body;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Request};

use crate::config::CorsConfig;

/// The response to a preflight request, which the function never sees. [`apply`] completes it.
pub(super) fn preflight<B>(cors: &CorsConfig, request: &Request<B>) -> Response {
    let mut response = Response::new(Body::empty());
    let asked = request.headers();
    let is_preflight = asked.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if !is_preflight || allowed_origin(cors, asked.get(ORIGIN)).is_none() {
        return response;
    }
    let headers = response.headers_mut();
    list(headers, ACCESS_CONTROL_ALLOW_METHODS, &cors.allow_methods);
    if is_any(&cors.allow_headers) {
        // `*` doesn't cover `authorization`, so the requested headers are named.
        let any = HeaderValue::from_static("*");
        let asked = asked.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned();
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.unwrap_or(any));
    } else {
        list(headers, ACCESS_CONTROL_ALLOW_HEADERS, &cors.allow_headers);
    }
    if let Some(max_age) = cors.max_age {
        headers.insert(ACCESS_CONTROL_MAX_AGE, max_age.as_secs().into());
    }
    response
}

/// Sets the CORS headers for an allowed origin, and removes them for any other.
pub(super) fn apply(cors: &CorsConfig, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
    let allowed = allowed_origin(cors, origin);
    headers.remove(ACCESS_CONTROL_ALLOW_CREDENTIALS);
    headers.remove(ACCESS_CONTROL_EXPOSE_HEADERS);
    headers.remove(ACCESS_CONTROL_ALLOW_ORIGIN);
    headers.append(VARY, HeaderValue::from_static("Origin"));
    let Some(allowed) = allowed else { return };
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    if cors.allow_credentials {
        let yes = HeaderValue::from_static("true");
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
    }
    list(headers, ACCESS_CONTROL_EXPOSE_HEADERS, &cors.expose_headers);
}

/// The value of `access-control-allow-origin`. With credentials, browsers refuse `*`, so the origin is named.
fn allowed_origin(cors: &CorsConfig, origin: Option<&HeaderValue>) -> Option<HeaderValue> {
    let origin = origin?;
    if is_any(&cors.allow_origins) {
        return Some(if cors.allow_credentials {
            origin.clone()
        } else {
            HeaderValue::from_static("*")
        });
    }
    let is_listed = cors
        .allow_origins
        .iter()
        .any(|allowed| allowed.as_bytes() == origin.as_bytes());
    is_listed.then(|| origin.clone())
}

fn is_any(list: &[String]) -> bool {
    list.iter().any(|item| item == "*")
}

fn list(headers: &mut HeaderMap, name: HeaderName, items: &[String]) {
    let text = items.join(",");
    if let Ok(value) = HeaderValue::from_str(&text)
        && !text.is_empty()
    {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn cors(origin: &str, allow_credentials: bool) -> CorsConfig {
        CorsConfig {
            allow_credentials,
            allow_headers: vec!["authorization".to_owned()],
            allow_methods: vec!["POST".to_owned(), "GET".to_owned()],
            allow_origins: vec![origin.to_owned()],
            expose_headers: vec!["x-tokencast-session-id".to_owned()],
            max_age: Some(Duration::from_hours(1)),
        }
    }

    fn answered(cors: &CorsConfig, origin: &str) -> HeaderMap {
        let request = Request::builder()
            .method("OPTIONS")
            .header(ORIGIN, origin)
            .header(ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .header(ACCESS_CONTROL_REQUEST_HEADERS, "authorization,x-other")
            .body(());
        let mut response = preflight(cors, &request.expect("a request"));
        let origin = HeaderValue::from_str(origin).expect("a header");
        apply(cors, Some(&origin), response.headers_mut());
        response.headers().clone()
    }

    #[test]
    fn an_allowed_origin_is_told_all() {
        let headers = answered(&cors("http://a.test", true), "http://a.test");
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], "http://a.test");
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_METHODS], "POST,GET");
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_HEADERS], "authorization");
        assert_eq!(headers[ACCESS_CONTROL_MAX_AGE], "3600");
        let exposed = &headers[ACCESS_CONTROL_EXPOSE_HEADERS];
        assert_eq!(exposed, "x-tokencast-session-id");
    }

    #[test]
    fn another_origin_is_told_nothing() {
        let headers = answered(&cors("http://a.test", true), "http://b.test");
        assert_eq!(headers.keys().collect::<Vec<_>>(), [VARY]);
    }

    #[test]
    fn a_star_is_any_origin_and_any_header() {
        let mut any = cors("*", false);
        any.allow_headers = vec!["*".to_owned()];
        let headers = answered(&any, "http://b.test");
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        let allowed = &headers[ACCESS_CONTROL_ALLOW_HEADERS];
        assert_eq!(allowed, "authorization,x-other");
        let headers = answered(&cors("*", true), "http://b.test");
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], "http://b.test");
    }

    #[test]
    fn what_the_function_says_of_it_is_replaced() {
        let mut headers = HeaderMap::new();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        apply(&cors("http://a.test", false), None, &mut headers);
        assert!(!headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
    }
}
